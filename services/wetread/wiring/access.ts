/** From configuration to how each server is approached: opened once, so that all parts that ask a server share its token. */
import { openCredentials } from '../../../adapters/credentials/credentials.ts';
import { certificates, type TlsAccess } from '../../../adapters/credentials/tls-files.ts';
import type { Credentials, TlsFiles } from '../../../contracts/generated/types.ts';
import type { Authorize } from '../../../src/remote-server.ts';
import type { Config } from '../config.ts';
import { systemClock } from '../system-clock.ts';

/** Who asks a server, and which certificates count there. */
export interface ServerAccess {
  readonly authorize?: Authorize;
  readonly tls?: () => TlsAccess;
}

export interface WiredAccess {
  readonly archive: ServerAccess;
  /** By the name of the archive. */
  readonly archives: ReadonlyMap<string, ServerAccess>;
  readonly healthRecord: ServerAccess;
  /** Of the FHIR server that calls: that of the health record, where it is the same one. */
  readonly fhirSubscription: ServerAccess;
}

/** @throws WetreadError `config-invalid`, naming the key of what cannot be used */
export async function wireAccess({ archive, archives, healthRecord, fhirSubscription }: Config): Promise<WiredAccess> {
  const named = archives.map(async (one, index) => [one.name, await openAccess(one, `archives.${index}`)] as const);
  const recordAccess = await openAccess(healthRecord, 'healthRecord');
  return {
    archive: await openAccess(archive, 'archive'),
    archives: new Map(await Promise.all(named)),
    healthRecord: recordAccess,
    fhirSubscription:
      fhirSubscription.url === undefined ? recordAccess : await openAccess(fhirSubscription, 'fhirSubscription'),
  };
}

/** @param key of the configuration that holds `credentials` and `tls`, such as `archive` */
export async function openAccess(
  { credentials, tls }: { readonly credentials?: Credentials; readonly tls?: TlsFiles },
  key: string,
): Promise<ServerAccess> {
  return {
    ...(credentials && { authorize: await openCredentials(credentials, `${key}.credentials`, systemClock) }),
    ...(tls && { tls: certificates(tls, `${key}.tls`) }),
  };
}
