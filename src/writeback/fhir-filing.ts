/**
 * How a FHIR transaction meets what the record already holds, for every health record alike: look up, plan, write, read back,
 * compare. Pure; an adapter brings what it found and takes what to write.
 */
import type { DiagnosticReport, FhirResource, Identifier, ImagingStudy, Observation, Provenance } from 'fhir/r4.js';
import { WetreadError } from '../errors.ts';
import { reason, type Skipped } from '../reasons.ts';
import type { Entry } from './fhir-elements.ts';
import { refersTo } from './fhir-match.ts';
import { differences, isHumanEdited, overlay } from './fhir-owned.ts';
import type { Bundle } from './fhir-transaction.ts';
import { isHumanObservation, withdrawals } from './fhir-withdrawal.ts';

/** What to search before a transaction is sent. */
export interface Lookups {
  readonly report: Identifier;
  /** With `urn:oid:` and bare, as some archives write it. */
  readonly imagingStudy: readonly Identifier[];
}

/** What those searches found. */
export interface Found {
  readonly report?: DiagnosticReport;
  /** Provenance whose target is that report. */
  readonly provenance: readonly Provenance[];
  /** Results of that report, and their members (`fhir-withdrawal.ts`). */
  readonly observations: readonly Observation[];
  readonly imagingStudies: readonly ImagingStudy[];
}

/** An entry that was sent, and what the record has made of it. */
export interface FiledEntry {
  readonly sent: Entry;
  /** `Type/id`. */
  readonly reference: string;
  /** False where a conditional create met a resource that was there. */
  readonly written: boolean;
  readonly readBack: FhirResource;
}

export function lookups(bundle: Bundle): Lookups {
  const study = resourceOf(bundle, 'ImagingStudy').identifier?.[0];
  const report = resourceOf(bundle, 'DiagnosticReport').identifier?.[0];
  if (study === undefined || report === undefined)
    throw new WetreadError('internal', 'A transaction lacks identifiers');
  const bare = { ...study, value: study.value?.replace(/^urn:oid:/, '') ?? '' };
  return { report, imagingStudy: [study, bare] };
}

/**
 * The transaction as it is to be sent. A report that is there is updated under its version (`If-Match`) and keeps the
 * elements of others; an ImagingStudy that is there is referred to and left alone; what the last draft stated and this one
 * does not is cancelled. A report or a result of it that a human edited, or resources of another patient under our
 * identifiers, hold the result.
 */
export function filingPlan(bundle: Bundle, found: Found): Bundle | Skipped {
  const ours = resourceOf(bundle, 'DiagnosticReport');
  const patient = ours.subject?.reference ?? '';
  const others = [found.report, ...found.imagingStudies].filter((r) => r !== undefined);
  if (others.some((resource) => !refersTo(resource.subject?.reference, patient)))
    return { skipped: reason('patient-mismatch', 'the record holds this study under another patient') };
  if (found.report !== undefined && isHumanEdited(found.report, found.provenance))
    return { skipped: reason('human-edited') };
  if (found.observations.some(isHumanObservation)) return { skipped: reason('human-edited', 'a result of the draft') };

  const withdrawn = withdrawals(bundle, found.observations);
  const stated = (bundle.entry ?? []).map((entry) => {
    const { resource } = entry;
    if (resource?.resourceType === 'DiagnosticReport' && found.report !== undefined)
      return updateOf(found.report, ours, entry);
    return resource?.resourceType === 'Provenance' ? tracing(resource, withdrawn, entry) : entry;
  });
  const entries = [...stated, ...withdrawn];
  const study = found.imagingStudies[0];
  return { ...bundle, entry: study === undefined ? entries : referringTo(study, entries) };
}

/**
 * The report, where the record holds this very revision and nobody touched it since: its transaction wrote everything
 * or nothing, so a repeated filing has nothing to write and makes no new version.
 */
export function filedBefore(
  bundle: Bundle,
  { report, provenance }: Found,
): { readonly reference: string; readonly versionId: string } | undefined {
  const tags = resourceOf(bundle, 'Provenance').meta?.tag ?? [];
  const isOurs = ({ meta }: Provenance): boolean =>
    tags.every(({ system, code }) => (meta?.tag ?? []).some((tag) => tag.system === system && tag.code === code));
  if (report === undefined || !provenance.some(isOurs)) return undefined;
  const differs = differences(resourceOf(bundle, 'DiagnosticReport'), report);
  // What a transaction refers to by its full URL has got a reference by now.
  if (differs.some((path) => !/^(result|imagingStudy)\[\d+\]\.reference$/.test(path))) return undefined;
  return { reference: `DiagnosticReport/${report.id}`, versionId: report.meta?.versionId ?? '' };
}

function updateOf(existing: DiagnosticReport, ours: DiagnosticReport, entry: Entry): Entry {
  const url = `DiagnosticReport/${existing.id}`;
  const ifMatch = `W/"${existing.meta?.versionId ?? ''}"`;
  return { ...entry, resource: overlay(existing, ours), request: { method: 'PUT', url, ifMatch } };
}

/** Who took an Observation back is told like who stated one. */
function tracing(provenance: Provenance, withdrawn: readonly Entry[], entry: Entry): Entry {
  const taken = withdrawn.map(({ request }) => ({ reference: request?.url ?? '', type: 'Observation' }));
  return { ...entry, resource: { ...provenance, target: [...provenance.target, ...taken] } };
}

function referringTo(study: ImagingStudy, entries: readonly Entry[]): Entry[] {
  const own = entries.find((entry) => entry.resource?.resourceType === 'ImagingStudy');
  const others = entries.filter((entry) => entry !== own);
  return withReferences(others, new Map([[own?.fullUrl ?? '', `ImagingStudy/${study.id}`]]));
}

/** A copy in which every `reference` that the map names is replaced. */
export function withReferences<T>(value: T, references: ReadonlyMap<string, string>): T {
  return JSON.parse(JSON.stringify(value), (key, item: unknown) =>
    key === 'reference' && typeof item === 'string' ? (references.get(item) ?? item) : item,
  ) as T;
}

/** @throws WetreadError `writeback-mismatch`, naming the elements and never their values */
export function assertFiled(entries: readonly FiledEntry[]): void {
  const references = new Map(entries.map((entry) => [entry.sent.fullUrl ?? '', entry.reference]));
  const wrong = entries.flatMap((entry) => {
    const { resource } = entry.sent;
    if (resource === undefined) return [];
    const paths = entry.written ? differences(resource, entry.readBack, references) : [];
    return paths.map((path) => `${resource.resourceType}.${path}`);
  });
  if (wrong.length > 0)
    throw new WetreadError('writeback-mismatch', `Read back unlike written: ${[...new Set(wrong)].join(', ')}`);
}

export function resourceOf<Type extends FhirResource['resourceType']>(
  bundle: Bundle,
  resourceType: Type,
): Extract<FhirResource, { resourceType: Type }> {
  const found = bundle.entry?.find((entry) => entry.resource?.resourceType === resourceType)?.resource;
  if (found === undefined) throw new WetreadError('internal', `A transaction has no ${resourceType}`);
  return found as Extract<FhirResource, { resourceType: Type }>;
}
