/** Findings are announced on a real RabbitMQ, and a message leads to a draft of which a subscriber hears, in one trace. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { GetMessage } from 'amqplib';
import { readIdentity } from '../../adapters/part10/reader.ts';
import { RabbitmqPublisher } from '../../adapters/rabbitmq/findings-publisher.ts';
import { EVENTS_EXCHANGE, FINDINGS_READY_KEY } from '../../adapters/rabbitmq/topology.ts';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import { validateFindingsReadyMessage } from '../../contracts/generated/validators.js';
import { Relay } from '../../services/wetread/relay.ts';
import { WetreadError } from '../../src/errors.ts';
import type { LogEvent, SafeAttributes } from '../../src/log-events.ts';
import type { Clock, FindingsReady, Ledger, Tracer } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import { nameBasedUid, type StudyInstanceUid } from '../../src/uid.ts';
import { dicomwebServer, stow, stowBody } from '../support/dicomweb-server.ts';
import { datedToday, smallChest, TemporaryFolder } from '../support/phantom-studies.ts';
import { type Rabbitmq, startRabbitmq, type TestChannel, withoutRabbitmq } from '../support/rabbitmq.ts';
import { runWetread } from '../support/running-wetread.ts';

const PORTS = { broker: 22_010, pacs: 22_013 };
const SUBSCRIBER = 'test.findings.v1';
const clock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() };
let broker: Rabbitmq;

function event(name: string | number): FindingsReady {
  const studyInstanceUid = nameBasedUid<StudyInstanceUid>('findings test', String(name));
  return {
    eventId: `${studyInstanceUid}/1/2`,
    studyInstanceUid,
    revision: 1,
    filedAt: '2026-01-01T00:00:00.000Z',
    results: { objects: [], diagnosticReport: 'DiagnosticReport/1' },
  };
}

async function subscribe({ channel }: TestChannel): Promise<void> {
  await channel.assertExchange(EVENTS_EXCHANGE, 'topic', { durable: true });
  await channel.assertQueue(SUBSCRIBER, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  await channel.bindQueue(SUBSCRIBER, EVENTS_EXCHANGE, 'findings.ready.*');
}

async function next({ channel }: TestChannel): Promise<GetMessage> {
  for (;;) {
    const message = await channel.get(SUBSCRIBER, { noAck: true });
    if (message !== false) return message;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function publisher(): RabbitmqPublisher {
  return new RabbitmqPublisher({ broker: { url: broker.url }, topology: 'declare' });
}

function withCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof WetreadError && error.code === code;
}

const inSeconds = (seconds: number): AbortSignal => AbortSignal.timeout(seconds * 1000);

/** A ledger that has so many events to send, each study drafted and filed. */
async function filed(ledger: Ledger, count: number): Promise<readonly string[]> {
  const at = new Date().toISOString();
  for (let index = 0; index < count; index += 1) {
    const { studyInstanceUid, results } = event(index);
    await ledger.notice({ studyInstanceUid, source: 'test', receivedAt: at, rung: 'source-says' }, at);
    const look = await ledger.claim('worker', 60_000);
    await ledger.advance(look!, 'accept', { priority: 'routine' });
    const reading = await ledger.claim('worker', 60_000);
    await ledger.advance(reading!, 'draft');
    await ledger.advance(reading!, 'file', { results });
  }
  return (await ledger.list()).map(({ studyInstanceUid }) => studyInstanceUid).toSorted();
}

const tracer: Tracer = {
  span: (_name, _attributes, work) => work({ traceId: '', set: () => {} }),
  traceparent: () => undefined,
  document: async () => ({}),
};

