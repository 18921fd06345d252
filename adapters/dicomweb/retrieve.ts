/** WADO-RS retrieve of instances as they are stored (PS3.18 10.4, 8.7.3.5: `transfer-syntax=*`), part by part. */
import { connect, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { Asking } from '../../src/asking.ts';
import { WetreadError } from '../../src/errors.ts';
import type { HeaderFields } from '../../src/remote-server.ts';
import { faultOf, requireStatus, silence } from './faults.ts';
import { askedOf, type HttpOptions } from './http.ts';
import type { MultipartLimits } from './multipart.ts';
import { PartMemory } from './part-memory.ts';
import { PartReceiver } from './part-receiver.ts';
import type { ResponseHead } from './response-reader.ts';

/** Without the parameter a server must transcode to Explicit VR Little Endian. */
const AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*';
/** A read of more gains nothing; of less costs calls. */
const READ_BYTES = 256 * 1024;
/** Whole parts that may wait for the reader: one is read while the next arrives. */
const MAX_WAITING = 2;
const NOTHING_THERE: readonly number[] = [204, 404, 410];

/**
 * Instances of a resource, in the order of the server; none where it has none.
 * @param memory where their bytes may be handed back
 * @throws WetreadError `archive-truncated` where the body ends before its closing delimiter; others as for `exchange`
 */
export async function* retrieveParts(
  options: HttpOptions,
  url: string,
  limits: MultipartLimits,
  signal: AbortSignal,
  memory: PartMemory = new PartMemory(),
): AsyncGenerator<Uint8Array, void, undefined> {
  const asking = new Asking(askedOf(options), { method: 'GET', url }, signal);
  for (;;) {
    const request = requestText(asking.url, await asking.credentials());
    using transfer = new Transfer(options, asking.url, request, new PartReceiver(limits, memory), signal);
    for (let part = await transfer.next(); part !== undefined; part = await transfer.next()) yield part;
    const { status, headers } = transfer.head;
    if (await asking.again(status, (name) => headers.get(name))) continue;
    requireStatus(status, [200, 206, ...NOTHING_THERE]);
    return;
  }
}

/** One GET on one connection, which is not read on while whole parts wait. */
class Transfer {
  readonly #options: HttpOptions;
  readonly #signal: AbortSignal;
  readonly #receiver: PartReceiver;
  readonly #socket: Socket;
  readonly #onAbort = (): void => this.#end(this.#signal.reason);
  #ended = false;
  #fault: unknown;
  #wake: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HttpOptions, target: URL, request: string, receiver: PartReceiver, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#receiver = receiver;
    // Two in turn: the receiver may keep the end of one until it has been fed the next.
    const buffers = [Buffer.allocUnsafeSlow(READ_BYTES), Buffer.allocUnsafeSlow(READ_BYTES)] as const;
    let turn: 0 | 1 = 0;
    this.#socket = open(target, options, {
      buffer: () => {
        turn = turn === 0 ? 1 : 0;
        return buffers[turn];
      },
      callback: (length, buffer) => this.#receive(Buffer.from(buffer.buffer, buffer.byteOffset, length)),
    });
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('end', () => this.#end());
    this.#socket.on('close', () => this.#end());
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
    // Over TLS nothing leaves before the server's certificate is known to be good.
    else
      this.#socket.once(target.protocol === 'https:' ? 'secureConnect' : 'connect', () => this.#socket.write(request));
  }

  /** To be asked for after the last part. */
  get head(): ResponseHead {
    const { head } = this.#receiver;
    if (head === undefined) throw new WetreadError('archive-unreachable', 'The archive did not answer');
    return head;
  }

  /** The next whole part, or undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    const { ready } = this.#receiver;
    while (ready.length === 0 && !this.#ended) await this.#more();
    const part = ready.shift();
    if (part === undefined && this.#fault !== undefined) throw faultOf(this.#fault, this.#signal);
    return part;
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }

  /** Silence counts only while something is awaited: a reader that takes its time is not the server's fault. */
  async #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    this.#timer = setTimeout(() => this.#end(silence()), this.#options.silenceMs);
    if (this.#socket.isPaused()) this.#socket.resume();
    await promise;
    clearTimeout(this.#timer);
  }

  /** @returns whether to read on */
  #receive(bytes: Buffer): boolean {
    if (this.#ended) return false;
    this.#timer?.refresh();
    try {
      this.#receiver.feed(bytes);
    } catch (error) {
      this.#end(error);
      return false;
    }
    if (this.#receiver.isComplete) this.#end();
    if (this.#receiver.ready.length > 0) this.#wake();
    if (this.#receiver.ready.length < MAX_WAITING) return true;
    this.#socket.pause();
    return false;
  }

  #end(fault?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    try {
      if (fault === undefined) this.#receiver.finish();
      this.#fault = fault;
    } catch (error) {
      this.#fault = error;
    }
    this.#socket.destroy();
    this.#wake();
  }
}

function open({ protocol, hostname, port }: URL, { tls }: HttpOptions, onread: OnReadOpts): Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol !== 'https:') return connect({ host, port: Number(port || 80), onread, noDelay: true });
  // A name, never an address, may be asked for (RFC 6066 section 3).
  const name = isIP(host) === 0 ? { servername: host } : {};
  const options = { host, port: Number(port || 443), onread, ...name, ...tls?.() };
  return connectSecurely(options);
}

function requestText({ pathname, search, host }: URL, credentials: HeaderFields): string {
  const fields = { ...credentials, host, accept: AS_STORED, 'accept-encoding': 'identity', connection: 'close' };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
