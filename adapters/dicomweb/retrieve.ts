/** WADO-RS retrieve of instances as they are stored (PS3.18 10.4, 8.7.3.5: `transfer-syntax=*`), part by part. */
import { WetreadError } from '../../src/errors.ts';
import { exchange, type HttpOptions, requireStatus } from './http.ts';
import { type MultipartLimits, multipartBoundary, readParts } from './multipart.ts';

/** Without the parameter a server must transcode to Explicit VR Little Endian. */
const AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*';

/**
 * Instances of a resource, in the order of the server; none where it has none. No more than one part is held here.
 * @throws WetreadError `archive-truncated` where the body ends before its closing delimiter
 */
export async function* retrieveParts(
  options: HttpOptions,
  url: string,
  limits: MultipartLimits,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { status, headers, body } = await exchange(
    options,
    { method: 'GET', url, headers: { accept: AS_STORED } },
    signal,
  );
  if (status === 404 || status === 410 || status === 204) return;
  requireStatus(status, [200, 206]);
  try {
    const media = multipartBoundary(String(headers['content-type']));
    if (media === undefined)
      throw new WetreadError('archive-refused', 'The archive answered something else than multipart');
    for await (const { bytes } of readParts(body, media.boundary, limits)) yield bytes;
  } catch (error) {
    throw asArchiveFault(error);
  }
}

/** The parser serves both sides of HTTP: what it calls a bad request is a bad answer here. */
function asArchiveFault(error: unknown): unknown {
  if (!(error instanceof WetreadError) || error.code !== 'request-invalid') return error;
  return new WetreadError('archive-refused', `The archive sent a broken answer: ${error.message}`, { cause: error });
}
