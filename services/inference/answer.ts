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
  // Too Many Requests (RFC 6585 section 4): this server is well, and a balancer in front of it need not take it out.
  if (code === 'overloaded') return refusal(429, message, { 'retry-after': '1' });
  // A model that fails is a fault of this server; only its clients see a bad gateway.
  return refusal(code === 'inference-failed' ? 500 : ERROR_CODES[code].httpStatus, message);
}
