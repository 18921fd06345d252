import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { FhirResource, Patient, ServiceRequest } from 'fhir/r4.js';
import type { StudyHeader } from '../../src/arrival/study.ts';
import { WetreadError } from '../../src/errors.ts';
import { isSkipped } from '../../src/reasons.ts';
import { sampleStudyHeader, sampleVolume } from '../../test/support/sample-report.ts';
import { localHealthRecord } from './health-record.ts';
import { type LocalFhirStore, localFhirStore } from './store.ts';

const clock = { now: () => new Date('2026-03-14T15:09:26.535Z') };
const open = (file = ':memory:'): LocalFhirStore => localFhirStore({ file, clock });

type Request = { method: 'POST' | 'PUT' | 'DELETE' | 'GET'; url: string; ifMatch?: string; ifNoneExist?: string };

const send = (store: LocalFhirStore, ...entries: [Request, FhirResource?, string?][]) =>
  store.transaction({
    resourceType: 'Bundle',
    type: 'transaction',
    entry: entries.map(([request, resource, fullUrl]) => ({
      request,
      ...(resource === undefined ? {} : { resource }),
      ...(fullUrl === undefined ? {} : { fullUrl }),
    })),
  }).entry ?? [];

const device = (value: string, status: 'active' | 'inactive' = 'active'): FhirResource => ({
  resourceType: 'Device',
  identifier: [{ system: 'urn:x', value }],
  status,
});
const count = (store: LocalFhirStore, type: 'Device' | 'Observation' | 'Patient' | 'ServiceRequest'): number =>
  store.search(type, [], { offset: 0, count: 0 }).total;
const isWetread = (code: string) => (error: unknown) => error instanceof WetreadError && error.code === code;

