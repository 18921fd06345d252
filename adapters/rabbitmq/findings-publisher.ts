/** Announces findings on RabbitMQ: identifiers of results, for whoever has bound a queue. At least once. */
import { once } from 'node:events';
import { WetreadError } from '../../src/errors.ts';
import type { EventPublisher, FindingsReady } from '../../src/ports.ts';
import { Broker, type BrokerOptions } from './broker.ts';
import { type OutgoingMessage, Sender } from './sender.ts';
import { EVENTS_EXCHANGE, FINDINGS_READY_KEY, prepareExchange, type TopologyMode } from './topology.ts';

export interface RabbitmqPublisherOptions {
  readonly broker: BrokerOptions;
  readonly topology: TopologyMode;
}

/** Connects when the first event is published. */
export class RabbitmqPublisher implements EventPublisher, AsyncDisposable {
  readonly #options: RabbitmqPublisherOptions;
  readonly #connected = new EventTarget();
  #broker: Broker | undefined;
  #sender: Sender | undefined;
  #fault = new WetreadError('broker-unreachable', 'The message broker did not answer in time');

  constructor(options: RabbitmqPublisherOptions) {
    this.#options = options;
  }

  /**
   * Resolves when a queue holds the event, on disk. Throws `event-unroutable` while nobody has bound a queue,
   * `broker-unreachable` or `broker-refused` where the broker does not take it before the signal ends the wait.
   */
  async publish(event: FindingsReady, signal: AbortSignal): Promise<void> {
    const sender = this.#sender ?? (await this.#connect(signal));
    await sender.send(messageOf(event), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker?.[Symbol.asyncDispose]();
  }

  async #connect(signal: AbortSignal): Promise<Sender> {
    this.#broker ??= this.#open();
    try {
      while (this.#sender === undefined) await once(this.#connected, 'connected', { signal });
      return this.#sender;
    } catch {
      throw this.#fault;
    }
  }

  #open(): Broker {
    const { broker, topology } = this.#options;
    return new Broker(broker, {
      setup: async (channel) => {
        await prepareExchange(channel, EVENTS_EXCHANGE, topology);
        this.#sender = new Sender(channel);
        this.#connected.dispatchEvent(new Event('connected'));
      },
      // A channel that is gone never comes back: publishing through it would fail for ever.
      onClosed: () => {
        this.#sender = undefined;
      },
      onFault: (error) => {
        this.#fault = error;
      },
    });
  }
}

/** contracts/findings-ready.schema.json; the trace context stands in the header, as W3C has it for AMQP. */
function messageOf({ traceparent, ...body }: FindingsReady): OutgoingMessage {
  return {
    exchange: EVENTS_EXCHANGE,
    routingKey: FINDINGS_READY_KEY,
    content: Buffer.from(JSON.stringify(body)),
    properties: {
      messageId: body.eventId,
      contentType: 'application/json',
      type: 'findings-ready.v1',
      appId: 'wetread',
      timestamp: Math.floor(Date.parse(body.filedAt) / 1000),
      headers: traceparent === undefined ? {} : { traceparent },
    },
  };
}
