/**
 * A connection to RabbitMQ that comes back: amqplib's recovery opens it anew with growing delays and runs the setup each
 * time. Recovery watches connections alone, so a channel that the broker closes takes its connection with it.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ChannelModel,
  type ConfirmChannel,
  connect,
  type RecoveringChannelModel,
  type SocketOptions,
} from 'amqplib';
import { type ErrorCode, WetreadError } from '../../src/errors.ts';
import { RETRIES } from '../../src/retry.ts';

export interface BrokerOptions {
  /** AMQP 0-9-1 URI, `amqp` or `amqps`. */
  readonly url: string;
  /** Holds the password of the user that the URI names; read at every connect, so that it may change. */
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly certificateFile?: string;
  readonly keyFile?: string;
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
const CLOSE_LIMIT_MS = 2_000;

export class Broker implements AsyncDisposable {
  readonly #connection: Promise<RecoveringChannelModel>;

  /** Connects in the background. Throws `config-invalid` where a file of the options cannot be read. */
  constructor(options: BrokerOptions, events: BrokerEvents) {
    this.#connection = connectRecovering(uriOf(options.url), socketOptions(options), events);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const connection = await this.#connection;
    // A broker that hangs does not answer the farewell either.
    await Promise.race([connection.close(), sleep(CLOSE_LIMIT_MS, undefined, { ref: false })]);
  }
}

async function connectRecovering(
  uri: string,
  socket: SocketOptions,
  { setup, onClosed, onFault }: BrokerEvents,
): Promise<RecoveringChannelModel> {
  const recovery = {
    setup: (connection: ChannelModel) => openChannel(connection, setup, onClosed),
    waitForConnect: false,
    calculateDelay: delayMs,
  };
  const connection = await connect(uri, { ...socket, recovery });
  connection.on('reconnect-scheduled', ({ attempt, delay, error }) => onFault(asFault(error), attempt, delay));
  // Every error is followed by a disconnect, which is what counts.
  connection.on('error', () => {});
  return connection;
}

async function openChannel(
  connection: ChannelModel,
  setup: BrokerEvents['setup'],
  onClosed: (() => void) | undefined,
): Promise<void> {
  connection.on('error', () => {});
  const channel = await connection.createConfirmChannel();
  channel.on('error', () => {});
  channel.on('close', () => {
    onClosed?.();
    // Already closing where the channel ended with its connection.
    connection.close().catch(() => {});
  });
  connection.on('close', () => onClosed?.());
  await setup(channel);
}

function delayMs(attempt: number): number {
  const { delaysSeconds } = RETRIES['connecting to a message broker'];
  const seconds = delaysSeconds[Math.min(attempt, delaysSeconds.length) - 1]!;
  return seconds * 1000 * (0.9 + 0.2 * Math.random());
}

/** Small confirmed messages would wait for Nagle's algorithm otherwise. */
function socketOptions({ url, passwordFile, caFile, certificateFile, keyFile }: BrokerOptions): SocketOptions {
  return {
    noDelay: true,
    timeout: CONNECT_LIMIT_MS,
    ...(caFile !== undefined && { ca: read(caFile) }),
    ...(certificateFile !== undefined && { cert: read(certificateFile) }),
    ...(keyFile !== undefined && { key: read(keyFile) }),
    ...(passwordFile !== undefined && {
      credentials: plainFrom(decodeURIComponent(new URL(url).username), passwordFile),
    }),
  };
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new WetreadError('config-invalid', `rabbitmq: cannot read ${file}`, { cause });
  }
}

/** SASL PLAIN (RFC 4616). */
function plainFrom(user: string, passwordFile: string): NonNullable<SocketOptions['credentials']> {
  return { mechanism: 'PLAIN', response: () => Buffer.from(`\0${user}\0${read(passwordFile).toString().trim()}`) };
}

function uriOf(url: string): string {
  const uri = new URL(url);
  if (!uri.searchParams.has('heartbeat')) uri.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS));
  return uri.href;
}

/** What the broker answers has a reply code (AMQP 0-9-1, 1.2); before the connection is open only a sentence says so. */
function asFault(cause: unknown): WetreadError {
  if (cause instanceof WetreadError) return cause;
  const { code, message } = cause as { code?: unknown; message?: string };
  const refused = typeof code === 'number' ? code !== 320 : (message ?? '').startsWith('Handshake terminated');
  const errorCode: ErrorCode = refused ? 'broker-refused' : 'broker-unreachable';
  return WetreadError.from(cause, errorCode);
}
