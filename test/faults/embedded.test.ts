/** Faults of a Wetread on its embedded parts; minutes, because processes die and start, and retries take seconds. */
import { describe, test } from 'node:test';
import { CLOCK_ROWS, DISK_ROWS, EVENT_ROWS, FROZEN_ROWS, INFERENCE_ROWS, KILLED_ROWS } from './embedded-rows.ts';
import { DISK, EMBEDDED } from './matrix.ts';

describe('faults: embedded parts', { skip: EMBEDDED.skip }, () => {
  test('WR-FLT-01 Wetread is killed before and after every stage', (t) => EMBEDDED.test(t, KILLED_ROWS));
  test('WR-FLT-02 the inference process dies and hangs', (t) => EMBEDDED.test(t, INFERENCE_ROWS));
  test('WR-FLT-08 senders and what they send', (t) => EMBEDDED.test(t, EVENT_ROWS));
  test('WR-FLT-07 clocks jump, and a process is frozen', (t) => EMBEDDED.test(t, [...FROZEN_ROWS, ...CLOCK_ROWS]));
});

describe('faults: a full disk', { skip: DISK.skip }, () => {
  test('WR-FLT-09 the disk is full', (t) => DISK.test(t, DISK_ROWS));
});