describe('local FHIR store', () => {
  test('WR-FHIR-14 what was committed is there after the file is opened again', () => {
    const folder = mkdtempSync(join(tmpdir(), 'local-fhir-'));
    try {
      const first = open(join(folder, 'deep', 'fhir.sqlite'));
      const [entry] = send(first, [{ method: 'POST', url: 'Device' }, device('a')]);
      first.close();
      const second = open(join(folder, 'deep', 'fhir.sqlite'));
      const id = entry?.response?.location?.split('/')[1] ?? '';
      assert.equal(second.read('Device', id)?.versionId, '1');
      assert.equal(second.search('Device', [['identifier', 'urn:x|a']], { offset: 0, count: 1 }).total, 1);
      second.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('WR-FHIR-14 a transaction is written whole or not at all', () => {
    const store = open();
    const observation: FhirResource = {
      resourceType: 'Observation',
      status: 'preliminary',
      code: { text: 'x' },
      device: { reference: 'urn:uuid:nobody' },
    };
    assert.throws(
      () =>
        send(
          store,
          [{ method: 'POST', url: 'Device' }, device('a')],
          [{ method: 'POST', url: 'Observation' }, observation],
        ),
      isWetread('request-invalid'),
    );
    assert.deepEqual([count(store, 'Device'), count(store, 'Observation')], [0, 0]);
    assert.equal(send(store, [{ method: 'POST', url: 'Device' }, device('a')])[0]?.response?.status, '201 Created');
  });

  test('WR-FHIR-14 references between entries are resolved, forwards too', () => {
    const store = open();
    const observation: FhirResource = {
      resourceType: 'Observation',
      status: 'preliminary',
      code: { text: 'urn:uuid:d stays text' },
      device: { reference: 'urn:uuid:d' },
    };
    const [first, second] = send(
      store,
      [{ method: 'POST', url: 'Observation' }, observation, 'urn:uuid:o'],
      [{ method: 'POST', url: 'Device' }, device('a'), 'urn:uuid:d'],
    );
    const stored = store.read('Observation', first?.response?.location?.split('/')[1] ?? '')?.resource;
    assert.ok(stored?.resourceType === 'Observation');
    assert.equal(`${stored.device?.reference}/_history/1`, second?.response?.location);
    assert.equal(stored.code.text, 'urn:uuid:d stays text');
  });

  test('WR-FHIR-14 conditional create and update: none makes one, one is met, several are a conflict', () => {
    const store = open();
    const create: Request = { method: 'POST', url: 'Device', ifNoneExist: 'identifier=urn:x%7Ca' };
    const update: Request = { method: 'PUT', url: 'Device?identifier=urn%3Ax%7Ca' };
    assert.equal(send(store, [create, device('a')])[0]?.response?.status, '201 Created');
    assert.equal(send(store, [create, device('a', 'inactive')])[0]?.response?.status, '200 OK');
    assert.equal(count(store, 'Device'), 1);
    assert.equal(send(store, [update, device('a')])[0]?.response?.etag, 'W/"1"', 'the same content is no new version');
    assert.equal(send(store, [update, device('a', 'inactive')])[0]?.response?.etag, 'W/"2"');
    send(store, [{ method: 'POST', url: 'Device' }, device('a')]);
    assert.throws(() => send(store, [create, device('a')]), isWetread('conflict'));
    assert.throws(() => send(store, [update, device('a')]), isWetread('conflict'));
  });

  test('WR-FHIR-10 If-Match of another version is a conflict and changes nothing', () => {
    const store = open();
    const url =
      send(store, [{ method: 'POST', url: 'Device' }, device('a')])[0]?.response?.location?.split('/_')[0] ?? '';
    send(store, [{ method: 'PUT', url, ifMatch: 'W/"1"' }, device('a', 'inactive')]);
    for (const ifMatch of ['W/"1"', 'W/"3"', '2'])
      assert.throws(() => send(store, [{ method: 'PUT', url, ifMatch }, device('b')]), isWetread('conflict'));
    assert.equal(store.read('Device', url.split('/')[1] ?? '')?.versionId, '2');
    const absent: Request = { method: 'PUT', url: 'Device?identifier=urn:x%7Cnone', ifMatch: 'W/"1"' };
    assert.throws(() => send(store, [absent, device('none')]), isWetread('conflict'));
  });

  test('WR-FHIR-14 what the store cannot do is refused', () => {
    const store = open();
    const refused = isWetread('request-invalid');
    assert.throws(() => send(store, [{ method: 'GET', url: 'Device/1' }, device('a')]), refused);
    assert.throws(() => send(store, [{ method: 'POST', url: 'Medication' }, { resourceType: 'Medication' }]), refused);
    assert.throws(() => send(store, [{ method: 'POST', url: 'Patient' }, device('a')]), refused);
    assert.throws(() => send(store, [{ method: 'PUT', url: 'Device/none' }, device('a')]), refused);
    assert.throws(() => send(store, [{ method: 'PUT', url: 'Device' }, device('a')]), refused);
    assert.throws(() => send(store, [{ method: 'PUT', url: 'Device?colour=red' }, device('a')]), refused);
    const twice: Request = { method: 'POST', url: 'Device', ifNoneExist: 'identifier=a' };
    assert.throws(() => send(store, [twice, device('a')], [twice, device('a')]), refused);
    assert.throws(() => store.transaction({ resourceType: 'Bundle', type: 'batch' }), refused);
    assert.equal(count(store, 'Device'), 0);
  });
});

describe('registration of patients and orders in the local store', () => {
  const header = sampleStudyHeader(sampleVolume());
  const signal = new AbortController().signal;
  const setUp = (issuers = {}) => {
    const store = open();
    const record = localHealthRecord(store, { issuers });
    const all = <T>(type: 'Patient' | 'ServiceRequest') =>
      store.search(type, [], { offset: 0, count: 10 }).resources as unknown as T[];
    return { store, record, all };
  };
  const without = (...keys: (keyof StudyHeader)[]): StudyHeader =>
    Object.fromEntries(
      Object.entries(header).filter(([key]) => !keys.includes(key as keyof StudyHeader)),
    ) as unknown as StudyHeader;

  test('WR-FHIR-23 the patient and the order of the images are registered once', async () => {
    const { record, all } = setUp({ 'WETREAD-SAMPLE': 'urn:oid:1.2' });
    const first = await record.match(header, signal);
    assert.deepEqual(await record.match(header, signal), first);
    const [patient, ...others] = all<Patient>('Patient');
    assert.deepEqual(others, []);
    assert.deepEqual(patient?.identifier, [{ system: 'urn:oid:1.2', value: 'SAMPLE-0001' }]);
    assert.deepEqual([patient?.birthDate, patient?.gender], ['1951-02-28', 'male']);
    assert.deepEqual(patient?.name, [{ text: 'Ägidius Müßiggang', family: 'Müßiggang', given: ['Ägidius'] }]);
    const [order] = all<ServiceRequest>('ServiceRequest');
    assert.equal(order?.identifier?.[0]?.value, 'A-4711');
    assert.deepEqual(first, { patient: `Patient/${patient?.id}`, serviceRequest: `ServiceRequest/${order?.id}` });
  });

  test('WR-FHIR-23 one number of two issuers is two patients', async () => {
    const { record, all } = setUp();
    await record.match({ ...without('accessionNumber'), requests: [], issuerOfPatientId: 'ONE' }, signal);
    await record.match({ ...without('accessionNumber'), requests: [], issuerOfPatientId: 'TWO' }, signal);
    await record.match({ ...without('accessionNumber', 'issuerOfPatientId'), requests: [] }, signal);
    assert.equal(all('Patient').length, 3);
  });

  test('WR-FHIR-23 images without a Patient ID never share a patient', async () => {
    const { record, all } = setUp();
    const anonymous = { ...without('patientId', 'accessionNumber'), requests: [] };
    const one = await record.match(anonymous, signal);
    const two = await record.match(
      { ...anonymous, studyInstanceUid: sampleVolume({ name: 'two' }).studyInstanceUid },
      signal,
    );
    assert.notDeepEqual(one, two);
    assert.equal(all('Patient').length, 2);
    assert.deepEqual(await record.match(anonymous, signal), one);
  });

  test('WR-FHIR-07 one number with two birth dates holds the second study', async () => {
    const { record, all } = setUp();
    await record.match(header, signal);
    const other = await record.match({ ...header, patientBirthDate: '19600101' }, signal);
    assert.equal(isSkipped(other) && other.skipped.code, 'patient-mismatch');
    assert.equal(all('Patient').length, 1);
  });
});
