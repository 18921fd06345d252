/** Connections with the site's certificates, and what their errors mean. */
import type { SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import { WetreadError } from '../../src/errors.ts';
import { certificateFault } from '../../src/remote-server.ts';

/** Certificates, and the name that the server's certificate bears; asked for at every connection. */
export type Certificates = () => { readonly secureContext: SecureContext; readonly servername?: string };

/** Tens of thousands of tokens, and room to spare: an answer without end is cut off. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

export function connectOptions(certificates: Certificates): buildConnector.connector {
  return (options, callback) => {
    try {
      const { secureContext, servername } = certificates();
      buildConnector({ secureContext })({ ...options, ...(servername !== undefined && { servername }) }, callback);
    } catch (error) {
      callback(WetreadError.from(error), null);
    }
  };
}

export function faultOf(cause: unknown): WetreadError {
  if (cause instanceof WetreadError) return cause;
  if ((cause as { code?: unknown }).code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return new WetreadError('inference-failed', 'The answer of the server of the model exceeds the limit');
  const certificate = certificateFault(cause, 'The server of the model');
  if (certificate !== undefined) return certificate;
  return new WetreadError('inference-unreachable', 'The server of the model did not answer', { cause });
}
