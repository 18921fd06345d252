/** Messages of a real RabbitMQ name studies; the broker and the reader of its messages are killed on the way. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ConfirmChannel, GetMessage, Options } from 'amqplib';
import { Broker } from '../../adapters/rabbitmq/broker.ts';
import { Sender } from '../../adapters/rabbitmq/sender.ts';
import { type RabbitmqSourceOptions, rabbitmqSource } from '../../adapters/rabbitmq/study-arrived-source.ts';
import { DEAD_QUEUE, EVENTS_EXCHANGE, prepareArrivals, retryQueue } from '../../adapters/rabbitmq/topology.ts';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type { LogEvent, SafeAttributes } from '../../src/log-events.ts';
import type { Clock } from '../../src/ports.ts';
import { nameBasedUid, type StudyInstanceUid } from '../../src/uid.ts';
import { Conditions } from '../support/conditions.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { type Rabbitmq, startRabbitmq, type TestChannel, withoutRabbitmq } from '../support/rabbitmq.ts';

const PORT = 22_000;
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const clock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() };

const study = (name: string | number): StudyInstanceUid => nameBasedUid('rabbitmq test', String(name));

/** A source that runs until it is stopped, and what it has said. */
class Run implements AsyncDisposable {
  readonly hints: StudyHint[] = [];
  readonly logged: [LogEvent, SafeAttributes][] = [];
  readonly #conditions = new Conditions();
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;

  constructor(options: Partial<RabbitmqSourceOptions>, commit: (hint: StudyHint) => Promise<void> = async () => {}) {
    const write = (event: LogEvent, attributes: SafeAttributes): void => {
      this.logged.push([event, attributes]);
      this.#conditions.changed();
    };
    const source = rabbitmqSource({
      name: 'rabbitmq',
      broker: { url: broker.url },
      arrivals: ARRIVALS,
      topology: 'declare',
      prefetch: 8,
      retryDelaysMs: RETRY_DELAYS_MS,
      log: { write },
      ...options,
    });
    this.#ended = source.run(async (hint) => {
      await commit(hint);
      this.hints.push(hint);
      this.#conditions.changed();
    }, this.#stopping.signal);
  }

  until(condition: () => boolean): Promise<void> {
    return this.#conditions.until(condition);
  }

  named(...studies: readonly StudyInstanceUid[]): Promise<void> {
    return this.until(() => studies.every((uid) => this.times(uid) > 0));
  }

  times(uid: StudyInstanceUid): number {
    return this.hints.filter(({ studyInstanceUid }) => studyInstanceUid === uid).length;
  }

  told(event: LogEvent, errorCode?: string): Promise<void> {
    return this.until(() =>
      this.logged.some(([written, about]) => written === event && (errorCode ?? about.errorCode) === about.errorCode),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new WetreadError('timeout', 'Wetread is stopping'));
    await this.#ended;
  }
}

const RETRY_DELAYS_MS = [300, 900];
const ARRIVALS = { queue: 'wetread.study-arrived.v1', exchange: EVENTS_EXCHANGE, routingKey: 'study.arrived.v1' };
let broker: Rabbitmq;

async function publish(
  { channel }: TestChannel,
  body: object | string | Buffer,
  properties: Options.Publish = {},
): Promise<void> {
  const content = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  await new Promise<void>((resolve, reject) => {
    channel.publish(EVENTS_EXCHANGE, ARRIVALS.routingKey, content, { persistent: true, ...properties }, (error) => {
      if (error === null) resolve();
      else reject(new Error('not confirmed'));
    });
  });
}

/** Resolves with what lies in a queue once so many messages do; they are taken out. */
async function taken({ channel }: TestChannel, queue: string, count: number): Promise<readonly GetMessage[]> {
  const messages: GetMessage[] = [];
  while (messages.length < count) {
    const message = await channel.get(queue, { noAck: true });
    if (message === false) await new Promise((resolve) => setTimeout(resolve, 20));
    else messages.push(message);
  }
  return messages;
}

async function forget({ channel }: TestChannel): Promise<void> {
  const queues = [ARRIVALS.queue, DEAD_QUEUE, ...RETRY_DELAYS_MS.map((delay) => retryQueue(ARRIVALS, delay))];
  for (const queue of queues) await channel.deleteQueue(queue);
}

