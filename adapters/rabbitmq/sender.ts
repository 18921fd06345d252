/** Sends messages and learns of each whether it lies in a queue. */
import type { ConfirmChannel, Options } from 'amqplib';
import { WetreadError } from '../../src/errors.ts';

export interface OutgoingMessage {
  /** Empty for the default exchange, which routes by the name of the queue. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly content: Buffer;
  readonly properties: Options.Publish;
}

/** Tells which message was returned: neither message ids of others nor the order of answers would. */
const SEND_ID = 'x-wetread-send-id';

/** Of one channel, and as good as that: a new channel has a new sender. */
export class Sender {
  readonly #channel: ConfirmChannel;
  readonly #returned = new Set<string>();
  #sent = 0;

  constructor(channel: ConfirmChannel) {
    this.#channel = channel;
    channel.on('return', ({ properties: { headers } }) => this.#returned.add(String(headers?.[SEND_ID])));
  }

  /**
   * Resolves when the broker has the message in a queue, on disk. Throws `event-unroutable` where no queue takes it, which
   * the broker confirms as well; `broker-unreachable` where it gave no answer or refused; `timeout` when the signal ends
   * the wait: then, too, the message may have arrived.
   */
  async send({ exchange, routingKey, content, properties }: OutgoingMessage, signal: AbortSignal): Promise<void> {
    this.#sent += 1;
    const id = String(this.#sent);
    const headers = { ...(properties.headers as object | undefined), [SEND_ID]: id };
    const options = { ...properties, headers, persistent: true, mandatory: true };
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => reject(WetreadError.from(signal.reason, 'timeout'));
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#channel.publish(exchange, routingKey, content, options, (error: unknown) => {
        signal.removeEventListener('abort', onAbort);
        if (error === null || error === undefined) resolve();
        else reject(WetreadError.from(error, 'broker-unreachable'));
      });
    });
    if (this.#returned.delete(id)) throw new WetreadError('event-unroutable', `No queue takes '${routingKey}'`);
  }
}
