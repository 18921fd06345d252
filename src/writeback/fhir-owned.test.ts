import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DiagnosticReport, FhirResource } from 'fhir/r4.js';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../../test/support/sample-report.ts';
import { isSkipped } from '../reasons.ts';
import { reportTransaction } from './fhir.ts';
import { assertFiled, filingPlan, lookups, resourceOf } from './fhir-filing.ts';
import { differences, isHumanEdited, OWNED, overlay } from './fhir-owned.ts';

const volume = sampleVolume();
const report = sampleReport(sampleSegmentation(volume));
const bundle = reportTransaction({
  report,
  study: sampleStudyHeader(volume),
  match: { patient: 'Patient/p1' },
  objects: [],
  draftStatus: 'preliminary',
  software: report.provenance.software,
  modalities: new Map([[report.readings[0].seriesInstanceUid, 'CT']]),
});
const written = resourceOf(bundle, 'DiagnosticReport');
const changed = (change: Partial<DiagnosticReport>): DiagnosticReport => ({ ...structuredClone(written), ...change });

describe('owned elements', () => {
  test('WR-FHIR-11 every resource of the transaction equals itself, whatever the server adds', () => {
    for (const { resource } of bundle.entry ?? []) {
      const back = structuredClone(resource!) as FhirResource & { language?: string };
      back.language = 'en';
      back.meta = { ...back.meta, versionId: '7', tag: [...(back.meta?.tag ?? []), { code: 'theirs' }] };
      assert.deepEqual(differences(resource!, back), []);
    }
  });

  test('WR-FHIR-11 any owned element that is lost or altered is named by its path, never by its value', () => {
    for (const { resource } of bundle.entry ?? []) {
      const { resourceType } = resource!;
      for (const key of OWNED[resourceType as keyof typeof OWNED]) {
        const value = (resource as unknown as Record<string, unknown>)[key];
        if (value === undefined) continue;
        const { [key]: _lost, ...rest } = resource as unknown as Record<string, unknown>;
        assert.equal(differences(resource!, rest as unknown as FhirResource).length, 1, `${resourceType}.${key}`);
      }
    }
    const altered = changed({ conclusion: 'No emphysema.', status: 'final' });
    assert.deepEqual(differences(written, altered), ['status', 'conclusion']);
    const shorter = changed({ result: written.result!.slice(1) });
    assert.deepEqual(differences(written, shorter), ['result']);
    assert.deepEqual(differences(written, changed({ meta: {} })), ['meta.security', 'meta.tag']);
    const unasked = { ...structuredClone(resourceOf(bundle, 'Observation')), valueCodeableConcept: { text: 'x' } };
    assert.deepEqual(differences(resourceOf(bundle, 'Observation'), unasked), ['valueCodeableConcept']);
  });

  test('WR-FHIR-11 the same instant in another zone, and a reference as the server resolved it, are no difference', () => {
    assert.deepEqual(differences(written, changed({ issued: '2026-03-14T16:09:26.535+01:00' })), []);
    const references = new Map([[written.imagingStudy![0]!.reference!, 'ImagingStudy/9']]);
    const resolved = changed({ imagingStudy: [{ reference: 'http://record.example/fhir/ImagingStudy/9/_history/2' }] });
    assert.deepEqual(differences({ ...written, result: undefined }, { ...resolved, result: undefined }, references), [
      'imagingStudy[0].type',
    ]);
    const elsewhere = changed({ imagingStudy: [{ reference: 'ImagingStudy/19', type: 'ImagingStudy' }] });
    assert.deepEqual(differences(written, elsewhere, references), ['imagingStudy[0].reference']);
  });

  test('WR-FHIR-11 a mismatch throws writeback-mismatch without values', () => {
    const entry = bundle.entry!.find((e) => e.resource === written)!;
    assert.throws(
      () =>
        assertFiled([
          { sent: entry, reference: 'DiagnosticReport/1', written: true, readBack: changed({ conclusion: 'secret' }) },
        ]),
      (error: Error & { code?: string }) => error.code === 'writeback-mismatch' && !error.message.includes('secret'),
    );
  });

  test('WR-FHIR-09 our own draft is ours; what a human does to it is noticed', () => {
    assert.equal(isHumanEdited(written), false);
    assert.equal(isHumanEdited(changed({ meta: { ...written.meta, versionId: '3' } })), false);
    for (const status of ['final', 'amended', 'corrected', 'appended', 'cancelled', 'entered-in-error'] as const)
      assert.equal(isHumanEdited(changed({ status })), true, status);
    assert.equal(isHumanEdited(changed({ resultsInterpreter: [{ reference: 'Practitioner/1' }] })), true);
    assert.equal(isHumanEdited(changed({ conclusion: `${written.conclusion} Agreed.` })), true);
    assert.equal(isHumanEdited(changed({ presentedForm: [] })), true);
    assert.equal(isHumanEdited(changed({ meta: {} })), true);
  });

  test('WR-FHIR-09 the newest Provenance decides who wrote last', () => {
    const by = (reference: string, recorded: string) => ({
      resourceType: 'Provenance' as const,
      target: [],
      recorded,
      agent: [{ who: { reference } }],
    });
    const ours = by('http://record.example/Device/1', '2026-03-14T10:00:00Z');
    const human = by('Practitioner/1', '2026-03-14T11:30:00+02:00');
    assert.equal(isHumanEdited(written, [human, ours]), false);
    assert.equal(isHumanEdited(written, [ours, { ...human, recorded: '2026-03-14T12:30:00+02:00' }]), true);
  });

  test('WR-FHIR-09 a revision overlays owned elements, drops those that no longer apply, and keeps the rest', () => {
    const existing = changed({ id: 'x', encounter: { reference: 'Encounter/1' }, effectiveDateTime: '2020-01-01' });
    const { effectiveDateTime: _gone, ...ours } = written;
    const next = overlay(existing, ours);
    assert.equal(next.id, 'x');
    assert.equal(next.encounter?.reference, 'Encounter/1');
    assert.equal('effectiveDateTime' in next, false);
  });

  test('WR-FHIR-10 an update names the version that was looked at', () => {
    const plan = filingPlan(bundle, {
      report: changed({ id: 'r1', meta: { ...written.meta, versionId: '5' } }),
      provenance: [],
      observations: [],
      imagingStudies: [],
    });
    assert.ok(!isSkipped(plan));
    const entry = plan.entry?.find((e) => e.resource?.resourceType === 'DiagnosticReport');
    assert.deepEqual(entry?.request, { method: 'PUT', url: 'DiagnosticReport/r1', ifMatch: 'W/"5"' });
  });

  test('WR-FHIR-07 a report of another patient under our identifier holds the result', () => {
    const report = changed({ id: 'r1', subject: { reference: 'Patient/p2' } });
    const plan = filingPlan(bundle, { report, provenance: [], observations: [], imagingStudies: [] });
    assert.equal(isSkipped(plan) && plan.skipped.code, 'patient-mismatch');
  });

  test('WR-FHIR-20 the study is looked up with urn:oid and bare', () => {
    assert.deepEqual(
      lookups(bundle).imagingStudy.map((i) => i.value),
      [`urn:oid:${volume.studyInstanceUid}`, volume.studyInstanceUid],
    );
  });
});
