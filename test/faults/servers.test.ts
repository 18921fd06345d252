/** Faults of real servers; minutes, because servers die and start, and retries take seconds. */
import { describe, test } from 'node:test';
import { SERVERS } from './matrix.ts';
import {
  ARCHIVE_ROWS,
  ARRIVAL_ROWS,
  DATABASE_ROWS,
  INFERENCE_SERVICE_ROWS,
  RECORD_ROWS,
  REPLICA_ROWS,
  WRITEBACK_ROWS,
} from './server-rows.ts';

describe('faults: real servers', { skip: SERVERS.skip }, () => {
  test('WR-FLT-01 Wetread is killed while it stores and files', (t) => SERVERS.test(t, WRITEBACK_ROWS));
  test('WR-FLT-03 the archive fails', (t) => SERVERS.test(t, ARCHIVE_ROWS));
  test('WR-FLT-04 the FHIR server fails', (t) => SERVERS.test(t, RECORD_ROWS));
  test('WR-FLT-05 the database fails', (t) => SERVERS.test(t, DATABASE_ROWS));
  test('WR-FLT-02 the inference service fails', (t) => SERVERS.test(t, INFERENCE_SERVICE_ROWS));
  test('WR-FLT-10 replicas share the work, also when one fails', (t) => SERVERS.test(t, REPLICA_ROWS));
  test('WR-FLT-08 studies arrive while Wetread is down, or piece by piece', (t) => SERVERS.test(t, ARRIVAL_ROWS));
});
