/** One POST of a form to a token endpoint, and its JSON; no redirect is followed, for the body holds the proof of who we are. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { WetreadError } from '../../src/errors.ts';
import { certificateFault } from '../../src/remote-server.ts';
import type { TlsAccess } from './tls-files.ts';

export interface FormAnswer {
  readonly status: number;
  /** Empty where the answer is no JSON object. */
  readonly json: Readonly<Record<string, unknown>>;
}

const LIMIT_MS = 15_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/** @throws WetreadError `authorization-unreachable`, `certificate-refused` */
export async function postForm(
  url: string,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
  tls: (() => TlsAccess) | undefined,
): Promise<FormAnswer> {
  const body = new URLSearchParams(fields).toString();
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const target = new URL(url);
  const start = target.protocol === 'https:' ? httpsRequest : httpRequest;
  try {
    const sending = start(target, {
      ...tls?.(),
      method: 'POST',
      agent: false,
      signal: AbortSignal.timeout(LIMIT_MS),
      headers: {
        ...headers,
        accept: 'application/json',
        'accept-encoding': 'identity',
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(body),
      },
    });
    sending.once('response', resolve);
    sending.on('error', reject);
    sending.end(body);
    const response = await promise;
    return { status: response.statusCode ?? 0, json: objectOf(await textOf(response)) };
  } catch (cause) {
    throw faultOf(cause);
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.byteLength;
    if (length > MAX_ANSWER_BYTES)
      throw new WetreadError('authorization-refused', 'The authorization server answered more than a token');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function faultOf(cause: unknown): WetreadError {
  if (cause instanceof WetreadError) return cause;
  return (
    certificateFault(cause, 'The authorization server') ??
    new WetreadError('authorization-unreachable', 'The authorization server did not answer', { cause })
  );
}
