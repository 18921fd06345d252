import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { DiagnosticReport, FhirResource, Patient } from 'fhir/r4.js';
import { WetreadError } from '../../src/errors.ts';
import { isSkipped } from '../../src/reasons.ts';
import { reportTransaction } from '../../src/writeback/fhir.ts';
import type { Bundle } from '../../src/writeback/fhir-transaction.ts';
import { type FhirServer, startFhirServer } from '../../test/support/fhir-server.ts';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../../test/support/sample-report.ts';
import { fhirHealthRecord } from './health-record.ts';

const naming = { issuers: { 'WETREAD-SAMPLE': 'urn:oid:1.2.3.4' }, accessionIdentifierSystem: 'urn:oid:1.2.3.5' };
const volume = sampleVolume();
const header = sampleStudyHeader(volume);
const report = sampleReport(sampleSegmentation(volume));
const signal = new AbortController().signal;

/** A later draft of the same study. */
const revised: typeof report = { ...report, provenance: { ...report.provenance, revision: 2, attemptKey: 'sha256:2' } };

const bundleFor = (patient: string, draft = report): Bundle =>
  reportTransaction({
    report: draft,
    study: header,
    match: { patient },
    objects: [],
    draftStatus: 'preliminary',
    software: report.provenance.software,
    modalities: new Map([[draft.readings[0].seriesInstanceUid, 'CT']]),
    naming,
  });

const isWetread =
  (code: string, retryable: boolean) =>
  (error: unknown): boolean =>
    error instanceof WetreadError && error.code === code && error.retryable === retryable;

