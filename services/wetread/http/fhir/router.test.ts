import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import express from 'express';
import type { Bundle, CapabilityStatement, FhirResource, OperationOutcome } from 'fhir/r4.js';
import request from 'supertest';
import { isResourceType, RESOURCE_TYPES } from '../../../../adapters/local-fhir/search-parameters.ts';
import { localFhirStore } from '../../../../adapters/local-fhir/store.ts';
import { dataPath, withoutTestData } from '../../../../test/support/test-data.ts';
import { fhirRouter } from './router.ts';

const store = localFhirStore({ file: ':memory:', clock: { now: () => new Date('2026-03-14T15:09:26.535Z') } });
const app = express().use('/fhir', fhirRouter({ store }));
after(() => store.close());

function create(resource: FhirResource): string {
  const entry = [{ resource, request: { method: 'POST' as const, url: resource.resourceType } }];
  const answer = store.transaction({ resourceType: 'Bundle', type: 'transaction', entry });
  return answer.entry?.[0]?.response?.location?.split('/_history/')[0] ?? '';
}

function send(method: 'PUT' | 'DELETE', url: string, resource?: FhirResource): void {
  const entry = [{ ...(resource === undefined ? {} : { resource }), request: { method, url } }];
  store.transaction({ resourceType: 'Bundle', type: 'transaction', entry });
}

const patient = create({ resourceType: 'Patient', identifier: [{ system: 'urn:oid:1.2', value: 'P|1' }] });
const stranger = create({ resourceType: 'Patient', identifier: [{ system: 'urn:oid:1.3', value: 'P|1' }] });
const observations = Array.from({ length: 5 }, (_, i) =>
  create({
    resourceType: 'Observation',
    status: i === 4 ? 'final' : 'preliminary',
    code: { coding: [{ system: 'http://loinc.org', code: `L-${i}` }] },
    category: [{ coding: [{ system: 'urn:category', code: 'imaging' }] }],
    subject: { reference: patient },
  }),
);

const search = async (path: string): Promise<Bundle> => {
  const response = await request(app).get(`/fhir/${path}`).expect(200);
  return response.body as Bundle;
};
const outcomeOf = (response: { body: unknown }): OperationOutcome => response.body as OperationOutcome;

