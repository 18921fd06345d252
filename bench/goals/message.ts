/** G8, its last part: what a message costs more than the row that it leads to. */
import { rabbitmqSource } from '../../adapters/rabbitmq/study-arrived-source.ts';
import { EVENTS_EXCHANGE, prepareArrivals } from '../../adapters/rabbitmq/topology.ts';
import { startRabbitmq, withoutRabbitmq } from '../../test/support/rabbitmq.ts';
import { type Context, unanswered } from '../harness/context.ts';
import { type Sample, timed } from '../harness/processor-time.ts';
import { median } from '../harness/statistics.ts';
import type { Question } from '../harness/verdict.ts';
import { Notices } from './notices.ts';

const PORT = 25_380;
const MESSAGES = 100;
const DIRECT = 'hint committed, SQLite';
const MESSAGE = 'message published to hint committed, SQLite';
const ARRIVALS = { queue: 'bench.study-arrived.v1', exchange: EVENTS_EXCHANGE, routingKey: 'bench.study.arrived' };
const RETRY_DELAYS_MS = [10_000];

const QUESTION: Question = {
  goal: 'G8',
  title: 'what RabbitMQ adds to a committed hint',
  target: { kind: 'at-most', value: 3 },
  unit: 'ms',
  measure: (samples) => samples[MESSAGE]!.wallMs - samples[DIRECT]!.wallMs,
};

export async function message({ bench }: Context): Promise<void> {
  if (withoutRabbitmq !== false) return bench.add(unanswered(QUESTION, 'limit-missing', withoutRabbitmq));
  await using stack = new AsyncDisposableStack();
  const broker = stack.use(await startRabbitmq(PORT));
  const { channel } = stack.use(await broker.channel());
  await prepareArrivals(channel, ARRIVALS, RETRY_DELAYS_MS, 'declare');
  const notices = stack.use(new Notices());
  let committed: () => void = () => {};
  const source = rabbitmqSource({
    name: 'bench',
    broker: { url: broker.url },
    arrivals: ARRIVALS,
    topology: 'check',
    prefetch: 1,
    retryDelaysMs: RETRY_DELAYS_MS,
    log: { write: () => {} },
  });
  const stopping = new AbortController();
  const running = source.run(async (hint) => {
    await notices.commit(hint.studyInstanceUid);
    committed();
  }, stopping.signal);
  stack.defer(async () => {
    stopping.abort();
    await running;
  });
  const throughBroker = (): Promise<void> =>
    new Promise((resolve) => {
      committed = resolve;
      const body = JSON.stringify({ studyInstanceUid: notices.next() });
      channel.publish(EVENTS_EXCHANGE, ARRIVALS.routingKey, Buffer.from(body), { persistent: true });
    });
  await bench.compare(
    [QUESTION],
    [
      { name: DIRECT, role: 'limit', run: () => repeated(() => notices.commit(notices.next())) },
      { name: MESSAGE, role: 'product', run: () => repeated(throughBroker) },
    ],
  );
}

async function repeated(work: () => Promise<void>): Promise<Sample> {
  const samples: Sample[] = [];
  for (let k = 0; k < MESSAGES; k++) samples.push(await timed(work));
  return { wallMs: median(samples.map((s) => s.wallMs)), cpuMs: median(samples.map((s) => s.cpuMs)) };
}
