/** Events of a worklist on a WebSocket (PS3.18 8.10.4 and 8.10.5). */
import type { DicomDataSet, DicomElement } from '../../src/dicom-json.ts';
import { numberOf, stringOf } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import { isUid } from '../../src/uid.ts';

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

export class EventSocket implements Disposable {
  readonly #socket: WebSocket;
  readonly url: string;

  private constructor(socket: WebSocket, url: string) {
    this.#socket = socket;
    this.url = url;
  }

  /** @throws WetreadError `worklist-unreachable`, or the reason of the signal */
  static async open(
    url: string,
    headers: Readonly<Record<string, string>> | undefined,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<EventSocket> {
    const socket = new WebSocket(url, { ...(headers && { headers }) });
    const opened = Promise.withResolvers<void>();
    const fail = (): void => opened.reject(new WetreadError('worklist-unreachable', 'No socket for events'));
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    socket.addEventListener('open', () => opened.resolve());
    socket.addEventListener('error', fail);
    socket.addEventListener('close', fail);
    limit.addEventListener('abort', fail);
    try {
      await opened.promise;
      return new EventSocket(socket, url);
    } catch (error) {
      socket.close();
      throw signal.aborted ? WetreadError.from(signal.reason, 'timeout') : error;
    } finally {
      limit.removeEventListener('abort', fail);
    }
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** What is no event of a work item is left out: the worklist is asked again in any case. */
  listen(onEvent: (event: WorkitemEvent) => void, onClose: () => void): void {
    this.#socket.addEventListener('message', ({ data }) => {
      const event = typeof data === 'string' ? eventOf(data) : undefined;
      if (event !== undefined) onEvent(event);
    });
    this.#socket.addEventListener('close', onClose);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
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