describe('findings on RabbitMQ', { skip: withoutRabbitmq }, () => {
  before(async () => {
    broker = await startRabbitmq(PORTS.broker);
  });
  after(() => broker?.[Symbol.asyncDispose]());

  test('WR-AMQ-10 an event that no queue takes is not sent, and is told; once a queue is bound it arrives as the contract has it', async () => {
    await using subscriber = await broker.channel();
    await using sender = publisher();
    await assert.rejects(sender.publish(event('unroutable'), inSeconds(30)), withCode('event-unroutable'));
    await subscribe(subscriber);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await sender.publish({ ...event('routable'), traceparent }, inSeconds(30));
    const { content, properties, fields } = await next(subscriber);
    const body: unknown = JSON.parse(content.toString());
    assert.ok(validateFindingsReadyMessage(body));
    assert.deepEqual(body, event('routable'));
    assert.equal(fields.routingKey, FINDINGS_READY_KEY);
    assert.deepEqual(
      [properties.messageId, properties.contentType, properties.deliveryMode, properties.headers?.['traceparent']],
      [event('routable').eventId, 'application/json', 2, traceparent],
    );
  });

  test('WR-AMQ-11 the broker is killed while events leave: each arrives, and those that are marked as sent have', async () => {
    await using folder = new TemporaryFolder();
    using ledger = sqliteLedger({ file: join(folder.path, 'ledger.sqlite'), clock, announces: true });
    await using subscriber = await broker.channel();
    await subscribe(subscriber);
    const studies = await filed(ledger, 120);
    const logged: [LogEvent, SafeAttributes][] = [];
    const failed = Promise.withResolvers<void>();
    const write = (name: LogEvent, about: SafeAttributes): void => {
      logged.push([name, about]);
      if (name === 'event-fault') failed.resolve();
    };
    await broker.kill();
    await using sender = publisher();
    await using _relay = new Relay({ ports: { ledger, tracer, log: { write } }, publisher: sender });
    await failed.promise;
    await broker.start();
    await using again = await broker.channel();
    const heard = new Set<string>();
    while (heard.size < studies.length) {
      const message = await next(again);
      heard.add((JSON.parse(message.content.toString()) as FindingsReady).studyInstanceUid);
    }
    assert.deepEqual([...heard].toSorted(), studies);
    while (logged.filter(([name]) => name === 'event-sent').length < studies.length) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual(await ledger.takeOutgoing(10, 1), []);
  });

  test('WR-AMQ-12 a message leads to a draft, and a subscriber hears of it, in one trace', async () => {
    const files = datedToday(smallChest());
    const identity = readIdentity(files[0]!);
    assert.ok(!isSkipped(identity));
    await using pacs = await dicomwebServer({ port: PORTS.pacs });
    assert.equal((await stow(pacs.url, stowBody(...files))).status, 200);
    await using test = await broker.channel();
    await subscribe(test);
    await using running = await runWetread({
      archive: { kind: 'dicomweb', url: pacs.url, polling: { enabled: false } },
      rabbitmq: { url: broker.url, findingsReady: true },
    });
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const { studyInstanceUid } = identity;
    const content = Buffer.from(
      JSON.stringify({ studyInstanceUid, expectedInstances: files.length, priority: 'stat' }),
    );
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    // The queue is there as soon as Wetread has connected; until then the message is returned.
    const routed = async (): Promise<boolean> => {
      let returned = false;
      test.channel.once('return', () => {
        returned = true;
      });
      test.channel.publish(EVENTS_EXCHANGE, 'study.arrived.v1', content, { mandatory: true, headers });
      await test.channel.waitForConfirms();
      return !returned;
    };
    while (!(await routed())) await new Promise((resolve) => setTimeout(resolve, 100));
    const message = await next(test);
    const body = JSON.parse(message.content.toString()) as FindingsReady;
    const record = await running.wetread.ports.ledger.get(studyInstanceUid);
    assert.equal(record?.state, 'filed');
    assert.deepEqual(
      [record.source, record.priority, record.completeness?.rung],
      ['rabbitmq', 'stat', 'expected-reached'],
    );
    assert.equal(record.traceId, traceId);
    assert.equal(String(message.properties.headers?.['traceparent']).split('-')[1], traceId);
    assert.deepEqual(body.results, record.results);
    assert.ok(body.results.objects.length > 0);
  });
});
