/**
 * What every client of a foreign server needs to know alike, whatever the protocol above HTTP: how it says who asks,
 * how a server says "later", and what is wrong with a certificate. Facts only; the requests are the adapters'.
 */
import { WetreadError } from './errors.ts';

export type HeaderFields = Readonly<Record<string, string>>;

/**
 * Header fields that tell a server who asks, anew for every request; never kept, logged or sent to another server.
 * @param refused fields that the server has just refused (401): the answer differs where others can be had
 * @throws WetreadError `authorization-unreachable`, `authorization-refused`, `config-invalid`
 */
export type Authorize = (signal: AbortSignal, refused?: HeaderFields) => Promise<HeaderFields>;

export function sameFields(one: HeaderFields, other: HeaderFields): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

/** Too Many Requests (RFC 6585 section 4) and Service Unavailable (RFC 9110 15.6.4): the answers that may say when to come back. */
export function isBusy(status: number): boolean {
  return status === 429 || status === 503;
}

/** RFC 9110 15.4: answers that name another place. */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/**
 * Retry-After (RFC 9110 10.2.3), seconds or a date.
 * @returns seconds from now, none below 0; undefined where nothing is said that can be understood
 */
export function retryAfterSeconds(field: string | undefined, nowMs: number): number | undefined {
  const text = field?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text);
  // Only the form of RFC 9110 5.6.7: Date.parse would take much else for a date.
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return undefined;
  const seconds = Math.ceil((Date.parse(text) - nowMs) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

const UNTRUSTED: readonly string[] = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
  'CERT_SIGNATURE_FAILURE',
  'INVALID_CA',
];
const OUT_OF_DATE: readonly string[] = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'];
/**
 * Alerts with which a server ends a handshake because of our certificate, or for want of one (RFC 8446 section 6.2).
 * OpenSSL names the number in every error that one leads to, whether a read or a write ends in it.
 */
const OURS_REFUSED = /SSL alert number (40|42|43|44|45|46|48|116)\b/;

/**
 * @param cause what a connection over TLS ended with; the error of a library may hold it as its own cause
 * @param server as a sentence begins with it, such as `The archive`
 * @returns `certificate-refused` with the key of the server's configuration to set, or undefined where the cause is no certificate
 */
export function certificateFault(cause: unknown, server: string): WetreadError | undefined {
  const error = tlsErrorIn(cause);
  if (error === undefined) return undefined;
  const { code, message } = error;
  if (UNTRUSTED.includes(code))
    return refused(`${server} has a certificate that no trusted authority has signed: set tls.caFile for it`);
  if (OUT_OF_DATE.includes(code))
    return refused(`${server} has a certificate that is not valid at this time: renew it, or set the clock`, true);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return refused(`${server} has a certificate of another name: correct the URL, or set tls.serverName for it`);
  if (code === 'CERT_REVOKED') return refused(`${server} has a certificate that was revoked`);
  if (OURS_REFUSED.test(message))
    return refused(`${server} asks for a client certificate that it knows: set tls.certFile and tls.keyFile for it`);
  return undefined;
}

function refused(message: string, retryable = false): WetreadError {
  return new WetreadError('certificate-refused', message, { retryable });
}

/** The first error of a certificate or an alert along the chain of causes. */
function tlsErrorIn(cause: unknown): { readonly code: string; readonly message: string } | undefined {
  for (let error = cause; error instanceof Error; error = error.cause) {
    const code = 'code' in error ? error.code : undefined;
    if (typeof code === 'string' && /CERT|ISSUER|SIGNATURE|^INVALID_CA$|^EPROTO$|^ERR_SSL_/.test(code))
      return { code, message: error.message };
  }
  return undefined;
}