describe('FHIR server as health record', () => {
  let server: FhirServer;
  let patient: Patient & { id: string };
  beforeEach(async () => {
    server = await startFhirServer();
    patient = await server.create<Patient>({
      resourceType: 'Patient',
      identifier: [{ system: 'urn:oid:1.2.3.4', value: header.patientId ?? '' }],
      birthDate: '1951-02-28',
      gender: 'male',
    });
  });
  afterEach(() => server[Symbol.asyncDispose]());
  const record = (options: object = {}) => fhirHealthRecord({ url: server.url, naming, ...options });

  test('WR-FHIR-12 a patient that the record does not hold is not made', async () => {
    const outcome = await record().match({ ...header, patientId: 'NOBODY' }, signal);
    assert.equal(isSkipped(outcome) && outcome.skipped.code, 'patient-unmatched');
    assert.equal((await server.all<Patient>('Patient')).length, 1);
    assert.deepEqual(
      server.requests.filter((request) => !request.startsWith('GET') && !request.endsWith('/_search')),
      [],
    );
  });

  test('WR-FHIR-06 images of an issuer that is not configured match nobody, without a request', async () => {
    const outcome = await record().match({ ...header, issuerOfPatientId: 'ELSEWHERE' }, signal);
    assert.equal(isSkipped(outcome) && outcome.skipped.code, 'patient-unmatched');
    assert.deepEqual(server.requests, []);
  });

  test('WR-LKT-13 a patient who could not even be looked for is held with the key that is missing', async () => {
    const { issuerOfPatientId, ...withoutIssuer } = { ...header, issuerOfPatientId: 'ELSEWHERE' };
    const detailOf = async (images: typeof header): Promise<string | undefined> => {
      const outcome = await record().match(images, signal);
      return isSkipped(outcome) ? outcome.skipped.detail : undefined;
    };
    const foreign = await detailOf({ ...withoutIssuer, issuerOfPatientId });
    assert.match(foreign!, /issuer .* not in healthRecord\.issuers/);
    assert.doesNotMatch(foreign!, /ELSEWHERE/);
    assert.match((await detailOf(withoutIssuer))!, /healthRecord\.patientIdentifierSystem is not set/);
    const { patientId: _, ...nobody } = header;
    assert.equal(await detailOf(nobody), 'the images have no Patient ID');
  });

  test('WR-FHIR-06 a server that ignores the search and answers with everybody matches nobody wrongly', async () => {
    await server.create<Patient>({ resourceType: 'Patient', identifier: [{ system: 'urn:oid:9', value: 'OTHER' }] });
    server.intercept = async (request, response) => {
      if (request.path !== '/fhir/Patient/_search') return;
      const entry = (await server.all<Patient>('Patient')).map((resource) => ({ resource }));
      response.json({ resourceType: 'Bundle', type: 'searchset', entry });
    };
    assert.deepEqual(await record().match(header, signal), { patient: `Patient/${patient.id}` });
  });

  test('WR-FHIR-13 no identifier of the patient or the order gets into an address', async () => {
    await record().match(header, signal);
    await record().file(bundleFor(`Patient/${patient.id}`), signal);
    assert.ok(server.requests.length > 20);
    for (const request of server.requests) {
      assert.doesNotMatch(request, /SAMPLE-0001|A-4711|\?/);
    }
  });

  test('WR-FHIR-13 an error says what the server answered, and nothing of what it said', async () => {
    server.intercept = (_request, response) => {
      response.status(422).json({ resourceType: 'OperationOutcome', issue: [{ diagnostics: 'SAMPLE-0001 is wrong' }] });
    };
    await assert.rejects(record().match(header, signal), (error: WetreadError) => {
      assert.equal(error.message, 'The FHIR server answered 422 (search)');
      assert.equal(error.cause, undefined);
      return true;
    });
  });

  test('WR-FHIR-18 each answer becomes a fault that says whether to try again', async () => {
    for (const [status, code, retryable] of [
      [400, 'health-record-refused', false],
      [401, 'health-record-refused', false],
      [403, 'health-record-refused', false],
      [404, 'health-record-refused', false],
      [422, 'health-record-refused', false],
      [409, 'conflict', false],
      [429, 'health-record-unreachable', true],
      [500, 'health-record-unreachable', true],
      [503, 'health-record-unreachable', true],
    ] as const) {
      server.intercept = (_request, response) => void response.status(status).json({});
      await assert.rejects(record().match(header, signal), isWetread(code, retryable), String(status));
    }
    server.intercept = (_request, response) => void response.type('html').send('<p>proxy</p>');
    await assert.rejects(record().match(header, signal), isWetread('health-record-refused', false));
  });

  test('WR-FHIR-18 a redirect to another place is not followed', async () => {
    for (const place of ['http://127.0.0.1:1/elsewhere', '/elsewhere']) {
      server.intercept = (_request, response) => response.redirect(307, place);
      await assert.rejects(record().match(header, signal), isWetread('health-record-refused', false));
    }
  });

  test('WR-FHIR-18 a server that is not there, or does not answer in time', async () => {
    const nobody = fhirHealthRecord({ url: 'http://127.0.0.1:9/fhir', naming });
    await assert.rejects(nobody.match(header, signal), isWetread('health-record-unreachable', true));
    server.intercept = () => new Promise<void>(() => undefined);
    await assert.rejects(record({ timeoutMs: 50 }).match(header, signal), isWetread('timeout', true));
    await assert.rejects(record().match(header, AbortSignal.timeout(50)), isWetread('timeout', true));
  });

  test('WR-FHIR-18 each call asks for its token', async () => {
    const seen: (string | undefined)[] = [];
    const tokens = ['first', 'second'];
    server.intercept = (request) => void seen.push(request.get('authorization'));
    await record({ authorize: async () => ({ authorization: `Bearer ${tokens.shift()}` }) }).match(header, signal);
    assert.deepEqual(seen, ['Bearer first', 'Bearer second']);
  });

  test('WR-FHIR-18 a server without transactions is refused before anything is sent', async () => {
    for (const statement of [
      { fhirVersion: '4.0.1', rest: [{ mode: 'server', interaction: [{ code: 'batch' }] }] },
      { fhirVersion: '5.0.0', rest: [{ mode: 'server', interaction: [{ code: 'transaction' }] }] },
    ]) {
      server.requests.length = 0;
      server.intercept = (_request, response) =>
        void response.json({ resourceType: 'CapabilityStatement', ...statement });
      await assert.rejects(
        record().file(bundleFor(`Patient/${patient.id}`), signal),
        isWetread('health-record-refused', false),
      );
      assert.deepEqual(server.requests, ['GET /fhir/metadata']);
    }
  });

  test('WR-CON-04 a draft that the record holds already is looked up, and nothing is sent', async () => {
    const bundle = bundleFor(`Patient/${patient.id}`);
    const first = await record().file(bundle, signal);
    server.requests.length = 0;
    assert.deepEqual(await record().file(bundle, signal), first);
    assert.deepEqual(
      server.requests.filter((request) => !request.startsWith('GET') && !request.includes('_search')),
      [],
    );
  });

  test('WR-CON-04 a draft of which the record lost something is filed again', async () => {
    const bundle = bundleFor(`Patient/${patient.id}`);
    await record().file(bundle, signal);
    const [filed] = await server.all<DiagnosticReport>('DiagnosticReport');
    const { basedOn: _, ...without } = filed!;
    await server.update({ ...without, resourceType: 'DiagnosticReport' } as DiagnosticReport);
    await record().file(bundle, signal);
    const [again] = await server.all<DiagnosticReport>('DiagnosticReport');
    assert.deepEqual(again?.basedOn, filed?.basedOn);
    assert.ok(again?.basedOn);
  });

  test('WR-FHIR-10 somebody writes between look and write: looked at once more, then written over the new version', async () => {
    await record().file(bundleFor(`Patient/${patient.id}`), signal);
    const bundle = bundleFor(`Patient/${patient.id}`, revised);
    let transactions = 0;
    server.intercept = async (request) => {
      if (request.method !== 'POST' || request.path !== '/fhir/' || ++transactions > 1) return;
      const [filed] = await server.all<DiagnosticReport>('DiagnosticReport');
      await server.update({ ...filed!, encounter: { display: 'ward 7' } });
    };
    const outcome = await record().file(bundle, signal);
    assert.ok(!isSkipped(outcome));
    assert.equal(transactions, 2);
    assert.equal((await server.all<DiagnosticReport>('DiagnosticReport'))[0]?.encounter?.display, 'ward 7');
  });

  test('WR-FHIR-10 a radiologist signs between look and write: the signed report stays', async () => {
    await record().file(bundleFor(`Patient/${patient.id}`), signal);
    const bundle = bundleFor(`Patient/${patient.id}`, revised);
    server.intercept = async (request) => {
      if (request.method !== 'POST' || request.path !== '/fhir/') return;
      const [filed] = await server.all<DiagnosticReport>('DiagnosticReport');
      await server.update({ ...filed!, status: 'final' });
    };
    const outcome = await record().file(bundle, signal);
    assert.equal(isSkipped(outcome) && outcome.skipped.code, 'human-edited');
    assert.equal((await server.all<DiagnosticReport>('DiagnosticReport'))[0]?.status, 'final');
  });

  test('WR-FHIR-10 a version that always changes ends in conflict', async () => {
    await record().file(bundleFor(`Patient/${patient.id}`), signal);
    const bundle = bundleFor(`Patient/${patient.id}`, revised);
    let transactions = 0;
    server.intercept = (request, response) => {
      if (request.method !== 'POST' || request.path !== '/fhir/') return;
      transactions += 1;
      response.status(412).json({});
    };
    await assert.rejects(record().file(bundle, signal), isWetread('conflict', false));
    assert.equal(transactions, 2);
  });

  test('WR-FHIR-11 a server that keeps something else than it was given is noticed', async () => {
    for (const [type, element] of [
      ['DiagnosticReport', 'conclusion'],
      ['Observation', 'valueQuantity'],
      ['Provenance', 'recorded'],
      ['Device', 'version'],
    ] as const) {
      await using other = await startFhirServer();
      other.intercept = (request) => {
        const body = request.body as Bundle | undefined;
        for (const { resource } of body?.entry ?? [])
          if (resource?.resourceType === type) {
            const elements = resource as FhirResource as unknown as Record<string, unknown>;
            if (element in elements) elements[element] = type === 'Provenance' ? '2020-01-01T00:00:00Z' : undefined;
          }
      };
      const lossy = fhirHealthRecord({ url: other.url, naming });
      await assert.rejects(lossy.file(bundleFor('Patient/1'), signal), (error: WetreadError) => {
        assert.equal(error.code, 'writeback-mismatch');
        assert.equal(error.message, `Read back unlike written: ${type}.${element}`);
        return true;
      });
    }
  });

  test('WR-FHIR-08 answers without a location are found again by their condition', async () => {
    const bundle = bundleFor(`Patient/${patient.id}`);
    server.intercept = (request, response) => {
      if (request.method !== 'POST' || request.path !== '/fhir/') return;
      const json = response.json.bind(response);
      response.json = (body: Bundle) => {
        for (const entry of body.entry ?? []) delete entry.response?.location;
        for (const entry of body.entry ?? []) delete entry.resource;
        return json(body);
      };
    };
    const outcome = await record().file(bundle, signal);
    assert.ok(!isSkipped(outcome) && outcome.reference.startsWith('DiagnosticReport/'));
  });
});
