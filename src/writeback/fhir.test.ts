import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import type { Bundle, Device, DiagnosticReport, FhirResource, ImagingStudy, Observation, Provenance } from 'fhir/r4.js';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../../test/support/sample-report.ts';
import type { StudyHeader } from '../arrival/study.ts';
import { code, PERCENT } from '../codes.ts';
import type { Finding } from '../inference/findings.ts';
import type { Report } from '../reporting/report.ts';
import { reportTransaction } from './fhir.ts';
import { reportHtml } from './fhir-report.ts';
import type { TransactionInput } from './fhir-transaction.ts';
import { observationUid, sopInstanceUid, trackingUid } from './identity.ts';

const volume = sampleVolume();
const segmentation = sampleSegmentation(volume);

function transaction(
  changes: { report?: Partial<Report>; study?: Partial<StudyHeader>; input?: Partial<TransactionInput> } = {},
): { bundle: Bundle<FhirResource>; report: Report } {
  const report = sampleReport(segmentation, changes.report);
  const bundle = reportTransaction({
    report,
    study: sampleStudyHeader(volume, changes.study),
    match: { patient: 'Patient/p1', serviceRequest: 'ServiceRequest/s1' },
    objects: [],
    draftStatus: 'preliminary',
    software: report.provenance.software,
    modalities: new Map([[report.readings[0].seriesInstanceUid, 'CT']]),
    ...changes.input,
  });
  return { bundle, report };
}

function all<T extends FhirResource>(bundle: Bundle<FhirResource>, type: T['resourceType']): T[] {
  return (bundle.entry ?? []).flatMap(({ resource }) => (resource?.resourceType === type ? [resource as T] : []));
}

const one = <T extends FhirResource>(bundle: Bundle<FhirResource>, type: T['resourceType']): T =>
  all<T>(bundle, type)[0]!;

const withFinding = (changes: Partial<Finding>): Partial<Report> => {
  const report = sampleReport(segmentation);
  const [reading] = report.readings;
  return { readings: [{ ...reading, findings: [{ ...reading.findings[0]!, ...changes }] }] };
};

