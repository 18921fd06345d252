/** From configuration to the FHIR server that calls when studies come, where one is configured. */
import { readFile } from 'node:fs/promises';
import {
  fhirSubscriptionSource,
  requireSecret,
  type SubscriptionSource,
} from '../../../adapters/fhir/subscription-source.ts';
import { WetreadError } from '../../../src/errors.ts';
import type { Ports } from '../../../src/ports.ts';
import type { Config } from '../config.ts';
import type { ServerAccess } from './access.ts';

/** @throws WetreadError `config-invalid`, naming the key of a secret that cannot be used */
export async function wireSubscription(
  { fhirSubscription, healthRecord }: Config,
  ports: Ports,
  access: ServerAccess,
): Promise<SubscriptionSource | undefined> {
  const { enabled, url, criteria, endpoint, topic, payload, secretFile } = fhirSubscription;
  if (!enabled) return undefined;
  await readSecret(secretFile!);
  const { patientIdentifierSystem, accessionIdentifierSystem } = healthRecord;
  const { archive } = ports;
  return fhirSubscriptionSource({
    url: url ?? healthRecord.url!,
    ...access,
    criteria,
    ...(endpoint !== undefined && { subscription: { endpoint, payload, ...(topic !== undefined && { topic }) } }),
    secret: () => readSecret(secretFile!),
    intervalMs: fhirSubscription.reconcileSeconds * 1000,
    lookbackMs: fhirSubscription.lookbackHours * 3_600_000,
    naming: {
      ...(patientIdentifierSystem !== undefined && { patientIdentifierSystem }),
      ...(accessionIdentifierSystem !== undefined && { accessionIdentifierSystem }),
    },
    findByAccession: async (accession, signal) => (await archive.findByAccession?.(accession, signal)) ?? [],
    archive,
    ports,
  });
}

/** What the server shows; read at every use, so that it may change. */
export async function readSecret(file: string): Promise<string> {
  try {
    return requireSecret((await readFile(file, 'utf8')).trim());
  } catch (cause) {
    if (cause instanceof WetreadError) throw cause;
    throw new WetreadError('config-invalid', 'fhirSubscription.secretFile: the file cannot be read', { cause });
  }
}
