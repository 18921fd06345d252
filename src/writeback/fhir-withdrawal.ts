/**
 * Observations of the last draft that the next one no longer makes. No report refers to them any more, but a search of the
 * patient's Observations finds them: they are cancelled (FHIR R4 10.1, `Observation.status`), so that no finding outlives the
 * draft that stated it.
 */
import type { FhirResource, Observation, Bundle as R4Bundle, Reference } from 'fhir/r4.js';
import { type Entry, fullUrl, SYSTEM } from './fhir-elements.ts';

/** Ids of the Observations that a report refers to as its results, or a group of them as its members. */
export function observationIds(references: readonly Reference[] = []): readonly string[] {
  return references.flatMap(
    ({ reference = '' }) =>
      /(?:^|\/)Observation\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[^/]+)?$/.exec(reference)?.[1] ?? [],
  );
}

/** R4 `Observation.status` that only a human gives to what a draft has stated. */
const HUMAN: ReadonlySet<string> = new Set(['final', 'amended', 'corrected', 'entered-in-error']);

/** True when a human has confirmed, corrected or taken back an Observation of a draft. */
export function isHumanObservation(observation: Observation): boolean {
  return isDrafted(observation) && HUMAN.has(observation.status);
}

/** @param drafted what the last draft has made, as the record holds it */
export function withdrawals(bundle: R4Bundle<FhirResource>, drafted: readonly Observation[]): readonly Entry[] {
  const stated = new Set((bundle.entry ?? []).flatMap(({ resource }) => identifiersOf(resource)));
  return drafted
    .filter((one) => isDrafted(one) && one.status !== 'cancelled')
    .filter((one) => !identifiersOf(one).some((identifier) => stated.has(identifier)))
    .map(cancelled);
}

function isDrafted({ meta }: Observation): boolean {
  return (meta?.tag ?? []).some(({ system, code }) => system === SYSTEM.tag && code === 'ai-draft');
}

function identifiersOf(resource: FhirResource | undefined): readonly string[] {
  if (resource?.resourceType !== 'Observation') return [];
  return (resource.identifier ?? []).map(({ system, value }) => `${system}|${value}`);
}

function cancelled(existing: Observation): Entry {
  const { versionId = '', lastUpdated: _updated, ...meta } = existing.meta ?? {};
  return {
    fullUrl: fullUrl('withdrawn', existing.id ?? ''),
    resource: { ...existing, meta, status: 'cancelled' },
    request: { method: 'PUT', url: `Observation/${existing.id}`, ifMatch: `W/"${versionId}"` },
  };
}
