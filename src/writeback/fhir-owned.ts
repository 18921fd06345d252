/**
 * What Wetread owns in a health record. A builder has to spell every owned element on each run, so that an element that
 * no longer applies is taken away and not left over; everything else on a resource belongs to others and stays.
 */

import { createHash } from 'node:crypto';
import type { DiagnosticReport, FhirResource, Provenance } from 'fhir/r4.js';
import { SYSTEM } from './fhir-elements.ts';
import { refersTo } from './fhir-match.ts';

/** Owned elements by resource type; `meta` is owned in part (security label and tags), `text` is never compared. */
export const OWNED = {
  Device: ['identifier', 'status', 'manufacturer', 'deviceName', 'type', 'version'],
  ImagingStudy: [
    'identifier',
    'status',
    'modality',
    'subject',
    'started',
    'basedOn',
    'numberOfSeries',
    'numberOfInstances',
    'description',
    'series',
  ],
  Observation: [
    'identifier',
    'basedOn',
    'partOf',
    'status',
    'category',
    'code',
    'subject',
    'effectiveDateTime',
    'issued',
    'valueQuantity',
    'valueCodeableConcept',
    'dataAbsentReason',
    'bodySite',
    'method',
    'device',
    'derivedFrom',
    'hasMember',
    'component',
  ],
  DiagnosticReport: [
    'identifier',
    'basedOn',
    'status',
    'category',
    'code',
    'subject',
    'effectiveDateTime',
    'issued',
    'result',
    'imagingStudy',
    'conclusion',
    'presentedForm',
  ],
  Provenance: ['target', 'recorded', 'reason', 'activity', 'agent', 'entity'],
} as const;

type OwnedType = keyof typeof OWNED;

/** Every owned element of a resource type, spelled; `undefined` says that it does not apply. */
export type Owned<Resource extends FhirResource & { readonly resourceType: OwnedType }> = {
  readonly [Key in Extract<(typeof OWNED)[Resource['resourceType']][number], keyof Resource>]-?: Resource[Key];
};

type JsonObject = Readonly<Record<string, unknown>>;

/** Leaves out what does not apply: JSON has no undefined, and FHIR forbids empty arrays. */
export function present<T extends object>(elements: T): T {
  return Object.fromEntries(
    Object.entries(elements).filter(([, v]) => v !== undefined && !(Array.isArray(v) && v.length === 0)),
  ) as T;
}

/** Our elements over what is there; elements of others stay, owned ones that no longer apply go. */
export function overlay(existing: DiagnosticReport, ours: DiagnosticReport): DiagnosticReport {
  const others = Object.entries(existing).filter(
    ([key]) => !(OWNED.DiagnosticReport as readonly string[]).includes(key),
  );
  const { versionId: _version, lastUpdated: _updated, ...kept } = existing.meta ?? {};
  const meta = { ...kept, security: ours.meta?.security, tag: ours.meta?.tag };
  return { ...Object.fromEntries(others), ...ours, meta } as DiagnosticReport;
}

/**
 * Paths of owned elements whose value was not kept. What a server adds (display texts, element ids, its own tags) is
 * no difference. Values never appear: they are patient data.
 *
 * @param references full URL of the transaction to the reference that the server gave
 */
export function differences(
  written: FhirResource,
  readBack: FhirResource,
  references: ReadonlyMap<string, string> = new Map(),
): string[] {
  if (written.resourceType !== readBack.resourceType) return ['resourceType'];
  const keys: readonly string[] = OWNED[written.resourceType as OwnedType] ?? [];
  const [ours, theirs] = [written as unknown as JsonObject, readBack as unknown as JsonObject];
  const changed = keys.flatMap((key) => {
    if (ours[key] === undefined) return theirs[key] === undefined ? [] : [key];
    return unlike(ours[key], theirs[key], key, references);
  });
  const labels = (['security', 'tag'] as const).filter((key) =>
    (written.meta?.[key] ?? []).some(
      (label) => !(readBack.meta?.[key] ?? []).some((l) => l.system === label.system && l.code === label.code),
    ),
  );
  return [...changed, ...labels.map((key) => `meta.${key}`)];
}

function unlike(
  ours: unknown,
  theirs: unknown,
  path: string,
  references: ReadonlyMap<string, string>,
): readonly string[] {
  if (Array.isArray(ours)) {
    if (!Array.isArray(theirs) || theirs.length !== ours.length) return [path];
    return ours.flatMap((item, index) => unlike(item, theirs[index], `${path}[${index}]`, references));
  }
  if (typeof ours === 'object' && ours !== null) {
    if (typeof theirs !== 'object' || theirs === null) return [path];
    return Object.entries(ours).flatMap(([key, value]) =>
      value === undefined ? [] : unlike(value, (theirs as JsonObject)[key], `${path}.${key}`, references),
    );
  }
  return same(ours, theirs, path, references) ? [] : [path];
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

function same(ours: unknown, theirs: unknown, path: string, references: ReadonlyMap<string, string>): boolean {
  if (ours === theirs) return true;
  if (typeof ours !== 'string' || typeof theirs !== 'string') return false;
  if (path.endsWith('.reference')) return refersTo(theirs, references.get(ours) ?? ours);
  // A server may write the same instant in another zone or precision.
  return INSTANT.test(ours) && INSTANT.test(theirs) && Date.parse(ours) === Date.parse(theirs);
}

/** Over what a reader of the draft sees: status, conclusion and the presented form. */
export function draftDigest(report: DiagnosticReport): string {
  const shown = [
    report.status,
    report.conclusion ?? '',
    ...(report.presentedForm ?? []).map((form) => form.hash ?? ''),
  ];
  return createHash('sha256').update(JSON.stringify(shown)).digest('hex');
}

/**
 * True when a human has signed, amended, withdrawn or rewritten a report, hence Wetread leaves it alone: its status is
 * no longer a draft's, somebody interprets it, its words are not the ones that we wrote, or its newest Provenance names
 * an agent that is no Device.
 *
 * @param provenance of the report, in any order
 */
export function isHumanEdited(existing: DiagnosticReport, provenance: readonly Provenance[] = []): boolean {
  if (!['registered', 'partial', 'preliminary'].includes(existing.status)) return true;
  if ((existing.resultsInterpreter ?? []).length > 0) return true;
  const digest = draftDigest(existing);
  const asWritten = (existing.meta?.tag ?? []).some((t) => t.system === SYSTEM.draftDigest && t.code === digest);
  if (!asWritten || existing.presentedForm?.some((form) => !formMatchesHash(form))) return true;
  const newest = [...provenance].sort((a, b) => Date.parse(b.recorded) - Date.parse(a.recorded))[0];
  return newest?.agent.some((agent) => !isDevice(agent.who)) ?? false;
}

function formMatchesHash(form: { readonly data?: string | undefined; readonly hash?: string | undefined }): boolean {
  if (form.data === undefined) return true;
  return createHash('sha1').update(Buffer.from(form.data, 'base64')).digest('base64') === form.hash;
}

function isDevice(who: { readonly reference?: string | undefined; readonly type?: string | undefined }): boolean {
  return who.type === 'Device' || /(^|\/)Device\/[^/]+(\/_history\/[^/]+)?$/.test(who.reference ?? '');
}
