/** Messages of Orthanc in a queue of a real RabbitMQ, behind a port that can be closed: the node itself starts slowly. */
import { once } from 'node:events';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { rabbitmqSource } from '../../../adapters/rabbitmq/study-arrived-source.ts';
import { EVENTS_EXCHANGE, prepareArrivals } from '../../../adapters/rabbitmq/topology.ts';
import { READY_MADE_MAPPINGS } from '../../../src/arrival/message-mapping.ts';
import { studyUid } from '../../support/part10.ts';
import { startRabbitmq, withoutRabbitmq } from '../../support/rabbitmq.ts';
import type { SourceKind } from './source-kind.ts';

const ARRIVALS = { queue: 'test.study-stable.v1', exchange: EVENTS_EXCHANGE, routingKey: 'test.study.stable' };
const RETRY_DELAYS_MS = [100];

/** Uses four ports from this one on. */
export function rabbitmqKind(port: number): SourceKind {
  return { name: 'RabbitMQ', skip: withoutRabbitmq, start: () => start(port) };
}

async function start(port: number): ReturnType<SourceKind['start']> {
  const broker = await startRabbitmq(port);
  const sender = await broker.channel();
  await prepareArrivals(sender.channel, ARRIVALS, RETRY_DELAYS_MS, 'declare');
  let door = await openDoor(port + 3, port);
  return {
    source: ({ log }) =>
      rabbitmqSource({
        name: 'rabbitmq:orthanc',
        broker: { url: `amqp://127.0.0.1:${port + 3}` },
        arrivals: ARRIVALS,
        mapping: READY_MADE_MAPPINGS.orthanc,
        topology: 'declare',
        prefetch: 4,
        retryDelaysMs: RETRY_DELAYS_MS,
        log,
      }),
    announce: async (name) => {
      const message = {
        MainDicomTags: { StudyInstanceUID: studyUid(name) },
        PatientMainDicomTags: { PatientID: '4711-0815', PatientName: 'DOE^JANE' },
      };
      sender.channel.publish(EVENTS_EXCHANGE, ARRIVALS.routingKey, Buffer.from(JSON.stringify(message)), {
        persistent: true,
      });
      await sender.channel.waitForConfirms();
      return studyUid(name);
    },
    breakServer: async () => door[Symbol.asyncDispose](),
    mendServer: async () => {
      door = await openDoor(port + 3, port);
    },
    patientData: ['DOE', 'JANE', '4711'],
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]();
      await sender[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

/** Passes connections on until it is closed, which cuts them. */
async function openDoor(from: number, to: number): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((incoming) => {
    const outgoing = dial(to, '127.0.0.1');
    for (const [one, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {}).on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  await once(server.listen(from, '127.0.0.1'), 'listening');
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
