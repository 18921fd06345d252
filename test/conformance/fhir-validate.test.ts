/** What Wetread writes and serves, judged by HAPI's validator against FHIR R4 (structure, invariants, required codes). */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import express from 'express';
import type { FhirResource } from 'fhir/r4.js';
import request from 'supertest';
import { localHealthRecord } from '../../adapters/local-fhir/health-record.ts';
import { RESOURCE_TYPES } from '../../adapters/local-fhir/search-parameters.ts';
import { localFhirStore } from '../../adapters/local-fhir/store.ts';
import { fhirRouter } from '../../services/wetread/http/fhir/router.ts';
import { code } from '../../src/codes.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { Report } from '../../src/reporting/report.ts';
import { reportTransaction } from '../../src/writeback/fhir.ts';
import type { Bundle, TransactionInput } from '../../src/writeback/fhir-transaction.ts';
import {
  type FhirValidator,
  fhirValidator,
  isKnownMessage,
  type ValidationMessage,
} from '../support/fhir-validator.ts';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../support/sample-report.ts';

const validator = await fhirValidator();
const skip = typeof validator === 'string' ? validator : false;
if (skip !== false) process.stderr.write(`\n*** ${skip} ***\n`);
const tool = validator as FhirValidator;

const volume = sampleVolume();
const sample = sampleReport(sampleSegmentation(volume));
const header = sampleStudyHeader(volume);

function transaction(changes: Partial<TransactionInput> = {}): Bundle {
  return reportTransaction({
    report: sample,
    study: header,
    match: { patient: 'Patient/p1', serviceRequest: 'ServiceRequest/s1' },
    objects: [],
    draftStatus: 'preliminary',
    software: sample.provenance.software,
    modalities: new Map([[volume.seriesInstanceUid, 'CT']]),
    numberOfSeries: 2,
    numberOfInstances: 12,
    naming: { issuers: {}, accessionIdentifierSystem: 'urn:oid:2.999.1.2' },
    ...changes,
  });
}

/** Findings with presence, probability and a value that failed, about a study that says little. */
function bare(): Bundle {
  const [reading] = sample.readings;
  const [first] = reading.findings;
  const failed = { qualifier: code('114006', 'DCM', 'Measurement failure') };
  const measurements = first!.measurements.map(({ value: _value, ...rest }) => ({ ...rest, ...failed }));
  const finding = { ...first!, presence: 'absent' as const, probability: 0.02, measurements };
  const { studyInstanceUid, requests } = header;
  const report = { ...sample, readings: [{ ...reading, findings: [finding] }] } satisfies Report;
  const match = { patient: 'Patient/p1' };
  const study = { studyInstanceUid, requests };
  return transaction({ report, study, match, modalities: new Map(), draftStatus: 'partial' });
}

async function served(): Promise<Record<string, object>> {
  const store = localFhirStore({ file: ':memory:', clock: { now: () => new Date('2026-03-14T15:09:26.535Z') } });
  const record = localHealthRecord(store, { issuers: {} });
  const signal = new AbortController().signal;
  const match = await record.match(header, signal);
  assert.ok(!isSkipped(match));
  const filed = await record.file(transaction({ match }), signal);
  assert.ok(!isSkipped(filed));
  const app = express().use('/fhir', fhirRouter({ store }));
  const get = async (path: string): Promise<object> => (await request(app).get(`/fhir/${path}`)).body as object;
  const answers: Record<string, object> = {
    capabilities: await get('metadata'),
    history: await get(`${filed.reference}/_history`),
    refusal: await get('Medication/1'),
    nothing: await get('Device?identifier=none'),
  };
  for (const type of RESOURCE_TYPES) answers[`search-${type}`] = await get(`${type}?_count=100`);
  store.close();
  return answers;
}

/** A resource of the transaction with one fault. */
function broken(type: FhirResource['resourceType'], fault: (resource: Record<string, unknown>) => void): object {
  const resource = transaction().entry?.find((e) => e.resource?.resourceType === type)?.resource;
  const copy = structuredClone(resource) as unknown as Record<string, unknown>;
  fault(copy);
  return copy;
}

const FAULTS = {
  status: broken('DiagnosticReport', (r) => {
    r['status'] = 'draft';
  }),
  code: broken('DiagnosticReport', (r) => {
    delete r['code'];
  }),
  hash: broken('DiagnosticReport', (r) => {
    (r['presentedForm'] as { hash: string }[])[0]!.hash = btoa('x'.repeat(20));
  }),
  absent: broken('Observation', (r) => {
    r['dataAbsentReason'] = { text: 'why' };
  }),
  instant: broken('Provenance', (r) => {
    r['recorded'] = '2026-03-14';
  }),
};

describe('FHIR R4 validation by HAPI', { skip }, () => {
  let messages: readonly ValidationMessage[] = [];
  // One Java process for all: its start is most of the time.
  before(async () => {
    messages = await tool.validate({ transaction: transaction(), bare: bare(), ...(await served()), ...FAULTS });
  });

  test('WR-FHIR-17 what is written and what is served is valid', () => {
    const against = messages.filter((m) => !(m.name in FAULTS) && m.severity !== 'INFORMATION' && !isKnownMessage(m));
    assert.deepEqual(against, []);
    for (const name of ['transaction', 'bare', 'search-DiagnosticReport'])
      assert.ok(
        messages.some((m) => m.name === name),
        `${name} was looked at`,
      );
  });

  for (const name of Object.keys(FAULTS))
    test(`WR-FHIR-17 the validator can refuse: ${name}`, () => {
      assert.ok(messages.some((m) => m.name === name && m.severity === 'ERROR' && !isKnownMessage(m)));
    });
});
