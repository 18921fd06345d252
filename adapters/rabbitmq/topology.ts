/**
 * The exchange and the queues that Wetread uses. All are durable and replicated (quorum queues); what a queue is made
 * with can never be changed, so its name carries a version. docs/events.md shows the same for operators.
 */
import type { ConfirmChannel, Options } from 'amqplib';

export const EVENTS_EXCHANGE = 'wetread.events';
export const FINDINGS_READY_KEY = 'findings.ready.v1';
/** Messages that cannot be read, with the reason in a header, and those that ended their reader too often. */
export const DEAD_QUEUE = 'wetread.dead.v1';

/** A queue whose messages name studies. */
export interface ArrivalQueue {
  readonly queue: string;
  /** Another one than {@link EVENTS_EXCHANGE} belongs to somebody else: it is never declared. */
  readonly exchange: string;
  readonly routingKey: string;
}

/** Whether Wetread makes what it uses, or an operator has. */
export type TopologyMode = 'declare' | 'check';

/**
 * Deliveries without an answer after which a message counts as the cause: the default of RabbitMQ 4. An answer takes
 * milliseconds, so that only readers that end count here.
 */
const DELIVERY_LIMIT = 20;

/** Nothing is dropped on the way from one queue to another: the source keeps it until the target has confirmed. */
function quorum(deadLetterTo: string, more: Record<string, unknown>): Options.AssertQueue {
  return {
    durable: true,
    arguments: {
      'x-queue-type': 'quorum',
      'x-overflow': 'reject-publish',
      'x-dead-letter-strategy': 'at-least-once',
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': deadLetterTo,
      ...more,
    },
  };
}

export function retryQueue({ queue }: ArrivalQueue, delayMs: number): string {
  return `${queue}.retry-${delayMs / 1000}s`;
}

/** Every queue that the messages of one queue may get into, itself last. */
export function queuesOf(arrivals: ArrivalQueue, retryDelaysMs: readonly number[]): readonly string[] {
  return [DEAD_QUEUE, ...retryDelaysMs.map((delay) => retryQueue(arrivals, delay)), arrivals.queue];
}

/** Throws what the broker says where something is missing (404), or was made with other properties (406). */
export async function prepareArrivals(
  channel: ConfirmChannel,
  arrivals: ArrivalQueue,
  retryDelaysMs: readonly number[],
  mode: TopologyMode,
): Promise<void> {
  const { queue, exchange, routingKey } = arrivals;
  await prepareExchange(channel, exchange, mode);
  if (mode === 'check') {
    for (const name of queuesOf(arrivals, retryDelaysMs)) await channel.checkQueue(name);
    return;
  }
  await channel.assertQueue(DEAD_QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  for (const delay of retryDelaysMs) {
    await channel.assertQueue(retryQueue(arrivals, delay), quorum(queue, { 'x-message-ttl': delay }));
  }
  await channel.assertQueue(queue, quorum(DEAD_QUEUE, { 'x-delivery-limit': DELIVERY_LIMIT }));
  await channel.bindQueue(queue, exchange, routingKey);
}

export async function prepareExchange(channel: ConfirmChannel, exchange: string, mode: TopologyMode): Promise<void> {
  if (mode === 'declare' && exchange === EVENTS_EXCHANGE) {
    await channel.assertExchange(EVENTS_EXCHANGE, 'topic', { durable: true });
  } else await channel.checkExchange(exchange);
}
