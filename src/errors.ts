/**
 * Faults. An expected outcome (nothing to read, not evaluable, held) is a value with a {@link Reason}; a fault is a
 * {@link WetreadError}. `retryable` is decided where the fact is known, once, and read by the retry table.
 * docs/errors.md lists every code; a test compares the two.
 */
export const ERROR_CODES = {
  'archive-unreachable': { retryable: true, httpStatus: 503, means: 'The image archive did not answer' },
  'archive-refused': { retryable: false, httpStatus: 502, means: 'The image archive refused the request for good' },
  'archive-truncated': { retryable: true, httpStatus: 502, means: 'A retrieve ended before its last part' },
  'authorization-refused': {
    retryable: false,
    httpStatus: 502,
    means: 'The authorization server gave no token that can be used',
  },
  'authorization-unreachable': {
    retryable: true,
    httpStatus: 503,
    means: 'The authorization server did not answer',
  },
  'certificate-refused': {
    retryable: false,
    httpStatus: 502,
    means: 'A certificate, of a server or ours for it, is not accepted',
  },
  'broker-refused': { retryable: false, httpStatus: 502, means: 'The message broker refused what Wetread asked for' },
  'broker-unreachable': { retryable: true, httpStatus: 503, means: 'The message broker did not answer' },
  'config-invalid': {
    retryable: false,
    httpStatus: 500,
    means: 'The configuration breaks its schema; the key is named',
  },
  conflict: { retryable: false, httpStatus: 409, means: 'Another writer changed the same resource first' },
  'decode-failed': { retryable: false, httpStatus: 422, means: 'Pixel data could not be decoded' },
  'disk-full': { retryable: true, httpStatus: 507, means: 'No space is left where Wetread stores its data' },
  'event-unroutable': { retryable: true, httpStatus: 502, means: 'No queue of the message broker takes the event' },
  'folder-unreachable': {
    retryable: true,
    httpStatus: 503,
    means: 'A watched folder, or a file in it, cannot be read',
  },
  'health-record-refused': { retryable: false, httpStatus: 502, means: 'The FHIR server refused the write for good' },
  'health-record-unreachable': { retryable: true, httpStatus: 503, means: 'The FHIR server did not answer' },
  'inference-failed': { retryable: false, httpStatus: 502, means: 'The model ran and reported an error' },
  'inference-unreachable': {
    retryable: true,
    httpStatus: 503,
    means: 'The inference service did not answer or died during a run',
  },
  internal: { retryable: false, httpStatus: 500, means: 'A fault of Wetread itself' },
  'lease-lost': { retryable: true, httpStatus: 409, means: 'Another worker has taken the attempt over' },
  'ledger-unreachable': { retryable: true, httpStatus: 503, means: 'The database of the ledger did not answer' },
  'media-type-unsupported': {
    retryable: false,
    httpStatus: 415,
    means: 'The body of a request has another media type',
  },
  'not-authenticated': {
    retryable: false,
    httpStatus: 401,
    means: 'The caller does not show the secret that was agreed on',
  },
  'not-acceptable': { retryable: false, httpStatus: 406, means: 'No form that the client accepts can be given' },
  'not-found': { retryable: false, httpStatus: 404, means: 'Nothing is stored under this address' },
  overloaded: { retryable: true, httpStatus: 503, means: 'More work is waiting than the limit allows' },
  'package-untrusted': {
    retryable: false,
    httpStatus: 422,
    means: 'Nobody whom the site trusts signed the model package',
  },
  'package-not-permitted': {
    retryable: false,
    httpStatus: 409,
    means: 'The licence of the model package does not permit what the site would do with it',
  },
  'package-invalid': { retryable: false, httpStatus: 422, means: 'A model package fails its schema or its digest' },
  'part10-invalid': { retryable: false, httpStatus: 422, means: 'Bytes are not a readable DICOM Part 10 file' },
  'request-invalid': { retryable: false, httpStatus: 400, means: 'A request breaks its contract' },
  timeout: { retryable: true, httpStatus: 504, means: 'A step took longer than its limit' },
  'too-large': { retryable: false, httpStatus: 413, means: 'A request exceeds a configured limit' },
  'uid-invalid': { retryable: false, httpStatus: 422, means: 'A UID breaks PS3.5 section 9.1' },
  'worklist-claim-lost': {
    retryable: false,
    httpStatus: 409,
    means: 'A work item is in progress in the name of Wetread, under a lock that Wetread does not have',
  },
  'worklist-refused': { retryable: false, httpStatus: 502, means: 'The worklist server refused the request for good' },
  'worklist-unreachable': { retryable: true, httpStatus: 503, means: 'The worklist server did not answer' },
  'writeback-mismatch': {
    retryable: false,
    httpStatus: 502,
    means: 'What was read back differs from what was written',
  },
} as const satisfies Record<string, { retryable: boolean; httpStatus: number; means: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

export class WetreadError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  /** How long a server asks to be left alone, where it does. */
  readonly retryAfterSeconds?: number;

  /** @param message for operators: never holds patient data; the code carries the meaning. */
  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; retryable?: boolean; retryAfterSeconds?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'WetreadError';
    this.code = code;
    this.retryable = options.retryable ?? ERROR_CODES[code].retryable;
    if (options.retryAfterSeconds !== undefined) this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** Wraps what is not yet a WetreadError, keeping the cause. */
  static from(cause: unknown, code: ErrorCode = 'internal'): WetreadError {
    if (cause instanceof WetreadError) return cause;
    const message = cause instanceof Error ? cause.name : 'unknown';
    return new WetreadError(code, `${ERROR_CODES[code].means} (${message})`, { cause });
  }
}
