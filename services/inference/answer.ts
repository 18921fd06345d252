/** What a route answers: a value until the server writes it. */
import { ERROR_CODES, WetreadError } from '../../src/errors.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly chunks: readonly Uint8Array[];
}

export function json(status: number, value: object, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    chunks: [Buffer.from(JSON.stringify(value))],
  };
}

export function text(status: number, value: string): Answer {
  return {
    status,
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
    chunks: [Buffer.from(value)],
  };
}

/** The protocol's error body. */
export function refusal(status: number, error: string, headers?: Readonly<Record<string, string>>): Answer {
  return json(status, { error }, headers);
}

export function answerToFault(fault: unknown): Answer {
  const { code, message } = WetreadError.from(fault);
  // A model that fails is a fault of this server; only its clients see a bad gateway.
  const status = code === 'inference-failed' ? 500 : ERROR_CODES[code].httpStatus;
  return refusal(status, message, code === 'overloaded' ? { 'retry-after': '1' } : {});
}
