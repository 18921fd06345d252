/** Elements that all resources share: codings, identifiers, dates, labels. */
import type { BundleEntry, CodeableConcept, Coding, FhirResource, Identifier, Meta, Narrative } from 'fhir/r4.js';
import { type Code, FHIR_SYSTEM } from '../codes.ts';
import type { Algorithm } from '../inference/findings.ts';
import type { Report } from '../reporting/report.ts';
import { nameBasedUid, type SopInstanceUid } from '../uid.ts';
import { deviceObserverUid, reportIdentifier } from './identity.ts';

/** Identifier and tag systems of the project. */
export const SYSTEM = {
  report: 'https://wetread.dev/report',
  modelPackage: 'https://wetread.dev/model-package',
  tag: 'https://wetread.dev/tags',
  /** Digest of what a draft said when it was written: a draft that no longer matches was edited. */
  draftDigest: 'https://wetread.dev/draft-digest',
  /** One Provenance per revision of a report. */
  provenance: 'https://wetread.dev/provenance',
} as const;

/** HL7 terminology used by several resources. */
export const HL7 = {
  dicomUid: 'urn:dicom:uid',
  observationValue: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  identifierType: 'http://terminology.hl7.org/CodeSystem/v2-0203',
} as const;

/** AIAST: HL7 v3 ObservationValue, and hl7.fhir.uv.aitransparency. */
export const AI_ASSERTED: Coding = {
  system: HL7.observationValue,
  code: 'AIAST',
  display: 'Artificial Intelligence asserted',
};

export type Entry = BundleEntry<FhirResource>;

export function coding(code: Code): Coding {
  const system = FHIR_SYSTEM[code.scheme];
  return { ...(system === undefined ? {} : { system }), code: code.value, display: code.meaning };
}

export function concept(code: Code, text?: string): CodeableConcept {
  return { coding: [coding(code)], ...(text === undefined ? {} : { text }) };
}

/** `{ urn:dicom:uid, urn:oid:<uid> }`: how FHIR writes a DICOM UID as an identifier (R4 ImagingStudy, 5.5.5). */
export function dicomIdentifier(uid: string): Identifier {
  return { system: HL7.dicomUid, value: `urn:oid:${uid}` };
}

/** A token for a search or a condition: `system|value`, with the separators of FHIR R4 3.1.1.4.4 escaped. */
export function token(identifier: {
  readonly system?: string | undefined;
  readonly value?: string | undefined;
}): string {
  const escaped = (identifier.value ?? '').replace(/[\\,|$]/g, '\\$&');
  return `${identifier.system ?? ''}|${escaped}`;
}

/** The query part of a condition, percent-encoded. */
export function identifierQuery(identifier: Identifier): string {
  return `identifier=${encodeURIComponent(token(identifier))}`;
}

/** `urn:uuid:` full URL of an entry, from a name; lives only inside one transaction. */
export function fullUrl(...name: readonly string[]): string {
  const decimal = nameBasedUid<SopInstanceUid>('fhir-entry', ...name).slice('2.25.'.length);
  const hex = BigInt(decimal).toString(16).padStart(32, '0');
  return `urn:uuid:${hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')}`;
}

export function deviceUrl(algorithm: Algorithm): string {
  return fullUrl('device', deviceObserverUid(algorithm));
}

export function imagingStudyUrl(report: Report): string {
  return fullUrl('imaging-study', report.studyInstanceUid);
}

export function reportUrl(report: Report): string {
  return fullUrl('report', reportIdentifier(report));
}

/** Safety R23: every clinical resource says in codes that an AI asserts it and that it is a draft. */
export function draftMeta(...tags: readonly Coding[]): Meta {
  return { security: [AI_ASSERTED], tag: [{ system: SYSTEM.tag, code: 'ai-draft' }, ...tags] };
}

/** FHIR R4 dom-6 and safety R23: what a reader without our codes sees. */
export function narrative(...paragraphs: readonly string[]): Narrative {
  const body = paragraphs.map((p) => `<p>${escapeHtml(p)}</p>`).join('');
  return { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${body}</div>` };
}

export function escapeHtml(text: string): string {
  return plain(text)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;');
}

/** FHIR strings hold no control characters but tab, line feed and carriage return (R4 2.24.0.1). */
export function plain(text: string): string {
  return text.toWellFormed().replace(/[^\P{Cc}\t\n\r]/gu, '');
}

/**
 * DA and TM (PS3.5 6.2) as a FHIR dateTime. Without an offset from UTC the time is left out: inventing one could move
 * the study to another day. Undefined where the date is no date.
 *
 * @param offset Timezone Offset From UTC (0008,0201), `+0100`
 */
export function dateTime(
  date: string | undefined,
  time: string | undefined,
  offset: string | undefined,
): string | undefined {
  const day = fhirDate(date);
  if (day === undefined) return undefined;
  const clock = /^([01]\d|2[0-3]):?([0-5]\d)(?::?([0-5]\d|60)(\.\d{1,6})?)?$/.exec((time ?? '').trim());
  const zone = /^([+-])(0\d|1[0-4])([0-5]\d)$/.exec((offset ?? '').trim());
  if (clock === null || zone === null) return day;
  const [, hours, minutes, seconds = '00', fraction = ''] = clock;
  return `${day}T${hours}:${minutes}:${seconds}${fraction}${zone[1]}${zone[2]}:${zone[3]}`;
}

/** `YYYYMMDD`, or `YYYY.MM.DD` of ACR-NEMA, as `YYYY-MM-DD`; undefined where it is no day of the calendar. */
export function fhirDate(date: string | undefined): string | undefined {
  const parts = /^(\d{4})\.?(\d\d)\.?(\d\d)$/.exec((date ?? '').trim());
  if (parts === null) return undefined;
  const day = `${parts[1]}-${parts[2]}-${parts[3]}`;
  const parsed = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(parsed.getTime()) || !parsed.toISOString().startsWith(day) ? undefined : day;
}