describe('RabbitMQ', { skip: withoutRabbitmq }, () => {
  before(async () => {
    broker = await startRabbitmq(PORT);
  });
  after(() => broker?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    await using operator = await broker.channel();
    await forget(operator);
    await prepareArrivals(operator.channel, ARRIVALS, RETRY_DELAYS_MS, 'declare');
  });

  test('WR-AMQ-01 a message names its study, and its trace goes on', async () => {
    await using sender = await broker.channel();
    await using run = new Run({});
    await publish(sender, { studyInstanceUid: study(1), expectedInstances: 12, priority: 'stat', complete: true });
    await publish(sender, { studyInstanceUid: study(2) }, { headers: { traceparent: TRACEPARENT } });
    await run.named(study(1), study(2));
    assert.deepEqual(
      run.hints.toSorted((a, b) => Number('traceparent' in a) - Number('traceparent' in b)),
      [
        { studyInstanceUid: study(1), rung: 'source-says', expectedInstances: 12, priority: 'stat' },
        { studyInstanceUid: study(2), traceparent: TRACEPARENT },
      ],
    );
  });

  test('WR-AMQ-02 a reader that is killed before the row is committed loses nothing: the message comes again', async () => {
    await using folder = new TemporaryFolder();
    await using sender = await broker.channel();
    await publish(sender, { studyInstanceUid: study('killed before') });
    const ledger = await killedReader(folder.path, 'before');
    assert.equal(await ledger.get(study('killed before')), undefined);
    await using run = new Run({});
    await run.named(study('killed before'));
  });

  test('WR-AMQ-02 a reader that is killed between the row and the answer leaves both: the message is answered later', async () => {
    await using folder = new TemporaryFolder();
    await using sender = await broker.channel();
    await publish(sender, { studyInstanceUid: study('killed after') });
    const ledger = await killedReader(folder.path, 'after');
    assert.equal((await ledger.get(study('killed after')))?.state, 'settling');
    await using run = new Run({}, (hint) => ledger.notice({ ...hint, source: 'rabbitmq', receivedAt: now() }, now()));
    await run.named(study('killed after'));
    assert.equal((await ledger.list()).length, 1);
    await empty(sender, ARRIVALS.queue);
  });

  test('WR-AMQ-04 1,000 messages that came while nobody read are read, in any order and some twice', async () => {
    await using folder = new TemporaryFolder();
    using ledger = sqliteLedger({ file: join(folder.path, 'ledger.sqlite'), clock });
    await using sender = await broker.channel();
    const studies = Array.from({ length: 1000 }, (_, index) => study(`waits ${index}`));
    const shuffled = studies.toSorted();
    await Promise.all([...shuffled, ...shuffled.slice(0, 50)].map((uid) => publish(sender, { studyInstanceUid: uid })));
    await using run = new Run({}, (hint) => ledger.notice({ ...hint, source: 'rabbitmq', receivedAt: now() }, now()));
    await run.until(() => run.hints.length >= 1050);
    assert.equal((await ledger.list()).length, 1000);
    await empty(sender, ARRIVALS.queue);
  });

  test('WR-AMQ-05 a message that cannot be read is set aside with the reason and stops nothing behind it', async () => {
    await using sender = await broker.channel();
    const tooLarge = Buffer.from(
      JSON.stringify({ studyInstanceUid: study('large'), patientName: 'x'.repeat(10_000_000) }),
    );
    const poison: [string | object | Buffer, string][] = [
      ['not JSON: DOE^JANE', 'message-invalid'],
      [Buffer.from([0xff, 0xfe, 0x00]), 'message-invalid'],
      [{ patientName: 'DOE^JANE' }, 'message-invalid'],
      [{ studyInstanceUid: '1.02.3' }, 'message-invalid'],
      [{ studyInstanceUid: study(1), priority: 'whenever' }, 'message-invalid'],
      [{ studyInstanceUid: study(1), patientName: 'DOE^JANE' }, 'message-invalid'],
      [tooLarge, 'message-too-large'],
      ['', 'message-invalid'],
    ];
    for (const [body] of poison)
      await publish(sender, body, { messageId: 'id of the sender', headers: { site: 'north' } });
    await publish(sender, { studyInstanceUid: study('behind') });
    await using run = new Run({ prefetch: 1 });
    await run.named(study('behind'));
    const dead = await taken(sender, DEAD_QUEUE, poison.length);
    const reasons = dead.map(({ properties }) => String(properties.headers?.['x-wetread-reason']).split(':')[0]);
    assert.deepEqual(
      reasons,
      poison.map(([, reason]) => reason),
    );
    assert.ok(dead[6]!.content.equals(tooLarge), 'it is kept as it came');
    assert.deepEqual(
      [dead[0]!.properties.messageId, dead[0]!.properties.headers?.['site']],
      ['id of the sender', 'north'],
    );
    const refused = run.logged.filter(([event]) => event === 'message-refused');
    assert.deepEqual(
      refused.map(([, { reason }]) => reason),
      reasons,
    );
    const said = JSON.stringify([run.logged, dead.map(({ properties }) => properties.headers)]);
    assert.ok(!said.includes('DOE'), 'nothing of the message is repeated');
    assert.deepEqual(run.hints, [{ studyInstanceUid: study('behind') }]);
    await empty(sender, ARRIVALS.queue);
  });

  test('WR-AMQ-05 headers that cannot be sent on: the broker itself sets the message aside', async () => {
    await using sender = await broker.channel();
    const headers = { first: 'x'.repeat(40_000), second: 'y'.repeat(24_000) };
    await publish(sender, 'not JSON', { headers });
    await publish(sender, { studyInstanceUid: study('behind headers') });
    await using run = new Run({ prefetch: 1 });
    await run.named(study('behind headers'));
    const [dead] = await taken(sender, DEAD_QUEUE, 1);
    assert.equal(dead!.content.toString(), 'not JSON');
  });

  test('WR-AMQ-06 a ledger that is down sends a message back with growing delays; nothing is lost and others pass', async () => {
    await using sender = await broker.channel();
    const down = study('ledger down');
    let tries = 0;
    await using run = new Run({ prefetch: 1 }, async ({ studyInstanceUid }) => {
      if (studyInstanceUid !== down) return;
      tries += 1;
      if (tries <= 3) throw new WetreadError('ledger-unreachable', 'The ledger is down');
    });
    await publish(sender, { studyInstanceUid: down }, { messageId: 'one', headers: { traceparent: TRACEPARENT } });
    await publish(sender, { studyInstanceUid: study('passes') });
    await run.named(study('passes'));
    assert.equal(run.times(down), 0);
    await run.named(down);
    const faults = run.logged.filter(([event]) => event === 'source-fault').map(([, about]) => about);
    assert.deepEqual(
      faults.map(({ errorCode, attempt, durationMs }) => [errorCode, attempt, durationMs]),
      [
        ['ledger-unreachable', 1, 300],
        ['ledger-unreachable', 2, 900],
        ['ledger-unreachable', 3, 900],
      ],
    );
    assert.equal(run.hints.at(-1)?.traceparent, TRACEPARENT, 'the trace goes on after the delays');
    await run.told('source-recovered');
  });

  test('WR-AMQ-08 queues that are only checked: what is missing is told, and used once an operator has made it', async () => {
    await using operator = await broker.channel();
    await forget(operator);
    await using run = new Run({ topology: 'check' });
    await run.told('source-fault', 'broker-refused');
    await prepareArrivals(operator.channel, ARRIVALS, RETRY_DELAYS_MS, 'declare');
    await run.told('source-recovered');
    await publish(operator, { studyInstanceUid: study('checked') });
    await run.named(study('checked'));
  });

  test('WR-AMQ-08 a queue that was made with other properties is told and left alone', async () => {
    await using operator = await broker.channel();
    await operator.channel.deleteQueue(ARRIVALS.queue);
    await operator.channel.assertQueue(ARRIVALS.queue, { durable: true });
    await using run = new Run({});
    await run.told('source-fault', 'broker-refused');
    await operator.channel.checkQueue(ARRIVALS.queue);
  });

  test('WR-AMQ-08 a queue that is deleted while it is read is made anew', async () => {
    await using sender = await broker.channel();
    await using run = new Run({});
    await publish(sender, { studyInstanceUid: study('before the deletion') });
    await run.named(study('before the deletion'));
    await sender.channel.deleteQueue(ARRIVALS.queue);
    await publishThroughFaults([study('after the deletion')]);
    await run.named(study('after the deletion'));
  });

  test('WR-AMQ-08 a channel that the broker closes for a protocol error is made anew', async () => {
    const channels: ConfirmChannel[] = [];
    const again = Promise.withResolvers<void>();
    await using _broker = new Broker(
      { url: broker.url },
      {
        setup: async (channel) => {
          channels.push(channel);
          if (channels.length === 1) channel.checkQueue('no such queue').catch(() => {});
          else again.resolve();
        },
        onFault: () => {},
      },
    );
    await again.promise;
    await channels[1]!.checkQueue(ARRIVALS.queue);
  });
});

