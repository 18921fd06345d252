/**
 * Stands between Wetread and a server and fails as networks and servers do: it refuses, falls silent, answers with a
 * status, cuts an answer off, or tells the test that a certain request came or was answered. Bytes pass untouched.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export type ProxyMode =
  | 'pass'
  /** Connections are ended as soon as they are made, and those that stand are cut. */
  | 'refuse'
  /** Nothing is forwarded any more, and nobody is told. */
  | 'silent'
  /** Every request is answered with this HTTP status. */
  | { readonly status: 429 | 503 }
  /** Answers to such requests are cut off after so many bytes, so many times. */
  | { readonly cutAfterBytes: number; readonly times: number; readonly request: RegExp };

/** A moment in the talk between Wetread and a server. */
export interface Watch {
  /** Of the first line of a request, such as `POST /dicom-web/studies`. */
  readonly request: RegExp;
  readonly when: 'asked' | 'answered';
  /** Called once; the request, or its answer, is then not forwarded. */
  readonly act: () => void;
}

export interface FaultyProxy extends AsyncDisposable {
  readonly port: number;
  /** What stands is cut, unless it falls silent; what was silent is cut when that ends. */
  set(mode: ProxyMode): void;
  watch(watch: Watch | undefined): void;
}

/** The first line of a request is in them. */
const HEAD_BYTES = 300;

export async function faultyProxy(port: number, targetPort: number): Promise<FaultyProxy> {
  const state: ProxyState = { mode: 'pass', watch: undefined, cutsLeft: 0 };
  const open = new Set<Link>();
  const server = createServer((client) => {
    const link = new Link(client, targetPort, state);
    open.add(link);
    client.once('close', () => open.delete(link));
  });
  const cutAll = (): void => {
    for (const link of open) link.cut();
  };
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port,
    set: (mode) => {
      state.mode = mode;
      state.cutsLeft = typeof mode === 'object' && 'times' in mode ? mode.times : 0;
      if (mode !== 'silent') cutAll();
    },
    watch: (watch) => {
      state.watch = watch;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      cutAll();
      await closed;
    },
  };
}

interface ProxyState {
  mode: ProxyMode;
  watch: Watch | undefined;
  cutsLeft: number;
}

/** One connection of Wetread and the one behind it. */
class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #state: ProxyState;
  #awaited: Watch | undefined;
  #isCut = false;
  #answeredBytes = 0;

  constructor(client: Socket, targetPort: number, state: ProxyState) {
    this.#client = client;
    this.#state = state;
    this.#server = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    client.setNoDelay(true);
    for (const socket of [client, this.#server]) {
      socket.on('error', () => this.cut());
      socket.on('close', () => this.#end());
    }
    if (state.mode === 'refuse') this.cut();
    client.on('data', (bytes) => this.#ask(bytes));
    this.#server.on('data', (bytes) => this.#answer(bytes));
  }

  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  /** A server that closes has said everything; one that is silent does not even say that. */
  #end(): void {
    if (this.#state.mode === 'silent') return;
    this.#client.end();
    this.#server.end();
  }

  #ask(bytes: Buffer): void {
    const { mode, watch } = this.#state;
    if (mode === 'silent') return;
    if (typeof mode === 'object' && 'status' in mode) {
      this.#client.end(`HTTP/1.1 ${mode.status} Unwell\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    const head = bytes.subarray(0, HEAD_BYTES).toString('latin1');
    if (typeof mode === 'object' && 'times' in mode) this.#isCut = mode.request.test(head);
    if (watch?.request.test(head) === true) {
      if (watch.when === 'asked') {
        this.#tell(watch);
        return;
      }
      this.#awaited = watch;
    }
    this.#server.write(bytes);
  }

  #answer(bytes: Buffer): void {
    const { mode } = this.#state;
    if (mode === 'silent') return;
    if (this.#awaited !== undefined) {
      this.#tell(this.#awaited);
      return;
    }
    this.#answeredBytes += bytes.length;
    if (typeof mode === 'object' && 'times' in mode && this.#isCut && this.#state.cutsLeft > 0) {
      const over = this.#answeredBytes - mode.cutAfterBytes;
      if (over > 0) {
        this.#state.cutsLeft -= 1;
        this.#client.write(bytes.subarray(0, Math.max(0, bytes.length - over)), () => this.cut());
        return;
      }
    }
    this.#client.write(bytes);
  }

  #tell(watch: Watch): void {
    if (this.#state.watch !== watch) return;
    this.#state.watch = undefined;
    watch.act();
  }
}
