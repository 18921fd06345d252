/**
 * The draft as a FHIR R4 DiagnosticReport. Safety R22: its status is a draft's and nobody interprets it yet. R23: the
 * label stands in the code's text, the narrative, the conclusion and the presented form.
 */

import { createHash } from 'node:crypto';
import type { Attachment, DiagnosticReport, Identifier } from 'fhir/r4.js';
import type { Report } from '../reporting/report.ts';
import {
  coding,
  dateTime,
  dicomIdentifier,
  draftMeta,
  type Entry,
  escapeHtml,
  identifierQuery,
  imagingStudyUrl,
  narrative,
  plain,
  reportUrl,
  SYSTEM,
} from './fhir-elements.ts';
import { basedOn } from './fhir-match.ts';
import { draftDigest, type Owned, present } from './fhir-owned.ts';
import type { DraftStatus, TransactionInput } from './fhir-transaction.ts';
import { reportIdentifier, sopInstanceUid } from './identity.ts';

/** A report that no human has signed, by type. */
export type DraftReport = DiagnosticReport & { readonly status: DraftStatus; readonly resultsInterpreter?: never };

export function diagnosticReport(input: TransactionInput, groups: readonly Entry[]): Entry {
  const { report, study, match } = input;
  const identifier: Identifier = { system: SYSTEM.report, value: reportIdentifier(report) };
  const owned: Owned<DiagnosticReport> & { readonly status: DraftStatus } = {
    identifier: [identifier, dicomIdentifier(sopInstanceUid(report, 'sr'))],
    basedOn: basedOn(study, match, input.naming),
    status: input.draftStatus,
    category: [
      { coding: [{ system: 'http://loinc.org', code: 'LP29684-5', display: 'Radiology' }] },
      { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: 'RAD', display: 'Radiology' }] },
    ],
    code: { coding: [coding(report.procedure)], text: `${report.procedure.meaning}, AI draft` },
    subject: { reference: match.patient, type: 'Patient' },
    effectiveDateTime: dateTime(study.studyDate, study.studyTime, study.timezoneOffsetFromUtc),
    issued: report.provenance.createdAt,
    result: groups.map((group) => ({ reference: group.fullUrl, type: 'Observation' })),
    imagingStudy: [{ reference: imagingStudyUrl(report), type: 'ImagingStudy' }],
    conclusion: conclusion(report),
    presentedForm: [presentedForm(report)],
  };
  const resource: DraftReport = {
    resourceType: 'DiagnosticReport',
    text: narrative(report.label, report.title, conclusionText(report)),
    ...present(owned),
  };
  const meta = draftMeta({ system: SYSTEM.draftDigest, code: draftDigest(resource) });
  return {
    fullUrl: reportUrl(report),
    resource: { ...resource, meta },
    request: { method: 'PUT', url: `DiagnosticReport?${identifierQuery(identifier)}` },
  };
}

function conclusion(report: Report): string {
  return plain(`${report.label}\n\n${conclusionText(report)}`).trim();
}

function conclusionText(report: Report): string {
  const impression = report.sections.find((section) => section.key === 'impression');
  return (impression?.sentences ?? []).map((sentence) => sentence.text).join(' ');
}

/** R4 Attachment: `hash` is SHA-1 in base64, `size` counts bytes before base64. */
function presentedForm(report: Report): Attachment {
  const bytes = Buffer.from(reportHtml(report), 'utf8');
  return {
    contentType: 'text/html',
    language: 'en',
    data: bytes.toString('base64'),
    size: bytes.length,
    hash: createHash('sha1').update(bytes).digest('base64'),
    title: plain(report.title),
    creation: report.provenance.createdAt,
  };
}

/** A page that stands alone: no script, no style, no link; the label first and last. */
export function reportHtml(report: Report): string {
  const label = `<p><strong>${escapeHtml(report.label)}</strong></p>`;
  const sections = report.sections.map(
    (section) =>
      `<h2>${escapeHtml(section.heading)}</h2>${section.sentences.map((s) => `<p>${escapeHtml(s.text)}</p>`).join('')}`,
  );
  const caveats = report.caveats.map((caveat) => `<li>${escapeHtml(caveat)}</li>`).join('');
  return [
    `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(report.title)}</title></head><body>`,
    label,
    `<h1>${escapeHtml(report.title)}</h1>`,
    ...sections,
    caveats === '' ? '' : `<h2>Limits</h2><ul>${caveats}</ul>`,
    label,
    '</body></html>',
  ].join('');
}