function now(): string {
  return new Date().toISOString();
}

/** Starts a reader, kills it at the moment, and opens the ledger that it leaves. */
async function killedReader(folder: string, moment: 'before' | 'after'): Promise<ReturnType<typeof sqliteLedger>> {
  const file = join(folder, 'ledger.sqlite');
  const script = join(import.meta.dirname, '..', 'support', 'rabbitmq-consumer.ts');
  const child = spawn(process.execPath, [script, broker.url, file, moment], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  return sqliteLedger({ file, clock });
}

/** A sender as it should be: every message again until the broker has it in a queue. */
async function publishThroughFaults(studies: readonly StudyInstanceUid[]): Promise<void> {
  const { exchange, routingKey } = ARRIVALS;
  let connection: TestChannel | undefined;
  let sender: Sender | undefined;
  for (const uid of studies) {
    const content = Buffer.from(JSON.stringify({ studyInstanceUid: uid }));
    for (let sent = false; !sent; ) {
      try {
        connection ??= await broker.channel();
        sender ??= new Sender(connection.channel);
        await sender.send({ exchange, routingKey, content, properties: {} }, AbortSignal.timeout(5000));
        sent = true;
      } catch {
        connection = sender = undefined;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
  await connection?.[Symbol.asyncDispose]();
}

/** Resolves when nothing waits in a queue, answered or not. */
async function empty({ channel }: TestChannel, queue: string): Promise<void> {
  for (;;) {
    const { messageCount } = await channel.checkQueue(queue);
    if (messageCount === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
