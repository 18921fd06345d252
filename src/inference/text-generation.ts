/** What is asked of a language model that looks at pictures, and what comes back. Nothing of a header is in it. */
import type { Picture } from './pictures.ts';

export interface TextRequest {
  /** Name of the server in the site's configuration. */
  readonly server: string;
  /** As the server names it. */
  readonly model: string;
  /** The filled-in template of the package. */
  readonly prompt: string;
  /** Made while they are encoded, one at a time. */
  readonly pictures: Iterable<Picture>;
  /** Most pixels of the longer edge of what is sent: larger pictures are reduced. */
  readonly pictureSize: number;
  /** JSON Schema that the answer must satisfy. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly maximumTokens: number;
  readonly temperature: number;
  readonly seed: number;
}

export interface TextAnswer {
  /** As it came; empty where nothing did. */
  readonly content: string;
  /** `truncated`: the limit of tokens was reached; `refused`: the model, or a filter of its server, will not answer. */
  readonly end: 'complete' | 'truncated' | 'refused';
  /** As the server names what answered. */
  readonly model: string;
  /** Of the configuration that the server ran, where it says so. */
  readonly fingerprint?: string;
  readonly promptTokens?: number;
  readonly completionTokens?: number;
}
