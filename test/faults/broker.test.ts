/** Faults of RabbitMQ and of its messages; minutes, because a broker starts in seconds and a thousand studies are read. */
import { describe, test } from 'node:test';
import { BROKER_ROWS, MESSAGE_ROWS, THOUSAND_ROWS } from './broker-rows.ts';
import { BROKER } from './matrix.ts';

describe('faults: RabbitMQ', { skip: BROKER.skip }, () => {
  test('WR-FLT-06 the broker fails', (t) => BROKER.test(t, BROKER_ROWS));
  test('WR-FLT-06 messages are repeated, early, poison, large', (t) => BROKER.test(t, MESSAGE_ROWS));
  test('WR-FLT-11 a thousand studies arrive while Wetread is down', (t) => BROKER.test(t, THOUSAND_ROWS));
});
