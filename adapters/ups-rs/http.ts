/** Small requests to one worklist server: DICOM JSON in, DICOM JSON out, each with a time limit. */
import type { DicomDataSet } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import { type Authorize, type HeaderFields, sameFields } from '../../src/remote-server.ts';

export interface HttpOptions {
  readonly authorize?: Authorize;
  /** How long an answer may take, to its last byte. */
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly dataSets: readonly DicomDataSet[];
}

const MEDIA_TYPE = 'application/dicom+json';
/** A page of a worklist, and room to spare. */
const MAX_BYTES = 32 * 1024 * 1024;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: URL;
  readonly body?: DicomDataSet;
}

/** @throws WetreadError `worklist-unreachable`, `too-large`, `timeout`, what {@link Authorize} throws, or the reason of the signal */
export async function exchange(options: HttpOptions, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  const fields = (await options.authorize?.(signal)) ?? {};
  const answer = await send(options, request, fields, signal);
  if (answer.status !== 401) return answer;
  const others = (await options.authorize?.(signal, fields)) ?? fields;
  return sameFields(fields, others) ? answer : send(options, request, others, signal);
}

async function send(
  options: HttpOptions,
  { method, url, body }: HttpRequest,
  fields: HeaderFields,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const limit = AbortSignal.timeout(options.timeoutMs);
  try {
    const response = await fetch(url, {
      method,
      // Only the configured server is asked: a redirect might carry an authorization elsewhere.
      redirect: 'manual',
      headers: {
        accept: MEDIA_TYPE,
        // A kept connection may be closed by the server just as it is used again; one per request never is.
        connection: 'close',
        ...(body && { 'content-type': MEDIA_TYPE }),
        ...fields,
      },
      signal: AbortSignal.any([signal, limit]),
      ...(body && { body: JSON.stringify([body]) }),
    });
    const { status, headers } = response;
    return { status, headers, dataSets: dataSetsOf(await textOf(response)) };
  } catch (cause) {
    if (signal.aborted) throw WetreadError.from(signal.reason, 'timeout');
    if (cause instanceof WetreadError) throw cause;
    if (limit.aborted) throw new WetreadError('timeout', 'The worklist server took too long', { cause });
    throw new WetreadError('worklist-unreachable', 'The connection to the worklist server failed', { cause });
  }
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    length += chunk.byteLength;
    if (length > MAX_BYTES) throw new WetreadError('too-large', 'An answer of the worklist server exceeds the limit');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The data sets of an answer; a text that is no DICOM JSON, such as a page of a proxy, holds none. */
function dataSetsOf(text: string): readonly DicomDataSet[] {
  try {
    const parsed = JSON.parse(text) as unknown;
    const items: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
    return items.filter((item): item is DicomDataSet => typeof item === 'object' && item !== null);
  } catch {
    return [];
  }
}

/** @throws WetreadError `worklist-refused` for what no retry mends, `worklist-unreachable` for what may pass */
export function requireStatus(status: number, expected: readonly number[]): void {
  if (expected.includes(status)) return;
  const passing = status >= 500 || status === 408 || status === 425 || status === 429;
  throw new WetreadError(
    passing ? 'worklist-unreachable' : 'worklist-refused',
    `The worklist server answered ${status}`,
  );
}
