/**
 * A consumer to be killed: `node rabbitmq-consumer.ts URL LEDGER MOMENT`. It says `here` and waits for its end either
 * `before` the row of the first study is committed, or `after` that and before the message is answered.
 */
import { rabbitmqSource } from '../../adapters/rabbitmq/study-arrived-source.ts';
import { EVENTS_EXCHANGE } from '../../adapters/rabbitmq/topology.ts';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';

const [url, file, moment] = process.argv.slice(2);
const ledger = sqliteLedger({ file: file!, clock: { now: () => new Date(), monotonicMs: () => performance.now() } });
const source = rabbitmqSource({
  name: 'rabbitmq',
  broker: { url: url! },
  arrivals: { queue: 'wetread.study-arrived.v1', exchange: EVENTS_EXCHANGE, routingKey: 'study.arrived.v1' },
  topology: 'declare',
  prefetch: 1,
  log: { write: () => {} },
});

await source.run(async (hint) => {
  const now = new Date().toISOString();
  if (moment === 'after') await ledger.notice({ ...hint, source: 'rabbitmq', receivedAt: now }, now);
  process.stdout.write('here\n');
  await new Promise(() => {});
}, new AbortController().signal);
