/** One suite for every health record: the embedded store, and a FHIR R4 server that is not ours. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type {
  DiagnosticReport,
  FhirResource,
  ImagingStudy,
  Observation,
  Patient,
  Provenance,
  ServiceRequest,
} from 'fhir/r4.js';
import { fhirHealthRecord } from '../../adapters/fhir/health-record.ts';
import { localHealthRecord } from '../../adapters/local-fhir/health-record.ts';
import type { ResourceType } from '../../adapters/local-fhir/search-parameters.ts';
import { localFhirStore } from '../../adapters/local-fhir/store.ts';
import type { StudyHeader } from '../../src/arrival/study.ts';
import type { HealthRecord } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { Report } from '../../src/reporting/report.ts';
import { reportTransaction } from '../../src/writeback/fhir.ts';
import type { Bundle } from '../../src/writeback/fhir-transaction.ts';
import { startFhirServer } from '../support/fhir-server.ts';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../support/sample-report.ts';

interface Bench {
  readonly record: HealthRecord;
  create<T extends FhirResource>(resource: T): Promise<T & { id: string }>;
  update(resource: FhirResource): Promise<unknown>;
  all<T extends FhirResource>(type: ResourceType): Promise<readonly T[]>;
  close(): Promise<void>;
}

const NAMING = {
  issuers: { 'WETREAD-SAMPLE': 'urn:oid:1.2.3.4' },
  accessionIdentifierSystem: 'urn:oid:1.2.3.5',
};

async function local(): Promise<Bench> {
  const store = localFhirStore({ file: ':memory:', clock: { now: () => new Date() } });
  const send = (resource: FhirResource, method: 'POST' | 'PUT', url: string) =>
    store.transaction({ resourceType: 'Bundle', type: 'transaction', entry: [{ resource, request: { method, url } }] });
  return {
    record: localHealthRecord(store, NAMING),
    async create(resource) {
      const location = send(resource, 'POST', resource.resourceType).entry?.[0]?.response?.location ?? '';
      const [type, id = ''] = location.split('/');
      return store.read(type as ResourceType, id)?.resource as never;
    },
    update: async (resource) => send(resource, 'PUT', `${resource.resourceType}/${resource.id}`),
    all: async (type) => store.search(type, [], { offset: 0, count: 1000 }).resources as never,
    close: async () => store.close(),
  };
}

async function fhir(): Promise<Bench> {
  const server = await startFhirServer();
  return {
    record: fhirHealthRecord({ url: server.url, naming: NAMING }),
    create: (resource) => server.create(resource),
    update: (resource) => server.update(resource),
    all: (type) => server.all(type) as never,
    close: async () => server[Symbol.asyncDispose](),
  };
}

const signal = new AbortController().signal;
let studies = 0;

/** Another study, patient and order for every test. */
function sample(changes: Partial<StudyHeader> = {}): { header: StudyHeader; report: (c?: Partial<Report>) => Report } {
  studies += 1;
  const volume = sampleVolume({ name: `health record ${studies}` });
  const number = String(studies).padStart(4, '0');
  const header = sampleStudyHeader(volume, {
    patientId: `P-${number}`,
    accessionNumber: `A-${number}`,
    requests: [],
    ...changes,
  });
  return { header, report: (c) => sampleReport(sampleSegmentation(volume), c) };
}

const patientOf = (header: StudyHeader): Patient => ({
  resourceType: 'Patient',
  identifier: [{ system: 'urn:oid:1.2.3.4', value: header.patientId ?? '' }],
  birthDate: '1951-02-28',
  gender: 'male',
});

const orderOf = (header: StudyHeader, patient: { readonly id: string }): ServiceRequest => ({
  resourceType: 'ServiceRequest',
  identifier: [{ system: 'urn:oid:1.2.3.5', value: header.accessionNumber ?? '' }],
  status: 'active',
  intent: 'order',
  subject: { reference: `Patient/${patient.id}` },
});