describe('FHIR transaction', () => {
  test('WR-FHIR-01 the same report gives the same bytes', () => {
    assert.equal(JSON.stringify(transaction().bundle), JSON.stringify(transaction().bundle));
  });

  test('WR-FHIR-01 every entry is conditional on a business identifier, and every reference resolves', () => {
    const { bundle } = transaction();
    const urls = new Set(bundle.entry?.map((entry) => entry.fullUrl));
    assert.equal(urls.size, bundle.entry?.length);
    const conditions = bundle.entry?.map(({ request }) => request?.ifNoneExist ?? request?.url.split('?')[1]);
    assert.ok(conditions?.every((condition) => /^(identifier|_tag)=.+/.test(condition ?? '')));
    assert.equal(new Set(conditions).size, bundle.entry?.length);
    const references = [...JSON.stringify(bundle).matchAll(/"reference":"([^"]+)"/g)].map((match) => match[1]!);
    assert.ok(references.length > 50);
    for (const reference of references)
      assert.ok(urls.has(reference) || ['Patient/p1', 'ServiceRequest/s1'].includes(reference), reference);
    for (const url of urls)
      assert.match(url ?? '', /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test('WR-FHIR-01 FHIR forbids empty arrays, nulls and undefined elements: none is there', () => {
    const { bundle } = transaction({ study: { accessionNumber: '', requests: [] } });
    assert.doesNotMatch(JSON.stringify(bundle), /\[\]|null|\{\}/);
  });

  test('WR-FHIR-02 a draft is preliminary or partial, has no interpreter, and says what it is everywhere', () => {
    const { bundle, report } = transaction();
    const written = one<DiagnosticReport>(bundle, 'DiagnosticReport');
    assert.equal(written.status, 'preliminary');
    assert.equal(
      one<DiagnosticReport>(transaction({ input: { draftStatus: 'partial' } }).bundle, 'DiagnosticReport').status,
      'partial',
    );
    assert.equal(written.resultsInterpreter, undefined);
    assert.equal(written.performer, undefined);
    assert.ok(written.conclusion?.startsWith(report.label));
    assert.ok(written.text?.div.includes(report.label));
    assert.match(written.code.text ?? '', /AI draft/);
    const html = Buffer.from(written.presentedForm?.[0]?.data ?? '', 'base64').toString('utf8');
    assert.ok(
      html.indexOf(report.label) < html.indexOf('<h1>') && html.lastIndexOf(report.label) > html.indexOf('</h2>'),
    );
    for (const observation of all<Observation>(bundle, 'Observation')) {
      assert.equal(observation.status, 'preliminary');
      assert.ok(observation.text?.div.includes(report.label));
    }
    for (const { resource } of bundle.entry ?? []) {
      if (resource?.resourceType === 'Device' || resource?.resourceType === 'ImagingStudy') continue;
      assert.deepEqual(
        resource?.meta?.security?.map((s) => s.code),
        ['AIAST'],
      );
      assert.ok(resource?.meta?.tag?.some((t) => t.code === 'ai-draft'));
    }
  });

  test('WR-FHIR-03 a group per finding, a member per measurement, with the UIDs of the SR', () => {
    const { bundle, report } = transaction();
    const observations = all<Observation>(bundle, 'Observation');
    const observed = (uid: string) => observations.find((o) => o.identifier?.[0]?.value === `urn:oid:${uid}`);
    const results = one<DiagnosticReport>(bundle, 'DiagnosticReport').result;
    assert.equal(results?.length, 3);
    for (const finding of report.readings[0].findings) {
      const group = observed(trackingUid(report, report.readings[0].algorithm, finding.key));
      assert.equal(group?.hasMember?.length, finding.measurements.length);
      assert.equal(group?.code.coding?.[0]?.code, '39607008');
      assert.ok(group?.category?.some((c) => c.coding?.[0]?.code === '125007'));
      for (const measurement of finding.measurements) {
        const member = observed(observationUid(report, report.readings[0].algorithm, finding.key, measurement.key));
        assert.equal(member?.valueQuantity?.value, measurement.value);
        assert.equal(member?.valueQuantity?.code, measurement.unit.value);
        assert.equal(member?.valueQuantity?.system, 'http://unitsofmeasure.org');
        assert.equal(member?.code.coding?.[0]?.code, measurement.concept.value);
      }
    }
  });

  test('WR-FHIR-03 codes carry the FHIR system of their scheme; side, derivation and threshold are components', () => {
    const { bundle, report } = transaction();
    const find = (finding: string, measurement: string) =>
      all<Observation>(bundle, 'Observation').find(
        (o) =>
          o.identifier?.[0]?.value ===
          `urn:oid:${observationUid(report, report.readings[0].algorithm, finding, measurement)}`,
      );
    const density = find('lung-right', 'mean-density');
    assert.equal(density?.code.coding?.[0]?.system, 'http://dicom.nema.org/resources/ontology/DCM');
    assert.equal(density?.code.text, 'Mean Attenuation Coefficient');
    const components = (o?: Observation) =>
      o?.component?.map((c) => [
        c.code.coding?.[0]?.code,
        c.valueCodeableConcept?.coding?.[0]?.code ?? c.valueQuantity?.value,
      ]);
    assert.deepEqual(components(density), [
      ['272741003', '24028007'],
      ['121401', '373098007'],
    ]);
    const share = find('lung-left', 'laa-950');
    assert.equal(share?.code.coding?.[0]?.system, 'https://wetread.dev/codes');
    assert.deepEqual(components(share), [
      ['272741003', '7771000'],
      ['112032', -950],
    ]);
    assert.deepEqual(share?.bodySite, {
      coding: [{ system: 'http://snomed.info/sct', code: '39607008', display: 'Lung' }],
      text: 'Left lung',
    });
  });

  test('WR-FHIR-03 a value that could not be computed has a reason and no number', () => {
    const measurement = {
      key: 'laa-950',
      concept: code('LAA950', '99WETREAD', 'Low attenuation area'),
      unit: PERCENT,
      qualifier: code('114006', 'DCM', 'Measurement failure'),
    };
    for (const value of [undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
      const measurements = [{ ...measurement, ...(value === undefined ? {} : { value }) }];
      const { bundle } = transaction({ report: withFinding({ measurements }) });
      const [member] = all<Observation>(bundle, 'Observation');
      assert.equal(member?.valueQuantity, undefined);
      assert.deepEqual(
        member?.dataAbsentReason?.coding?.map((c) => c.code),
        ['error', '114006'],
      );
    }
  });

  test('WR-FHIR-03 absence is said in the value, with its probability beside it', () => {
    const { bundle } = transaction({
      report: withFinding({ presence: 'absent', probability: 0.02, measurements: [] }),
    });
    const [group] = all<Observation>(bundle, 'Observation');
    assert.equal(group?.valueCodeableConcept?.coding?.[0]?.code, '272519000');
    const probability = group?.component?.find((c) => c.code.coding?.[0]?.code === '122157');
    assert.deepEqual(probability?.valueQuantity, {
      value: 0.02,
      unit: '1',
      system: 'http://unitsofmeasure.org',
      code: '1',
    });
    assert.equal(group?.hasMember, undefined);
  });

  test('WR-FHIR-04 the time of the study keeps its offset; without one it stays a date', () => {
    const effective = (...without: (keyof StudyHeader)[]) => {
      const study = Object.fromEntries(without.map((key) => [key, undefined]));
      const { bundle } = transaction({ study });
      const times = [one<DiagnosticReport>(bundle, 'DiagnosticReport'), ...all<Observation>(bundle, 'Observation')].map(
        (r) => r.effectiveDateTime,
      );
      assert.equal(new Set([...times, one<ImagingStudy>(bundle, 'ImagingStudy').started]).size, 1);
      return times[0];
    };
    assert.equal(effective(), '2026-03-14T12:00:00+01:00');
    assert.equal(effective('timezoneOffsetFromUtc'), '2026-03-14');
    assert.equal(effective('studyDate'), undefined);
  });

  test('WR-FHIR-05 the presented form is escaped HTML, with size and SHA-1 of its bytes', () => {
    const hostile = '<script>alert("x")</script> & \u0007 \ud800 Größe';
    const { bundle, report } = transaction({ report: { label: hostile, title: hostile } });
    const [form] = one<DiagnosticReport>(bundle, 'DiagnosticReport').presentedForm ?? [];
    const bytes = Buffer.from(form?.data ?? '', 'base64');
    assert.equal(form?.contentType, 'text/html');
    assert.equal(form?.size, bytes.length);
    assert.equal(form?.hash, createHash('sha1').update(bytes).digest('base64'));
    assert.equal(bytes.toString('utf8'), reportHtml(report));
    assert.equal(/<script/.test(bytes.toString('utf8')) || bytes.includes(7), false);
    assert.ok(bytes.toString('utf8').includes('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp;  \ufffd Größe'));
    assert.doesNotMatch(one<DiagnosticReport>(bundle, 'DiagnosticReport').text?.div ?? '', /<script/);
  });

  test('WR-FHIR-19 a revision keeps report and observations and brings its own provenance and SR', () => {
    const first = transaction();
    const { provenance } = first.report;
    const second = transaction({ report: { provenance: { ...provenance, revision: 2, attemptKey: 'sha256:2' } } });
    const requests = ({ bundle }: typeof first, type: FhirResource['resourceType']) =>
      bundle.entry?.filter((e) => e.resource?.resourceType === type).map((e) => e.request);
    for (const type of ['DiagnosticReport', 'Observation', 'Device', 'ImagingStudy'] as const)
      assert.deepEqual(requests(first, type), requests(second, type));
    assert.notDeepEqual(requests(first, 'Provenance'), requests(second, 'Provenance'));
    assert.equal(one<Provenance>(second.bundle, 'Provenance').activity?.coding?.[0]?.code, 'UPDATE');
    const sr = one<DiagnosticReport>(second.bundle, 'DiagnosticReport').identifier?.[1];
    assert.deepEqual(sr, { system: 'urn:dicom:uid', value: `urn:oid:${sopInstanceUid(second.report, 'sr')}` });
  });

  test('WR-FHIR-21 Device and Provenance say which package of which version made what, from what', () => {
    const { bundle, report } = transaction({
      input: {
        objects: [
          {
            kind: 'sr',
            studyInstanceUid: volume.studyInstanceUid,
            seriesInstanceUid: volume.seriesInstanceUid,
            sopInstanceUid: volume.slices[0]!.sopInstanceUid,
            sopClassUid: '1.2.840.10008.5.1.4.1.1.88.34',
            dataSet: {},
          },
        ],
      },
    });
    const device = one<Device>(bundle, 'Device');
    assert.ok(device.identifier?.some((i) => i.value === report.readings[0].algorithm.digest));
    assert.deepEqual(
      device.version?.map((v) => v.value),
      ['1.0.0', report.readings[0].algorithm.digest, 'Wetread 0.1.0'],
    );
    assert.equal(device.type?.coding?.[0]?.code, 'Artificial-Intelligence');
    const provenance = one<Provenance>(bundle, 'Provenance');
    assert.equal(provenance.recorded, report.provenance.createdAt);
    assert.equal(provenance.reason?.[0]?.coding?.[0]?.code, 'AIAST');
    assert.equal(provenance.agent.length, 1);
    assert.equal(provenance.agent[0]?.who.type, 'Device');
    assert.equal(provenance.target.length, 16);
    assert.deepEqual(
      provenance.entity?.map((e) => [e.role, e.what.type ?? e.what.display]),
      [
        ['source', 'ImagingStudy'],
        ['source', 'DICOM SR'],
        ['derivation', 'Model package'],
      ],
    );
  });

  test('WR-CNF-16 every series that was read has its own modality', () => {
    const [reading] = sampleReport(segmentation).readings;
    const film = {
      ...reading,
      seriesInstanceUid: '1.2.3.9',
      algorithm: { ...reading.algorithm, name: 'dx-heart-size' },
    };
    const modalities = new Map([
      [reading.seriesInstanceUid, 'CT'],
      ['1.2.3.9', 'DX'],
    ]);
    const { bundle } = transaction({ report: { readings: [reading, film] }, input: { modalities } });
    const study = one<ImagingStudy>(bundle, 'ImagingStudy');
    assert.deepEqual(
      study.modality?.map(({ code: modality }) => modality),
      ['CT', 'DX'],
    );
    assert.deepEqual(
      study.series?.map(({ uid, modality }) => [uid, modality.code]),
      [...modalities],
    );
  });

  test('WR-FHIR-22 the order is named by reference and accession number; without an order by the number alone', () => {
    const basedOn = (input: Partial<TransactionInput>, study: Partial<StudyHeader> = {}) =>
      one<DiagnosticReport>(transaction({ input, study }).bundle, 'DiagnosticReport').basedOn;
    const naming = { issuers: {}, accessionIdentifierSystem: 'urn:oid:1.2.3' };
    assert.deepEqual(basedOn({ naming }), [
      {
        reference: 'ServiceRequest/s1',
        type: 'ServiceRequest',
        identifier: {
          type: {
            coding: [
              { system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'ACSN', display: 'Accession ID' },
            ],
          },
          system: 'urn:oid:1.2.3',
          value: 'A-4711',
        },
      },
    ]);
    assert.equal(basedOn({ match: { patient: 'Patient/p1' } })?.[0]?.reference, undefined);
    assert.equal(basedOn({ match: { patient: 'Patient/p1' } })?.[0]?.identifier?.value, 'A-4711');
    const none = Object.fromEntries([['accessionNumber', undefined]]);
    assert.equal(basedOn({ match: { patient: 'Patient/p1' } }, { ...none, requests: [] }), undefined);
  });

  test('WR-DET-13 where a finding lies is a component: the concept of the SR, every number, its frame', () => {
    const frameOfReferenceUid = '1.2.3.9';
    const image = { sopInstanceUid: '1.2.3.4.5', sopClassUid: '1.2.840.10008.5.1.4.1.1.2', frameNumber: 2 };
    const places: readonly (readonly [NonNullable<Finding['region']>, string, string])[] = [
      [
        { kind: 'patient-sphere', frameOfReferenceUid, center: [1, -2.5, 3], radiusMm: 4 },
        '121231',
        'Sphere of radius 4 mm around [1, -2.5, 3] mm (LPS) in the frame of reference 1.2.3.9',
      ],
      [
        { kind: 'patient-point', frameOfReferenceUid, center: [1, 2, 3] },
        '121231',
        'Point at [1, 2, 3] mm (LPS) in the frame of reference 1.2.3.9',
      ],
      [
        { kind: 'image-box', image, minimum: [10, 20], maximum: [30.5, 40] },
        '111030',
        'Box from column 10, row 20 to column 30.5, row 40 of image 1.2.3.4.5, frame 2',
      ],
    ];
    for (const [region, concept, text] of places) {
      const { bundle } = transaction({ report: withFinding({ region }) });
      const components = all<Observation>(bundle, 'Observation').flatMap(({ component = [] }) => component);
      const place = components.find(({ valueString }) => valueString !== undefined);
      assert.deepEqual([place?.code.coding?.[0]?.code, place?.valueString], [concept, text]);
    }
  });
});
