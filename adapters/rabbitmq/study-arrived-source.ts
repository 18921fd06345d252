/**
 * A queue of RabbitMQ as a source of studies. A message is answered when the row of its study is committed, and is never
 * held while the study is read. What cannot be committed comes again after a delay; what cannot be read is set aside in
 * the dead-letter queue with the reason, so that neither stops what comes behind it.
 */
import { once } from 'node:events';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { MessageMapping } from '../../src/arrival/message-mapping.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Log, StudySource } from '../../src/ports.ts';
import { isSkipped, type Reason } from '../../src/reasons.ts';
import { RETRIES } from '../../src/retry.ts';
import { readArrival } from './arrival-message.ts';
import { Broker, type BrokerOptions } from './broker.ts';
import { Sender } from './sender.ts';
import { type ArrivalQueue, DEAD_QUEUE, prepareArrivals, retryQueue, type TopologyMode } from './topology.ts';

export interface RabbitmqSourceOptions {
  readonly name: string;
  readonly broker: BrokerOptions;
  readonly arrivals: ArrivalQueue;
  /** For messages of another system; Wetread's own contract where absent. */
  readonly mapping?: MessageMapping;
  readonly topology: TopologyMode;
  /** Messages that are taken at the same time. */
  readonly prefetch: number;
  /** In place of {@link COMMIT_RETRY_DELAYS_MS}. */
  readonly retryDelaysMs?: readonly number[];
  readonly log: Log;
}

/** When a message comes again whose study could not be committed; the last one repeats. */
export const COMMIT_RETRY_DELAYS_MS: readonly number[] = RETRIES[
  'committing a study that a message names'
].delaysSeconds.map((seconds) => seconds * 1000);

type Notice = (hint: StudyHint) => Promise<void>;

/** One channel of one connection, for as long as that lasts. */
interface Session {
  readonly channel: ConfirmChannel;
  readonly sender: Sender;
}

const REASON_HEADER = 'x-wetread-reason';
const RETRIES_HEADER = 'x-wetread-retries';
const SEND_LIMIT_MS = 30_000;

export function rabbitmqSource(options: RabbitmqSourceOptions): StudySource {
  return new RabbitmqSource(options);
}

class RabbitmqSource implements StudySource {
  readonly name: string;
  readonly #options: RabbitmqSourceOptions;
  readonly #retryDelaysMs: readonly number[];
  readonly #working = new Set<Promise<void>>();
  #isFaulty = false;

  constructor(options: RabbitmqSourceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#retryDelaysMs = options.retryDelaysMs ?? COMMIT_RETRY_DELAYS_MS;
  }

  async run(notice: Notice, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await using _broker = new Broker(this.#options.broker, {
      setup: (channel) => this.#consume(channel, notice, signal),
      onFault: ({ code }, attempt, durationMs) => this.#tellFault({ errorCode: code, attempt, durationMs }),
    });
    await once(signal, 'abort');
    // What is being committed is answered; what was only delivered goes back to its queue with the connection.
    await Promise.all(this.#working);
  }

  async #consume(channel: ConfirmChannel, notice: Notice, signal: AbortSignal): Promise<void> {
    const { arrivals, topology, prefetch } = this.#options;
    await prepareArrivals(channel, arrivals, this.#retryDelaysMs, topology);
    await channel.prefetch(prefetch);
    const session = { channel, sender: new Sender(channel) };
    await channel.consume(arrivals.queue, (message) => {
      // The broker ends the consumer when the queue is deleted or moves: everything is set up anew.
      if (message === null) return abandon(channel);
      if (signal.aborted) return;
      const work = this.#answer(session, message, notice).finally(() => this.#working.delete(work));
      this.#working.add(work);
    });
    this.#tellRecovered();
  }

  /** Never rejects. A message without an answer is delivered again. */
  async #answer(session: Session, message: ConsumeMessage, notice: Notice): Promise<void> {
    try {
      await this.#take(session, message, notice);
      session.channel.ack(message);
    } catch (error) {
      this.#tellFault({ errorCode: WetreadError.from(error).code });
      abandon(session.channel);
    }
  }

  /** Resolves when the message may be forgotten: its studies are committed, or it lies in another queue. */
  async #take(session: Session, message: ConsumeMessage, notice: Notice): Promise<void> {
    const hints = readArrival(message, this.#options.mapping);
    if (isSkipped(hints)) return this.#setAside(session, message, hints.skipped);
    try {
      for (const hint of hints) await notice(hint);
    } catch (error) {
      return this.#postpone(session, message, WetreadError.from(error));
    }
    this.#tellRecovered();
  }

  async #setAside({ sender }: Session, message: ConsumeMessage, { code, detail }: Reason): Promise<void> {
    const { name: source, log } = this.#options;
    await forward(sender, message, DEAD_QUEUE, { [REASON_HEADER]: detail === undefined ? code : `${code}: ${detail}` });
    log.write('message-refused', { source, reason: code, bytes: message.content.length });
  }

  async #postpone({ sender }: Session, message: ConsumeMessage, { code }: WetreadError): Promise<void> {
    const retries = Number(message.properties.headers?.[RETRIES_HEADER] ?? 0);
    const durationMs = this.#retryDelaysMs[Math.min(retries, this.#retryDelaysMs.length - 1)]!;
    await forward(sender, message, retryQueue(this.#options.arrivals, durationMs), { [RETRIES_HEADER]: retries + 1 });
    this.#tellFault({ errorCode: code, attempt: retries + 1, durationMs });
  }

  #tellFault(about: { readonly errorCode: string; readonly attempt?: number; readonly durationMs?: number }): void {
    this.#isFaulty = true;
    this.#options.log.write('source-fault', { source: this.name, ...about });
  }

  #tellRecovered(): void {
    if (this.#isFaulty) this.#options.log.write('source-recovered', { source: this.name });
    this.#isFaulty = false;
  }
}

/** The message as it came, into another queue; resolves when it is safe there. */
function forward(sender: Sender, message: ConsumeMessage, queue: string, more: Record<string, unknown>): Promise<void> {
  const { contentType, contentEncoding, correlationId, messageId, timestamp, type, appId } = message.properties;
  const { exchange, routingKey } = message.fields;
  const headers = { 'x-wetread-exchange': exchange, 'x-wetread-routing-key': routingKey, ...own(message), ...more };
  const properties = { contentType, contentEncoding, correlationId, messageId, timestamp, type, appId, headers };
  const outgoing = { exchange: '', routingKey: queue, content: message.content, properties };
  return sender.send(outgoing, AbortSignal.timeout(SEND_LIMIT_MS));
}

/** The headers of the sender, less what brokers added on the way. */
function own({ properties }: ConsumeMessage): Record<string, unknown> {
  const entries = Object.entries((properties.headers ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.filter(([name]) => !/^x-(death|first-death|last-death|delivery-count)/.test(name)));
}

/** Ends the channel, and with it the connection: it comes back, and so does every message without an answer. */
function abandon(channel: ConfirmChannel): void {
  channel.close().catch(() => {});
}
