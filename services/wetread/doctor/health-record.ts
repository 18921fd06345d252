/** A FHIR server: that it is R4, takes transactions, and lets Wetread search. */
import type { CapabilityStatement } from 'fhir/r4.js';
import type { FhirClient } from '../../../adapters/fhir/client.ts';
import { WetreadError } from '../../../src/errors.ts';
import { type CheckResult, fail, ok, type Part, warn } from './check.ts';
import { type Address, reach } from './reach.ts';

/** FHIR R4 3.1.0: what filing a draft needs, resource by resource. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  Patient: ['search-type'],
  ServiceRequest: ['search-type'],
  ImagingStudy: ['search-type', 'create', 'update', 'read'],
  DiagnosticReport: ['search-type', 'create', 'update', 'read'],
  Observation: ['search-type', 'create', 'update', 'read'],
  Provenance: ['search-type', 'create', 'read'],
};

const NAMELESS = warn(
  'No Patient ID has an identifier system: no patient is found, and every draft is held',
  'Set healthRecord.patientIdentifierSystem, for images that name no issuer, or healthRecord.issuers, for those that do.',
);

/** @param namesPatients whether the configuration says which identifier system any Patient ID belongs to */
export function healthRecordPart(address: Address, client: FhirClient, namesPatients: boolean): Part {
  return {
    name: 'healthRecord',
    place: address.url.href,
    async examine(step) {
      await step('patients', async () => (namesPatients ? ok('Patient IDs have an identifier system') : NAMELESS));
      if (!(await reach(address, step))) return;
      const isCapable = await step('capability', (signal) => capability(client, signal));
      if (!isCapable) return;
      await step('search', async (signal) => {
        // No patient has it: what counts is that the question is allowed.
        await client.search('Patient', { identifier: 'urn:wetread:doctor|none' }, signal);
        return ok('A search for a patient is answered');
      });
    },
  };
}

/** What is refused here is refused to everyone, or whoever asks is not known. */
async function capability(client: FhirClient, signal: AbortSignal): Promise<CheckResult> {
  try {
    return judged(await client.capabilityStatement(signal));
  } catch (cause) {
    const { code, message } = WetreadError.from(cause);
    if (code !== 'health-record-refused') throw cause;
    return fail(message, 'Check that healthRecord.url is the base of a FHIR server, and healthRecord.credentials.');
  }
}

function judged({ resourceType, fhirVersion, rest = [] }: Partial<CapabilityStatement>): CheckResult {
  if (resourceType !== 'CapabilityStatement')
    return fail('There is no CapabilityStatement', 'Check that healthRecord.url is the base of a FHIR server.');
  if (fhirVersion?.startsWith('4.0.') !== true)
    return fail(
      `The server speaks FHIR ${fhirVersion ?? 'of no version'}`,
      'Name an R4 base (4.0.x) in healthRecord.url.',
    );
  if (!rest.some(({ interaction = [] }) => interaction.some(({ code }) => code === 'transaction')))
    return fail('The server takes no transactions', 'Switch transactions on: a draft is filed whole or not at all.');
  const missing = missingInteractions(rest);
  if (missing === undefined) return ok(`FHIR ${fhirVersion} with transactions; it does not list its resources`);
  if (missing.length === 0) return ok(`FHIR ${fhirVersion} with transactions and all that is needed`);
  return warn(`The server does not state: ${missing.join('; ')}`, 'Allow these interactions for Wetread.');
}

/** Undefined where the server lists no resources. */
function missingInteractions(rest: NonNullable<CapabilityStatement['rest']>): readonly string[] | undefined {
  const resources = rest.flatMap(({ resource = [] }) => resource);
  if (resources.length === 0) return undefined;
  return Object.entries(NEEDED).flatMap(([type, needed]) => {
    const stated =
      resources.find((resource) => resource.type === type)?.interaction?.map(({ code }) => `${code}`) ?? [];
    const absent = needed.filter((interaction) => !stated.includes(interaction));
    return absent.length === 0 ? [] : [`${type} ${absent.join(', ')}`];
  });
}
