/** What one model made of one series. */
import type { MaskSource } from '../assembly/image-plane.ts';
import type { Segmentation } from '../assembly/segmentation.ts';
import type { Images } from '../assembly/volume.ts';
import type { Finding, Findings, InstanceReference } from './findings.ts';
import type { Guard } from './guards/guard.ts';
import type { ModelPackage, SegmentStatistics } from './model-package.ts';
import type { GivenSlot } from './slots.ts';

/** Regions of a volume or of one image, and what was counted in them: one item of `statistics` per segment. */
export interface Outlines<Source extends MaskSource = MaskSource> {
  readonly segmentation: Segmentation<Source>;
  readonly statistics: readonly SegmentStatistics[];
}

/** A sentence that a language model wrote. */
export interface GeneratedSentence {
  readonly section: 'findings' | 'impression';
  readonly text: string;
  /** What a reader must check. */
  readonly flags: readonly Guard[];
  /** The finding that it became, where it is about a label of the card. */
  readonly findingKey?: string;
  /** The images that the model names for it; empty where it names none. */
  readonly evidence: readonly InstanceReference[];
}

/** What a language model wrote, without what was withheld; of that only how much there was, and why. */
export interface GeneratedText {
  readonly sentences: readonly GeneratedSentence[];
  readonly withheld: ReadonlyMap<Guard, number>;
}

/** A vector that stands for a series, or for one image. */
export interface Embedding {
  readonly tensor: string;
  /** Of length 1. */
  readonly vector: readonly number[];
  readonly sopInstanceUid?: string;
}

/** What one output of a model says. */
export interface OutputReading {
  readonly findings: readonly Finding[];
  /** Of an output that outlines; a model has at most one. */
  readonly outlines?: Outlines;
  /** What else the findings depend on: part of what a reading can be repeated from (safety R4). */
  readonly parameters: Readonly<Record<string, string>>;
  /** Of an output that is text; a model has at most one. */
  readonly text?: GeneratedText;
  /** Of an output that is a vector. */
  readonly embedding?: Embedding;
  /** What must be known beside the findings: they join the caveats of the draft. */
  readonly notes?: readonly string[];
}

/** Undefined where no output outlines. */
export function outlinesOf(said: readonly OutputReading[]): Reading['outlines'] {
  const [first, ...others] = said.flatMap(({ outlines }) => outlines ?? []);
  return first && [first, ...others];
}

/** Undefined where no output is a vector. */
export function embeddingsOf(said: readonly OutputReading[]): readonly [Embedding, ...Embedding[]] | undefined {
  const [first, ...others] = said.flatMap((reading) => reading.embedding ?? []);
  return first && [first, ...others];
}

export interface Reading {
  readonly model: ModelPackage;
  /** What was read. Its voxels, or pixels, are gone once the draft is made. */
  readonly images: Images;
  /** Further series that a model of volumes was given; without voxels too once the draft is made. */
  readonly given?: readonly GivenSlot[];
  readonly findings: Findings;
  /** Of a model that outlines: of a volume one, of images one for each that was read, in their order. */
  readonly outlines?: readonly [Outlines, ...Outlines[]];
  /** Of a model that writes. */
  readonly text?: GeneratedText;
  /** Kept with the study, for retrieval, and never written back. */
  readonly embeddings?: readonly [Embedding, ...Embedding[]];
}
