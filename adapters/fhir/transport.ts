/** What lies below fhir-kit-client: connections with the site's certificates, and what its errors say. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import { Agent, buildConnector } from 'undici';
import type { Asked } from '../../src/asking.ts';
import { WetreadError } from '../../src/errors.ts';
import { type Authorize, certificateFault } from '../../src/remote-server.ts';

/** How a FHIR server is reached. */
export interface FhirAccess {
  /** FHIR base, `https://record.example/fhir`. */
  readonly url: string;
  readonly authorize?: Authorize;
  /** Certificates, and the name that the server's certificate bears; asked for at every connection. */
  readonly tls?: () => { readonly secureContext: SecureContext; readonly servername?: string };
  /** How waits are waited, for tests. */
  readonly pause?: Asked['pause'];
}

/** A page of fifty resources, and room to spare: an answer without end is cut off. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export function askedOf({ authorize, pause }: FhirAccess): Asked {
  return {
    name: 'The FHIR server',
    refused: 'health-record-refused',
    unreachable: 'health-record-unreachable',
    pause: pause ?? ((ms, signal) => sleep(ms, undefined, { signal })),
    now: Date.now,
    ...(authorize && { authorize }),
  };
}

/** Options of `fetch`; a redirect is an answer, not followed by itself with the credentials of another server. */
export function fetchOptions({ tls }: FhirAccess): Record<string, unknown> {
  const dispatcher = new Agent({ maxResponseSize: MAX_ANSWER_BYTES, ...(tls && { connect: connector(tls) }) });
  return { redirect: 'manual', dispatcher };
}

function connector(tls: NonNullable<FhirAccess['tls']>): buildConnector.connector {
  return (options, callback) => {
    try {
      const { secureContext, servername } = tls();
      buildConnector({ secureContext })({ ...options, ...(servername !== undefined && { servername }) }, callback);
    } catch (error) {
      callback(WetreadError.from(error), null);
    }
  };
}

interface Answer {
  readonly status: number;
  field(this: void, name: string): string | undefined;
}

/** The answer inside an error of fhir-kit-client; undefined where none came. */
export function answerIn(cause: unknown): Answer | undefined {
  const { response, config } = cause as { response?: { status?: number }; config?: { headers?: Headers } };
  const status = response?.status;
  return status === undefined ? undefined : { status, field: (name) => config?.headers?.get(name) ?? undefined };
}

/** The error of fhir-kit-client holds URL and body of the answer: it does not become a cause. */
export function faultOf(cause: unknown, interaction: string): WetreadError {
  if (cause instanceof WetreadError) return cause;
  const status = answerIn(cause)?.status;
  if (status === undefined) return unanswered(cause, interaction);
  const message = `The FHIR server answered ${status} (${interaction})`;
  if (status === 409 || status === 412) return new WetreadError('conflict', message);
  if (status === 408 || status === 429 || status >= 500) return new WetreadError('health-record-unreachable', message);
  if (status < 300)
    return new WetreadError(
      'health-record-refused',
      `The FHIR server answered something else than FHIR (${interaction})`,
    );
  const hint = status === 401 || status === 403 ? ': check its credentials' : '';
  return new WetreadError('health-record-refused', `${message}${hint}`);
}

function unanswered(cause: unknown, interaction: string): WetreadError {
  const below = cause instanceof Error ? cause.cause : undefined;
  if (below instanceof WetreadError) return below;
  if ((below as { code?: unknown } | undefined)?.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return new WetreadError('too-large', `An answer of the FHIR server exceeds the limit (${interaction})`);
  const certificate = certificateFault(cause, 'The FHIR server');
  if (certificate !== undefined) return certificate;
  return new WetreadError('health-record-unreachable', `The FHIR server did not answer (${interaction})`, { cause });
}
