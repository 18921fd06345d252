/** Events of a worklist on a WebSocket (PS3.18 8.10.4 and 8.10.5). */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Asking } from '../../src/asking.ts';
import type { DicomDataSet, DicomElement } from '../../src/dicom-json.ts';
import { numberOf, stringOf } from '../../src/dicom-json.ts';
import { isUid } from '../../src/uid.ts';
import { askedOf, faultOf, type HttpOptions } from './http.ts';

/** What an event says (PS3.4 CC.2.4); everything else is asked of the server. */
export interface WorkitemEvent {
  readonly workitemUid: string;
  readonly type: 'state' | 'cancel-requested' | 'progress' | 'server-status' | 'assigned';
  /** Procedure Step State (0074,1000), of a state report. */
  readonly state?: string;
  /** Procedure Step Discontinuation Reason Code Sequence (0074,100E), as the requester of a cancel proposes it. */
  readonly reasonCode?: DicomElement;
}

/** Event Type ID (0000,1002). */
const TYPES: readonly (WorkitemEvent['type'] | undefined)[] = [
  undefined,
  'state',
  'cancel-requested',
  'progress',
  'server-status',
  'assigned',
];

/** A connection that is silent for so long after a ping is dead, whatever TCP thinks of it. */
const PING_MS = 30_000;
/** An event is a few hundred bytes. */
const MAX_BYTES = 1024 * 1024;

export class EventSocket implements Disposable {
  readonly #socket: WebSocket;
  readonly url: string;

  private constructor(socket: WebSocket, url: string) {
    this.#socket = socket;
    this.url = url;
  }

  /** @throws WetreadError `worklist-unreachable`, `certificate-refused`, what the credentials throw, or the reason of the signal */
  static async open(url: string, options: HttpOptions, signal: AbortSignal): Promise<EventSocket> {
    const asking = new Asking(askedOf(options), { method: 'GET', url: url.replace(/^ws/, 'http') }, signal);
    const socket = new WebSocket(url, {
      ...options.tls?.(),
      headers: await asking.credentials(),
      handshakeTimeout: options.timeoutMs,
      maxPayload: MAX_BYTES,
    });
    const close = (): void => socket.terminate();
    signal.addEventListener('abort', close);
    try {
      await once(socket, 'open');
      // A fault ends in `close`, which is listened to.
      socket.on('error', () => {});
      return new EventSocket(socket, url);
    } catch (cause) {
      throw faultOf(cause, signal);
    } finally {
      signal.removeEventListener('abort', close);
    }
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** What is no event of a work item is left out: the worklist is asked again in any case. */
  listen(onEvent: (event: WorkitemEvent) => void, onClose: () => void): void {
    const socket = this.#socket;
    let isAlive = true;
    const pulse = setInterval(() => {
      if (!isAlive) return socket.terminate();
      isAlive = false;
      socket.ping();
    }, PING_MS);
    socket.on('pong', () => {
      isAlive = true;
    });
    socket.on('message', (data, isBinary) => {
      const event = isBinary ? undefined : eventOf(String(data as Buffer));
      if (event !== undefined) onEvent(event);
    });
    socket.on('close', () => {
      clearInterval(pulse);
      onClose();
    });
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}

function eventOf(text: string): WorkitemEvent | undefined {
  const dataSet = parsed(text) ?? {};
  const [workitemUid, state] = [stringOf(dataSet, '00001000'), stringOf(dataSet, '00741000')];
  const type = TYPES[numberOf(dataSet, '00001002') ?? 0];
  if (workitemUid === undefined || !isUid(workitemUid) || type === undefined) return undefined;
  const reasonCode = dataSet['0074100E'];
  return { workitemUid, type, ...(state !== undefined && { state }), ...(reasonCode !== undefined && { reasonCode }) };
}

function parsed(text: string): DicomDataSet | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    const dataSet: unknown = Array.isArray(value) ? value[0] : value;
    return typeof dataSet === 'object' && dataSet !== null ? (dataSet as DicomDataSet) : undefined;
  } catch {
    return undefined;
  }
}
