/** What went wrong with a request to the archive, and whether it may pass. */
import { WetreadError } from '../../src/errors.ts';
import { certificateFault } from '../../src/remote-server.ts';

export function requireIdentity(contentEncoding: string | undefined): void {
  if (contentEncoding === undefined || contentEncoding === 'identity') return;
  throw new WetreadError('archive-refused', 'The archive compresses its answers though it was asked not to');
}

export function silence(): WetreadError {
  return new WetreadError('timeout', 'The archive said nothing for too long');
}

export function faultOf(cause: unknown, signal: AbortSignal): WetreadError {
  if (signal.aborted) return WetreadError.from(signal.reason, 'timeout');
  if (cause instanceof WetreadError) return cause;
  const certificate = certificateFault(cause, 'The archive');
  if (certificate !== undefined) return certificate;
  return new WetreadError('archive-unreachable', 'The connection to the archive failed', { cause });
}

/** Throws where a status says that there is no answer to read. 4xx is for good, the rest may pass. */
export function requireStatus(status: number, expected: readonly number[]): void {
  if (expected.includes(status)) return;
  const passing = status >= 500 || status === 408 || status === 425 || status === 429;
  const hint = status === 401 || status === 403 ? ': check its credentials' : '';
  throw new WetreadError(passing ? 'archive-unreachable' : 'archive-refused', `The archive answered ${status}${hint}`);
}