describe('FHIR REST', () => {
  test('WR-FHIR-15 read gives the resource with its version and time in the headers', async () => {
    const response = await request(app).get(`/fhir/${patient}`).expect(200);
    assert.equal(response.headers['content-type'], 'application/fhir+json; charset=utf-8');
    assert.equal(response.headers['etag'], 'W/"1"');
    assert.equal(response.headers['last-modified'], 'Sat, 14 Mar 2026 15:09:26 GMT');
    assert.equal((response.body as FhirResource).meta?.versionId, '1');
    await request(app).get(`/fhir/${patient}`).set('If-None-Match', 'W/"1"').expect(304);
    await request(app).head(`/fhir/${patient}`).expect(200);
  });

  test('WR-FHIR-15 every version can be read; a deleted resource is 410, its history stays', async () => {
    const reference = create({ resourceType: 'Device', status: 'active' });
    send('PUT', reference, { resourceType: 'Device', status: 'inactive' });
    send('DELETE', reference);
    assert.equal(outcomeOf(await request(app).get(`/fhir/${reference}`).expect(410)).issue[0]?.code, 'deleted');
    const first = await request(app).get(`/fhir/${reference}/_history/1`).expect(200);
    assert.equal((first.body as { status: string }).status, 'active');
    await request(app).get(`/fhir/${reference}/_history/3`).expect(410);
    await request(app).get(`/fhir/${reference}/_history/4`).expect(404);
    const history = await search(`${reference}/_history`);
    assert.equal(history.type, 'history');
    assert.deepEqual(
      history.entry?.map((e) => e.request?.method),
      ['DELETE', 'PUT', 'POST'],
    );
    assert.equal((await search('Device?status=inactive')).total, 0);
  });

  test('WR-FHIR-15 what is not there, not held or not understood is an OperationOutcome', async () => {
    for (const [path, status, code] of [
      ['Patient/none', 404, 'not-found'],
      ['Patient/none/_history', 404, 'not-found'],
      ['Medication/1', 404, 'not-supported'],
      ['Patient/a/b/c/d', 404, 'not-found'],
      ['Patient?colour=red', 400, 'invalid'],
      ['Patient?identifier=', 400, 'invalid'],
      ['Patient?_lastUpdated=soon', 400, 'invalid'],
      ['Patient?_count=many', 400, 'value'],
      ['Patient/%E0%A4%A', 400, 'invalid'],
      ['Patient?_format=xml', 406, 'not-supported'],
    ] as const) {
      const response = await request(app).get(`/fhir/${path}`);
      assert.equal(response.status, status, path);
      assert.equal(outcomeOf(response).resourceType, 'OperationOutcome', path);
      assert.equal(outcomeOf(response).issue[0]?.code, code, path);
    }
  });

  test('WR-FHIR-15 nothing can be written: 405 with Allow', async () => {
    for (const method of ['post', 'put', 'patch', 'delete'] as const) {
      const response = await request(app)[method](`/fhir/${patient}`).send({});
      assert.equal(response.status, 405);
      assert.equal(response.headers['allow'], 'GET, HEAD');
      assert.equal(outcomeOf(response).resourceType, 'OperationOutcome');
    }
    await request(app).post('/fhir').send({}).expect(405);
    await request(app).post('/fhir/Patient').send({}).expect(405);
  });

  test('WR-FHIR-15 content negotiation', async () => {
    await request(app).get(`/fhir/${patient}`).set('Accept', 'application/fhir+xml').expect(406);
    await request(app).get(`/fhir/${patient}`).set('Accept', 'application/fhir+json; fhirVersion=4.0').expect(200);
    await request(app).get(`/fhir/${patient}`).set('Accept', 'text/html, */*;q=0.1').expect(200);
    await request(app).get(`/fhir/${patient}?_format=application/fhir+json`).set('Accept', 'text/xml').expect(200);
  });

  test('WR-FHIR-16 search by identifier tells systems apart and takes escapes', async () => {
    const found = await search(`Patient?identifier=${encodeURIComponent('urn:oid:1.2|P\\|1')}`);
    assert.equal(found.type, 'searchset');
    assert.deepEqual(
      found.entry?.map((e) => e.fullUrl?.replace(/^.*\/fhir\//, '')),
      [patient],
    );
    assert.equal((await search(`Patient?identifier=${encodeURIComponent('P\\|1')}`)).total, 2);
    assert.equal((await search(`Patient?identifier=${encodeURIComponent('urn:oid:1.2|')}`)).total, 1);
    assert.equal((await search(`Patient?identifier=${encodeURIComponent('|P\\|1')}`)).total, 0);
    assert.equal((await search('Patient?identifier=urn:oid:1.2%7CP')).total, 0);
  });

  test('WR-FHIR-16 search by subject, patient, status, code, category, _id, and their conjunction', async () => {
    const id = patient.split('/')[1];
    for (const [query, total] of [
      [`subject=${patient}`, 5],
      [`patient=${id}`, 5],
      [`patient=${encodeURIComponent(`http://other.example/fhir/${patient}`)}`, 5],
      [`subject=${stranger}`, 0],
      ['status=preliminary', 4],
      ['status=preliminary,final', 5],
      ['code=http://loinc.org%7CL-1', 1],
      ['code=L-1,L-2', 2],
      ['category=imaging&status=final', 1],
      ['status=final&status=preliminary', 0],
      [`_id=${observations[0]?.split('/')[1]},${observations[1]?.split('/')[1]}`, 2],
      ['_lastUpdated=2026-03-14', 5],
      ['_lastUpdated=ge2026-03&_lastUpdated=lt2027', 5],
      ['_lastUpdated=gt2026-03-14', 0],
      ['_lastUpdated=le2026-03-14T15:09:26Z', 5],
      ['_lastUpdated=lt2026-03-14T15:09:26.535Z', 0],
    ] as const)
      assert.equal((await search(`Observation?${query}`)).total, total, query);
  });

  test('WR-FHIR-16 pages by link, each match once, total on every page', async () => {
    const seen: string[] = [];
    let url: string | undefined = 'Observation?_count=2';
    while (url !== undefined) {
      const page: Bundle = await search(url);
      assert.equal(page.total, 5);
      seen.push(...(page.entry ?? []).map((e) => e.fullUrl?.replace(/^.*\/fhir\//, '') ?? ''));
      assert.match(
        page.link?.find((l) => l.relation === 'self')?.url ?? '',
        /\/fhir\/Observation\?_count=2&_offset=\d$/,
      );
      url = page.link?.find((l) => l.relation === 'next')?.url.replace(/^.*\/fhir\//, '');
    }
    assert.deepEqual(seen, observations);
    const counted = await search('Observation?_count=0');
    assert.deepEqual([counted.total, counted.entry], [5, undefined]);
  });

  test('WR-FHIR-16 a search by POST keeps identifiers out of the address', async () => {
    const response = await request(app)
      .post('/fhir/Patient/_search')
      .type('form')
      .send({ identifier: 'urn:oid:1.2|P\\|1' })
      .expect(200);
    assert.equal((response.body as Bundle).total, 1);
    await request(app).post('/fhir/Patient/_search').send({}).expect(415);
  });

  test('WR-FHIR-15 the CapabilityStatement lists what is served', async () => {
    const { body } = await request(app).get('/fhir/metadata').expect(200);
    const statement = body as CapabilityStatement;
    assert.equal(statement.fhirVersion, '4.0.1');
    const resources = statement.rest?.[0]?.resource ?? [];
    assert.deepEqual(
      resources.map((r) => r.type),
      [...RESOURCE_TYPES],
    );
    for (const { type, searchParam = [] } of resources)
      for (const { name } of searchParam) await search(`${type}?${name}=2026`);
  });

  test('WR-FHIR-16 published examples of the held types are kept as they are and found again', {
    skip: withoutTestData,
  }, async () => {
    const folder = dataPath('fhir-r4-examples');
    let stored = 0;
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
      const resource = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as FhirResource;
      if (!isResourceType(resource.resourceType)) continue;
      stored += 1;
      const reference = create(resource);
      const { body } = await request(app).get(`/fhir/${reference}`).expect(200);
      const { id: _id, meta: _meta, ...kept } = body as FhirResource;
      const { id: _original, meta: _originalMeta, ...original } = resource;
      assert.deepEqual(kept, original, file);
      const identifiers = (resource as { identifier?: { system?: string; value?: string }[] }).identifier ?? [];
      for (const { system = '', value } of [identifiers].flat()) {
        if (value === undefined) continue;
        const found = await search(`${resource.resourceType}?identifier=${encodeURIComponent(`${system}|${value}`)}`);
        assert.ok(
          found.entry?.some((e) => e.fullUrl?.endsWith(reference)),
          file,
        );
      }
    }
    assert.ok(stored > 10);
  });
});
