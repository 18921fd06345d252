import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WetreadError } from '../../src/errors.ts';
import { parseConfig } from './config.ts';

const complaintOf = (raw: unknown): string => {
  try {
    parseConfig(raw, 'site.yaml');
  } catch (error) {
    assert.ok(error instanceof WetreadError && error.code === 'config-invalid');
    return error.message;
  }
  return 'accepted';
};

test('WR-RUN-04 no file is needed: every key has a default', () => {
  const config = parseConfig(undefined);
  assert.equal(config.http.host, '127.0.0.1');
  assert.equal(config.archive.kind, 'directory');
  const { enabled, intervalSeconds, windowDays, sweepDays, sweepSeconds } = config.archive.polling;
  assert.deepEqual([enabled, intervalSeconds, windowDays, sweepDays, sweepSeconds], [true, 10, 2, 14, 600]);
  assert.equal(config.healthRecord.draftStatus, 'preliminary');
  assert.deepEqual(config.inference.providers, ['cpu']);
});

test('WR-RUN-04 a mistake names its key', () => {
  assert.match(complaintOf({ http: { port: 'many' } }), /site\.yaml: http\.port must be integer/);
  assert.match(complaintOf({ archiv: {} }), /unknown key 'archiv'/);
  assert.match(complaintOf({ healthRecord: { draftStatus: 'final' } }), /healthRecord\.draftStatus/);
  assert.match(complaintOf({ archive: { polling: { windowDays: 0 } } }), /archive\.polling\.windowDays must be >= 1/);
  assert.match(complaintOf({ archive: { kind: 'dicomweb' } }), /archive\.url must be a URL/);
  assert.match(complaintOf({ healthRecord: { kind: 'fhir', url: 'not a url' } }), /healthRecord\.url must be a URL/);
});
