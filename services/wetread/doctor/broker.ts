/** A RabbitMQ: that it lets Wetread in, and that a message which is published comes back. */
import { randomUUID } from 'node:crypto';
import type { ConfirmChannel } from 'amqplib';
import { Broker, type BrokerOptions } from '../../../adapters/rabbitmq/broker.ts';
import { countText } from '../cli/progress.ts';
import { type CheckResult, fail, ok, type Part } from './check.ts';
import { reach } from './reach.ts';

export interface BrokerPartOptions {
  readonly broker: BrokerOptions;
  /** What somebody else has made, and Wetread only uses. */
  readonly exchanges: readonly string[];
  readonly queues: readonly string[];
}

export function brokerPart({ broker, exchanges, queues }: BrokerPartOptions): Part {
  const url = new URL(broker.url);
  const defaultPort = url.protocol === 'amqps:' ? 5671 : 5672;
  return {
    name: 'rabbitmq',
    place: `${url.protocol}//${url.host}${url.pathname}`,
    async examine(step) {
      if (!(await reach({ url, key: 'rabbitmq.url', defaultPort }, step))) return;
      if (!(await step('message', (signal) => onChannel(broker, roundTrip, signal)))) return;
      for (const exchange of exchanges) {
        await step('exchange', (signal) => onChannel(broker, (channel) => checkExchange(channel, exchange), signal));
      }
      for (const queue of queues) {
        await step('queue', (signal) => onChannel(broker, (channel) => checkQueue(channel, queue), signal));
      }
    },
  };
}

/** One connection for one question: a broker answers a wrong one by closing the channel. */
async function onChannel(
  options: BrokerOptions,
  ask: (channel: ConfirmChannel) => Promise<CheckResult>,
  signal: AbortSignal,
): Promise<CheckResult> {
  const { promise, resolve, reject } = Promise.withResolvers<CheckResult>();
  signal.addEventListener('abort', () => reject(signal.reason));
  await using _broker = new Broker(options, {
    setup: async (channel) => resolve(await ask(channel)),
    onFault: reject,
  });
  return await promise;
}

/** Through a queue that this connection alone sees, and that goes with it; its name is one that Wetread may use. */
async function roundTrip(channel: ConfirmChannel): Promise<CheckResult> {
  const queue = `wetread.doctor.${randomUUID()}`;
  await channel.assertQueue(queue, { exclusive: true, autoDelete: true });
  channel.sendToQueue(queue, Buffer.from('wetread doctor'));
  await channel.waitForConfirms();
  const message = await channel.get(queue, { noAck: true });
  if (message === false)
    return fail('A message that was confirmed did not come back', 'Look at the log of the broker.');
  return ok('A message was published, confirmed and taken');
}

async function checkExchange(channel: ConfirmChannel, exchange: string): Promise<CheckResult> {
  await channel.checkExchange(exchange);
  return ok(`${exchange} is there`);
}

async function checkQueue(channel: ConfirmChannel, queue: string): Promise<CheckResult> {
  const { messageCount, consumerCount } = await channel.checkQueue(queue);
  const waiting = countText(messageCount, 'message waits', 'messages wait');
  return ok(`${queue}: ${waiting}, ${countText(consumerCount, 'consumer', 'consumers')}`);
}
