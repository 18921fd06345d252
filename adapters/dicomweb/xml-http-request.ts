/**
 * What `dicomweb-client` needs of a browser: the part of XMLHttpRequest that it uses, on `http.ts`. One object per
 * request; afterwards it tells status and fault, which the library passes on only in part.
 */
import { WetreadError } from '../../src/errors.ts';
import { exchange, type HttpOptions } from './http.ts';

export class XmlHttpRequest {
  readonly #options: HttpOptions;
  readonly #signal: AbortSignal;
  readonly #headers: Record<string, string> = {};
  #method: 'GET' | 'POST' = 'GET';
  #url = '';
  #responseHeaders: Readonly<Record<string, string | string[] | undefined>> = {};

  /** Set by the library: `json`, or empty for text. */
  responseType = '';
  onreadystatechange: (() => void) | undefined;
  readyState = 0;
  /** 0 until an answer came. */
  status = 0;
  response: unknown = undefined;
  /** Why no answer came. */
  fault: WetreadError | undefined;

  constructor(options: HttpOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  open(method: string, url: string): void {
    this.#method = method.toUpperCase() === 'POST' ? 'POST' : 'GET';
    // The library escapes the comma that separates attributes (PS3.18 8.3.4.3); Orthanc then takes them for one and gives none.
    this.#url = url.replaceAll('%2C', ',');
  }

  setRequestHeader(name: string, value: string): void {
    this.#headers[name.toLowerCase()] = value;
  }

  getResponseHeader(name: string): string | null {
    const value = this.#responseHeaders[name.toLowerCase()];
    return value === undefined ? null : String(value);
  }

  getAllResponseHeaders(): string {
    return Object.entries(this.#responseHeaders)
      .map(([name, value]) => `${name}: ${String(value)}`)
      .join('\r\n');
  }

  send(data?: ArrayBuffer): void {
    this.#exchange(data)
      .catch((error: unknown) => {
        this.status = 0;
        this.fault = WetreadError.from(error, 'archive-unreachable');
      })
      .finally(() => {
        this.readyState = 4;
        this.onreadystatechange?.();
      });
  }

  async #exchange(data: ArrayBuffer | undefined): Promise<void> {
    const body = data === undefined ? {} : { body: new Uint8Array(data) };
    const request = { method: this.#method, url: this.#url, headers: this.#headers, ...body };
    const { status, headers, text } = await exchange(this.#options, request, this.#signal);
    this.#responseHeaders = headers;
    this.response = this.responseType === 'json' ? parsed(text) : text;
    this.status = status;
  }
}

/** As a browser does it: null where the text is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
