/** Wetread that RabbitMQ tells of studies in Orthanc; ledger, inference and health record are embedded. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConfirmChannel, Message } from 'amqplib';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import { faultyProxy } from '../support/faulty-proxy.ts';
import { writeNullModel } from '../support/null-model.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { type Rabbitmq, startRabbitmq, type TestChannel } from '../support/rabbitmq.ts';
import type { TinyStudy } from '../support/tiny-studies.ts';
import { commonConfig, systemClock } from './embedded-site.ts';
import { countResults, type FaultyServer, type Site, studiesOfInstances, studiesOfReports } from './site.ts';
import { WetreadProcess } from './wetread-process.ts';

export interface BrokerSite extends Site {
  /** Stores the images in the archive, once, and tells nobody. */
  store(study: TinyStudy): Promise<void>;
  /** Publishes a message; resolves when the broker has it in a queue. */
  publish(message: Uint8Array): Promise<void>;
}

/** Sixteen ports from this one on are used. */
const OFFSETS = { wetread: 0, orthanc: 2, dicom: 3, rabbitmq: 4, proxy: 10 };
const EXCHANGE = 'wetread.events';
const QUEUE = 'wetread.study-arrived.v1';
const ROUTING_KEY = 'study.arrived.v1';
const PUBLISH_LIMIT_MS = 5000;

export async function brokerSite(port: number): Promise<BrokerSite> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(new TemporaryFolder());
  const ports = { httpPort: port + OFFSETS.orthanc, dicomPort: port + OFFSETS.dicom };
  const orthanc = stack.use(await startOrthanc(ports));
  const rabbitmq = stack.use(await startRabbitmq(port + OFFSETS.rabbitmq));
  const proxy = stack.use(await faultyProxy(port + OFFSETS.proxy, port + OFFSETS.rabbitmq));
  const sender = stack.use(new MessageSender(rabbitmq));
  const configFile = join(folder.path, 'wetread.json');
  const dataDirectory = join(folder.path, 'data');
  const config = {
    ...commonConfig(port + OFFSETS.wetread, [await writeNullModel(folder.path)]),
    dataDirectory,
    archive: { kind: 'dicomweb', url: `${orthanc.url}/dicom-web`, polling: { enabled: false } },
    rabbitmq: { url: `amqp://127.0.0.1:${proxy.port}` },
  };
  writeFileSync(configFile, JSON.stringify(config));
  const wetread = stack.use(new WetreadProcess(configFile));
  await wetread.start();
  // A server is ready before it has made its queues.
  await untilTaking(rabbitmq);
  const broker: FaultyServer = {
    proxy,
    kill: () => rabbitmq.kill(),
    start: () => rabbitmq.start().then(() => untilTaking(rabbitmq)),
  };
  const store = imagesOnce(orthanc.url);
  const owned = stack.move();
  return {
    wetread,
    servers: { broker },
    store,
    publish: (message) => sender.send(message),
    async deliver(study) {
      await store(study);
      await sender.send(Buffer.from(JSON.stringify({ studyInstanceUid: study.studyInstanceUid })));
    },
    entries: async () => {
      using ledger = sqliteLedger({ file: join(dataDirectory, 'ledger.sqlite'), clock: systemClock });
      return await ledger.list();
    },
    results: async () => {
      const dicomweb = `${orthanc.url}/dicom-web`;
      const [sr, seg] = [await studiesOfInstances(dicomweb, 'SR'), await studiesOfInstances(dicomweb, 'SEG')];
      return countResults({ sr, seg }, await studiesOfReports(`http://127.0.0.1:${port + OFFSETS.wetread}/fhir`));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function imagesOnce(orthancUrl: string): (study: TinyStudy) => Promise<void> {
  const stored = new Set<string>();
  return async ({ studyInstanceUid, files }) => {
    if (stored.has(studyInstanceUid)) return;
    for (const file of files) {
      const { ok } = await fetch(`${orthancUrl}/instances`, { method: 'POST', body: Buffer.from(file) });
      if (!ok) throw new Error('Orthanc took no instance');
    }
    stored.add(studyInstanceUid);
  };
}

/** Resolves when the queue is there, and gives and takes messages. */
async function untilTaking(rabbitmq: Rabbitmq): Promise<void> {
  for (;;) {
    const works = isTaking(rabbitmq).catch(() => false);
    if (await Promise.race([works, sleep(PUBLISH_LIMIT_MS, false)])) return;
    await sleep(100);
  }
}

/** Asks the leader of the queue for a message, and gives it back. */
async function isTaking(rabbitmq: Rabbitmq): Promise<boolean> {
  await using open = await rabbitmq.channel();
  const message = await open.channel.get(QUEUE);
  if (message !== false) open.channel.nack(message);
  return true;
}

/** A sender that knows its trade: persistent, confirmed, and told when no queue takes what it sends. */
class MessageSender implements AsyncDisposable {
  readonly #rabbitmq: Rabbitmq;
  #open: Promise<TestChannel> | undefined;

  constructor(rabbitmq: Rabbitmq) {
    this.#rabbitmq = rabbitmq;
  }

  async send(message: Uint8Array): Promise<void> {
    this.#open ??= this.#rabbitmq.channel();
    const open = this.#open;
    try {
      const { channel } = await open;
      await confirmed(channel, message);
    } catch (error) {
      // Others that send at the same time may have opened a new one already.
      if (this.#open === open) this.#open = undefined;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const open = await this.#open?.catch(() => undefined);
    await open?.[Symbol.asyncDispose]();
  }
}

/** The broker gives back what no queue takes before it confirms it. */
async function confirmed(channel: ConfirmChannel, message: Uint8Array): Promise<void> {
  const messageId = randomUUID();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error('the broker does not confirm')), PUBLISH_LIMIT_MS);
  const onReturn = ({ properties }: Message): void => {
    if (properties.messageId === messageId) reject(new Error('no queue takes the message'));
  };
  channel.on('return', onReturn);
  const options = { persistent: true, mandatory: true, contentType: 'application/json', messageId };
  try {
    channel.publish(EXCHANGE, ROUTING_KEY, Buffer.from(message), options, (error: unknown) => {
      if (error === null || error === undefined) resolve();
      else reject(new Error('the broker took no message', { cause: error }));
    });
    await promise;
  } finally {
    clearTimeout(timer);
    channel.off('return', onReturn);
  }
}