function bundleOf(report: Report, header: StudyHeader, patient: { readonly id: string }): Bundle {
  return reportTransaction({
    report,
    study: header,
    match: { patient: `Patient/${patient.id}` },
    objects: [],
    draftStatus: 'preliminary',
    software: report.provenance.software,
    modalities: new Map([[report.readings[0].seriesInstanceUid, 'CT']]),
    naming: NAMING,
  });
}

const reasonOf = (outcome: unknown): string => (isSkipped(outcome) ? outcome.skipped.code : 'not skipped');

const inStudy = <T extends { identifier?: { value?: string | undefined }[] | undefined }>(
  list: readonly T[],
  bundle: Bundle,
  type: FhirResource['resourceType'],
): T[] => {
  const ours = (bundle.entry ?? []).flatMap(({ resource }) =>
    resource?.resourceType === type ? ((resource as unknown as T).identifier ?? []).map((i) => i.value) : [],
  );
  return list.filter((r) => r.identifier?.some((i) => ours.includes(i.value)));
};

for (const [name, start] of Object.entries({ local, fhir })) {
  describe(`health record: ${name}`, () => {
    let bench: Bench;
    beforeEach(async () => {
      bench = await start();
    });
    afterEach(() => bench.close());

    test('WR-FHIR-06 one patient whose birth date and sex agree, with the order, is a match', async () => {
      const { header } = sample();
      const patient = await bench.create(patientOf(header));
      const order = await bench.create(orderOf(header, patient));
      assert.deepEqual(await bench.record.match(header, signal), {
        patient: `Patient/${patient.id}`,
        serviceRequest: `ServiceRequest/${order.id}`,
      });
    });

    test('WR-FHIR-07 two patients with one identifier: none is picked', async () => {
      const { header } = sample();
      await bench.create(patientOf(header));
      await bench.create(patientOf(header));
      assert.equal(reasonOf(await bench.record.match(header, signal)), 'patient-ambiguous');
    });

    test('WR-FHIR-07 another birth date or sex holds the result and says which, not what', async () => {
      const { header } = sample();
      await bench.create({ ...patientOf(header), birthDate: '1951-02-27', gender: 'female' });
      const outcome = await bench.record.match(header, signal);
      assert.equal(reasonOf(outcome), 'patient-mismatch');
      assert.doesNotMatch(JSON.stringify(outcome), /1951|female|male/);
      assert.match(JSON.stringify(outcome), /birth date and sex differ/);
    });

    test('WR-FHIR-06 a birth date known to the year only agrees with a day of that year', async () => {
      const { header } = sample();
      await bench.create({ ...patientOf(header), birthDate: '1951', gender: 'unknown' });
      assert.equal(isSkipped(await bench.record.match(header, signal)), false);
    });

    test('WR-FHIR-07 an order of another patient holds the result', async () => {
      const { header } = sample();
      await bench.create(patientOf(header));
      const stranger = await bench.create({ ...patientOf(header), identifier: [] });
      await bench.create(orderOf(header, stranger));
      assert.equal(reasonOf(await bench.record.match(header, signal)), 'order-mismatch');
    });

    test('WR-FHIR-06 two orders of the patient under one accession number: neither is picked', async () => {
      const { header } = sample();
      const patient = await bench.create(patientOf(header));
      await bench.create(orderOf(header, patient));
      await bench.create(orderOf(header, patient));
      assert.deepEqual(await bench.record.match(header, signal), { patient: `Patient/${patient.id}` });
    });

    test('WR-FHIR-08 filing twice leaves one report, one set of observations, one provenance', async () => {
      const { header, report } = sample();
      const patient = await bench.create(patientOf(header));
      const bundle = bundleOf(report(), header, patient);
      const provenanceBefore = (await bench.all('Provenance')).length;
      const first = await bench.record.file(bundle, signal);
      const second = await bench.record.file(bundle, signal);
      assert.ok(!isSkipped(first) && !isSkipped(second));
      assert.equal(second.reference, first.reference);
      assert.match(first.reference, /^DiagnosticReport\/.+/);
      assert.equal(
        inStudy(await bench.all<DiagnosticReport>('DiagnosticReport'), bundle, 'DiagnosticReport').length,
        1,
      );
      assert.equal(inStudy(await bench.all<Observation>('Observation'), bundle, 'Observation').length, 15);
      assert.equal(inStudy(await bench.all<ImagingStudy>('ImagingStudy'), bundle, 'ImagingStudy').length, 1);
      assert.equal((await bench.all('Provenance')).length, provenanceBefore + 1);
    });

    test('WR-FHIR-08 references between the resources are resolved to what the record holds', async () => {
      const { header, report } = sample();
      const patient = await bench.create(patientOf(header));
      const bundle = bundleOf(report(), header, patient);
      await bench.record.file(bundle, signal);
      const [filed] = inStudy(await bench.all<DiagnosticReport>('DiagnosticReport'), bundle, 'DiagnosticReport');
      const observations = await bench.all<Observation>('Observation');
      const groups = filed?.result?.map(({ reference }) =>
        observations.find((o) => `Observation/${o.id}` === reference),
      );
      assert.deepEqual(
        groups?.map((g) => g?.code.text),
        ['Right lung', 'Left lung', 'Both lungs'],
      );
      const members = groups?.flatMap((g) => g?.hasMember ?? []);
      assert.equal(
        members?.filter(({ reference }) => observations.some((o) => `Observation/${o.id}` === reference)).length,
        12,
      );
      assert.doesNotMatch(JSON.stringify(filed), /urn:uuid/);
    });

    test('WR-FHIR-19 a new revision is a new version of the same report, and a provenance of its own', async () => {
      const { header, report } = sample();
      const patient = await bench.create(patientOf(header));
      const one = report();
      const two = report({
        provenance: { ...one.provenance, revision: 2, createdAt: '2026-03-14T16:00:00.000Z', attemptKey: 'sha256:two' },
        label: `${one.label} (revised)`,
      });
      const first = await bench.record.file(bundleOf(one, header, patient), signal);
      const provenanceBefore = (await bench.all('Provenance')).length;
      const second = await bench.record.file(bundleOf(two, header, patient), signal);
      assert.ok(!isSkipped(first) && !isSkipped(second));
      assert.equal(second.reference, first.reference);
      assert.notEqual(second.versionId, first.versionId);
      assert.equal((await bench.all('Provenance')).length, provenanceBefore + 1);
      const filed = (await bench.all<DiagnosticReport>('DiagnosticReport')).find(
        (r) => `DiagnosticReport/${r.id}` === second.reference,
      );
      assert.match(filed?.conclusion ?? '', /\(revised\)/);
      assert.equal(filed?.issued, '2026-03-14T16:00:00.000Z');
    });

    test('WR-FHIR-24 what a revision no longer states is cancelled, and comes back with a revision that states it again', async () => {
      const { header, report } = sample();
      const patient = await bench.create(patientOf(header));
      const whole = report();
      const [right] = whole.readings[0].findings;
      const revised = (revision: number, findings: Report['readings'][0]['findings']): Bundle => {
        const provenance = { ...whole.provenance, revision, attemptKey: `sha256:${revision}` };
        return bundleOf(report({ provenance, readings: [{ ...whole.readings[0], findings }] }), header, patient);
      };
      const first = bundleOf(whole, header, patient);
      const filed = async (): Promise<Record<string, number>> => {
        const ours = inStudy(await bench.all<Observation>('Observation'), first, 'Observation');
        return Object.fromEntries(
          [...Map.groupBy(ours, ({ status }) => status)].map(([status, some]) => [status, some.length]),
        );
      };
      await bench.record.file(first, signal);
      assert.deepEqual(await filed(), { preliminary: 15 });
      const smaller = revised(2, [right!]);
      await bench.record.file(smaller, signal);
      assert.deepEqual(await filed(), { preliminary: 5, cancelled: 10 });
      const targets = (await bench.all<Provenance>('Provenance'))
        .map(({ target }) => target.length)
        .toSorted((a, b) => a - b);
      assert.equal(targets.at(-1), 16, 'the report, what it states and what it takes back');
      await bench.record.file(smaller, signal);
      assert.deepEqual(await filed(), { preliminary: 5, cancelled: 10 });
      await bench.record.file(revised(3, whole.readings[0].findings), signal);
      assert.deepEqual(await filed(), { preliminary: 15 });
    });

    test('WR-FHIR-24 Observations that others added to a draft are not cancelled with it', async () => {
      const { header, report } = sample();
      const patient = await bench.create(patientOf(header));
      const outcome = await bench.record.file(bundleOf(report(), header, patient), signal);
      assert.ok(!isSkipped(outcome));
      const theirs = await bench.create<Observation>({
        resourceType: 'Observation',
        status: 'preliminary',
        code: { text: 'Blood pressure' },
        subject: { reference: `Patient/${patient.id}` },
      });
      const [filed] = (await bench.all<DiagnosticReport>('DiagnosticReport')).filter(
        (r) => `DiagnosticReport/${r.id}` === outcome.reference,
      );
      await bench.update({ ...filed!, result: [...(filed?.result ?? []), { reference: `Observation/${theirs.id}` }] });
      await bench.record.file(bundleOf(report({ label: 'AI DRAFT, NOT VERIFIED.' }), header, patient), signal);
      const [again] = (await bench.all<Observation>('Observation')).filter(({ id }) => id === theirs.id);
      assert.equal(again?.status, 'preliminary');
    });

    test('WR-FHIR-09 a draft of which a human has confirmed or taken back a result is left alone', async () => {
      const { header, report } = sample();
      const patient = await bench.create(patientOf(header));
      const bundle = bundleOf(report(), header, patient);
      await bench.record.file(bundle, signal);
      const [result] = inStudy(await bench.all<Observation>('Observation'), bundle, 'Observation');
      for (const status of ['final', 'entered-in-error'] as const) {
        await bench.update({ ...result!, status });
        assert.equal((await bench.record.objection(bundle, signal))?.skipped.code, 'human-edited');
        assert.equal(reasonOf(await bench.record.file(bundle, signal)), 'human-edited');
      }
    });

    test('WR-FHIR-09 elements that others added to a draft stay over a revision', async () => {
      const { header, report } = sample();
      const patient = await bench.create(patientOf(header));
      const first = await bench.record.file(bundleOf(report(), header, patient), signal);
      assert.ok(!isSkipped(first));
      const [filed] = (await bench.all<DiagnosticReport>('DiagnosticReport')).filter(
        (r) => `DiagnosticReport/${r.id}` === first.reference,
      );
      await bench.update({ ...filed!, encounter: { display: 'ward 7' } });
      await bench.record.file(bundleOf(report({ label: 'AI DRAFT, NOT VERIFIED.' }), header, patient), signal);
      const [again] = (await bench.all<DiagnosticReport>('DiagnosticReport')).filter((r) => r.id === filed?.id);
      assert.equal(again?.encounter?.display, 'ward 7');
      assert.match(again?.conclusion ?? '', /NOT VERIFIED\./);
    });

    const edits: Readonly<Record<string, (report: DiagnosticReport) => DiagnosticReport>> = {
      'signed (final)': (r) => ({ ...r, status: 'final' }),
      'withdrawn (cancelled)': (r) => ({ ...r, status: 'cancelled' }),
      'taken over by an interpreter': (r) => ({ ...r, resultsInterpreter: [{ display: 'Dr Example' }] }),
      'rewritten, still preliminary': (r) => ({ ...r, conclusion: 'No emphysema.' }),
      'given another page': (r) => ({
        ...r,
        presentedForm: r.presentedForm?.map((form) => ({ ...form, data: btoa('<p>edited</p>') })),
      }),
    };
    for (const [edit, apply] of Object.entries(edits)) {
      test(`WR-FHIR-09 a report that a human has ${edit} is left alone`, async () => {
        const { header, report } = sample();
        const patient = await bench.create(patientOf(header));
        const bundle = bundleOf(report(), header, patient);
        assert.equal(await bench.record.objection(bundle, signal), undefined);
        await bench.record.file(bundle, signal);
        const [filed] = inStudy(await bench.all<DiagnosticReport>('DiagnosticReport'), bundle, 'DiagnosticReport');
        await bench.update(apply(filed!));
        const [before] = (await bench.all<DiagnosticReport>('DiagnosticReport')).filter((r) => r.id === filed?.id);
        assert.equal((await bench.record.objection(bundle, signal))?.skipped.code, 'human-edited');
        assert.equal(reasonOf(await bench.record.file(bundle, signal)), 'human-edited');
        const [afterwards] = (await bench.all<DiagnosticReport>('DiagnosticReport')).filter((r) => r.id === filed?.id);
        assert.deepEqual(afterwards, before);
      });
    }

    test('WR-FHIR-09 a report whose newest Provenance names a human is left alone', async () => {
      const { header, report } = sample();
      const patient = await bench.create(patientOf(header));
      const bundle = bundleOf(report(), header, patient);
      const filed = await bench.record.file(bundle, signal);
      assert.ok(!isSkipped(filed));
      await bench.create({
        resourceType: 'Provenance',
        target: [{ reference: filed.reference }],
        recorded: '2026-03-15T08:00:00Z',
        agent: [{ who: { reference: 'Practitioner/7' } }],
      });
      assert.equal(reasonOf(await bench.record.file(bundle, signal)), 'human-edited');
    });

    test('WR-FHIR-20 an ImagingStudy that the record holds is used, in either form of its identifier', async () => {
      const { header, report } = sample();
      const patient = await bench.create(patientOf(header));
      const theirs = await bench.create<ImagingStudy>({
        resourceType: 'ImagingStudy',
        identifier: [{ system: 'urn:dicom:uid', value: header.studyInstanceUid }],
        status: 'available',
        subject: { reference: `Patient/${patient.id}` },
        description: 'as the archive wrote it',
      });
      const bundle = bundleOf(report(), header, patient);
      const filed = await bench.record.file(bundle, signal);
      assert.ok(!isSkipped(filed));
      const written = (await bench.all<DiagnosticReport>('DiagnosticReport')).find(
        (r) => `DiagnosticReport/${r.id}` === filed.reference,
      );
      assert.deepEqual(
        written?.imagingStudy?.map((s) => s.reference),
        [`ImagingStudy/${theirs.id}`],
      );
      assert.equal(inStudy(await bench.all<ImagingStudy>('ImagingStudy'), bundle, 'ImagingStudy').length, 0);
    });

    test('WR-FHIR-07 an ImagingStudy of another patient under our Study UID holds the result', async () => {
      const { header, report } = sample();
      const patient = await bench.create(patientOf(header));
      const stranger = await bench.create({ ...patientOf(header), identifier: [] });
      await bench.create<ImagingStudy>({
        resourceType: 'ImagingStudy',
        identifier: [{ system: 'urn:dicom:uid', value: `urn:oid:${header.studyInstanceUid}` }],
        status: 'available',
        subject: { reference: `Patient/${stranger.id}` },
      });
      assert.equal(reasonOf(await bench.record.file(bundleOf(report(), header, patient), signal)), 'patient-mismatch');
    });

    test('a call whose signal is aborted throws a WetreadError', async () => {
      const { header, report } = sample();
      const aborted = AbortSignal.abort();
      const isWetread = { name: 'WetreadError' };
      await assert.rejects(bench.record.match(header, aborted), isWetread);
      await assert.rejects(bench.record.file(bundleOf(report(), header, { id: 'x' }), aborted), isWetread);
    });
  });
}
