/**
 * A connection to RabbitMQ that comes back: amqplib's recovery opens it anew with growing delays and runs the setup each
 * time. Recovery watches connections alone, so a channel that the broker closes takes its connection with it.
 */
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import {
  type ChannelModel,
  type ConfirmChannel,
  connect,
  type RecoveringChannelModel,
  type SocketOptions,
} from 'amqplib';
import { WetreadError } from '../../src/errors.ts';
import { certificateFault } from '../../src/remote-server.ts';
import { RETRIES } from '../../src/retry.ts';

export interface BrokerOptions {
  /** AMQP 0-9-1 URI, `amqp` or `amqps`. */
  readonly url: string;
  /** Holds the password of the user that the URI names; read at every connect, so that it may change. */
  readonly passwordFile?: string;
  /** For `amqps`; the well-known authorities are trusted where absent. */
  readonly tls?: { readonly secureContext: SecureContext; readonly servername?: string };
}

export interface BrokerEvents {
  /** Runs on the channel of every new connection; the connection counts once it resolves. */
  readonly setup: (channel: ConfirmChannel) => Promise<void>;
  /** The channel is gone; what it had not confirmed may have arrived or not. */
  readonly onClosed?: () => void;
  /** The broker cannot be reached or used; it is tried again after the delay. */
  readonly onFault: (error: WetreadError, attempt: number, delayMs: number) => void;
}

/** A peer that says nothing is given up after two of these. */
const HEARTBEAT_SECONDS = 10;
const CONNECT_LIMIT_MS = 10_000;
/** A broker that starts may take a connection and never answer on it. */
const SETUP_LIMIT_MS = 30_000;
const CLOSE_LIMIT_MS = 2_000;

export class Broker implements AsyncDisposable {
  readonly #events: BrokerEvents;
  readonly #recovering: Promise<RecoveringChannelModel>;
  #connection: ChannelModel | undefined;

  /** Connects in the background. */
  constructor(options: BrokerOptions, events: BrokerEvents) {
    this.#events = events;
    this.#recovering = this.#recover(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const recovering = await this.#recovering;
    // A broker that hangs does not answer the farewell either.
    await Promise.race([recovering.close(), sleep(CLOSE_LIMIT_MS, undefined, { ref: false })]);
    if (this.#connection !== undefined) cut(this.#connection);
  }

  async #recover(options: BrokerOptions): Promise<RecoveringChannelModel> {
    const setup = (connection: ChannelModel): Promise<void> => this.#open(connection);
    const recovery = { setup, waitForConnect: false, calculateDelay: delayMs };
    const recovering = await connect(uriOf(options.url), { ...socketOptions(options), recovery });
    recovering.on('reconnect-scheduled', ({ attempt, delay, error }) => {
      this.#events.onFault(asFault(error), attempt, delay);
    });
    // Every error is followed by a disconnect, which is what counts.
    recovering.on('error', () => {});
    return recovering;
  }

  /** Recovery waits for ever for the farewell of a connection whose setup has failed: it is given one that has ended. */
  async #open(connection: ChannelModel): Promise<void> {
    this.#connection = connection;
    connection.on('error', () => {});
    const closed = new Promise<void>((resolve) => connection.once('close', () => resolve()));
    try {
      await within(SETUP_LIMIT_MS, this.#setUp(connection));
    } catch (error) {
      cut(connection);
      await closed;
      throw error;
    }
  }

  async #setUp(connection: ChannelModel): Promise<void> {
    const { setup, onClosed } = this.#events;
    const channel = await connection.createConfirmChannel();
    channel.on('error', () => {});
    channel.on('close', () => {
      onClosed?.();
      // Already closing where the channel ended with its connection.
      connection.close().catch(() => {});
    });
    await setup(channel);
  }
}

async function within(limitMs: number, work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const late = sleep(limitMs, undefined, { signal: timer.signal }).then(() => {
    throw new WetreadError('broker-unreachable', 'The message broker took the connection and does not answer');
  });
  try {
    await Promise.race([work, late]);
  } finally {
    timer.abort();
    late.catch(() => {});
  }
}

/** Ends a connection without a farewell: the library has no public way. */
function cut({ connection }: ChannelModel): void {
  (connection as unknown as { readonly stream: Duplex }).stream.destroy(new Error('cut'));
}

function delayMs(attempt: number): number {
  const { delaysSeconds } = RETRIES['connecting to a message broker'];
  const seconds = delaysSeconds[Math.min(attempt, delaysSeconds.length) - 1]!;
  return seconds * 1000 * (0.9 + 0.2 * Math.random());
}

/** Small confirmed messages would wait for Nagle's algorithm otherwise. */
function socketOptions({ url, passwordFile, tls }: BrokerOptions): SocketOptions {
  return {
    noDelay: true,
    timeout: CONNECT_LIMIT_MS,
    ...tls,
    ...(passwordFile !== undefined && {
      credentials: plainFrom(decodeURIComponent(new URL(url).username), passwordFile),
    }),
  };
}

/** SASL PLAIN (RFC 4616). */
function plainFrom(user: string, passwordFile: string): NonNullable<SocketOptions['credentials']> {
  return { mechanism: 'PLAIN', response: () => Buffer.from(`\0${user}\0${readPassword(passwordFile)}`) };
}

/** @throws WetreadError `config-invalid`, naming the key */
export function readPassword(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new WetreadError('config-invalid', 'rabbitmq.passwordFile: the file cannot be read', { cause });
  }
}

function uriOf(url: string): string {
  const uri = new URL(url);
  if (!uri.searchParams.has('heartbeat')) uri.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS));
  return uri.href;
}

/**
 * What the broker answers has a reply code, and a sentence about queues, exchanges and users (AMQP 0-9-1, 1.2), never
 * about a message. Before the connection is open there is only the sentence, or not even that.
 */
function asFault(cause: unknown): WetreadError {
  if (cause instanceof WetreadError) return cause;
  const certificate = certificateFault(cause, 'The message broker');
  if (certificate !== undefined) return certificate;
  const { code, message = '' } = cause as { code?: unknown; message?: string };
  // The library keeps to itself why the broker closed what was to be opened.
  if (message.startsWith('Expected ConnectionOpenOk; got <ConnectionClose'))
    return new WetreadError('broker-refused', 'The user may not use the virtual host that rabbitmq.url names', {
      cause,
    });
  const isRefused = typeof code === 'number' ? code !== 320 : message.startsWith('Handshake terminated');
  const reply = /with message "([^"]*)"/.exec(message)?.[1];
  if (!isRefused || reply === undefined)
    return WetreadError.from(cause, isRefused ? 'broker-refused' : 'broker-unreachable');
  return new WetreadError('broker-refused', `The message broker refused: ${reply}`, { cause });
}
