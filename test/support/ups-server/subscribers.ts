/** Who is told of which work item (PS3.4 CC.2.3), and the sockets on which they are told (PS3.18 8.10.4). */
import { WebSocket } from 'ws';
import { type DicomDataSet, stringOf } from '../../../src/dicom-json.ts';
import { isMatch, type Keys } from './matching.ts';
import type { WorkitemEvent, Worklist } from './worklist.ts';

/** Well-known UIDs of PS3.4 CC.2.3.1. */
export const GLOBAL = '1.2.840.10008.5.1.4.34.5';
export const FILTERED = '1.2.840.10008.5.1.4.34.5.1';
const UPS_EVENT_SOP_CLASS = '1.2.840.10008.5.1.4.34.6.4';

export class Subscribers {
  readonly #worklist: Worklist;
  /** Subscriber to filter, for those who are told of items to come; the empty filter is the global subscription. */
  readonly #global = new Map<string, Keys>();
  /** Item to its subscribers. */
  readonly #subscribed = new Map<string, Set<string>>();
  readonly #sockets = new Map<string, Set<WebSocket>>();
  #messageId = 0;

  constructor(worklist: Worklist) {
    this.#worklist = worklist;
    worklist.onEvent = (event) => this.#tell(event);
  }

  /** @returns whether there is such an item. Whoever subscribes is told the state of now. */
  subscribe(workitemUid: string, subscriber: string, keys: Keys, deletionLock: boolean): boolean {
    if (workitemUid !== GLOBAL && workitemUid !== FILTERED) {
      if (this.#worklist.get(workitemUid) === undefined) return false;
      this.#add(workitemUid, subscriber);
      this.#send(subscriber, this.#worklist.stateReport(workitemUid));
      return true;
    }
    this.#global.set(subscriber, keys);
    for (const dataSet of this.#worklist.all()) {
      const uid = stringOf(dataSet, '00080018')!;
      if (!isMatch(dataSet, keys)) continue;
      this.#add(uid, subscriber);
      // Without a lock no initial states are sent (PS3.4 CC.2.4.3).
      if (deletionLock) this.#send(subscriber, this.#worklist.stateReport(uid));
    }
    return true;
  }

  unsubscribe(workitemUid: string, subscriber: string): void {
    if (workitemUid !== GLOBAL && workitemUid !== FILTERED) {
      this.#subscribed.get(workitemUid)?.delete(subscriber);
      return;
    }
    this.#global.delete(subscriber);
    for (const subscribers of this.#subscribed.values()) subscribers.delete(subscriber);
  }

  /** Items that are there stay subscribed, those to come are not. */
  suspend(subscriber: string): void {
    this.#global.delete(subscriber);
  }

  listen(subscriber: string, socket: WebSocket): void {
    const sockets = this.#sockets.get(subscriber) ?? new Set();
    this.#sockets.set(subscriber, sockets.add(socket));
    socket.on('close', () => sockets.delete(socket));
  }

  isListening(subscriber: string): boolean {
    return (this.#sockets.get(subscriber)?.size ?? 0) > 0;
  }

  /** Whether anyone who would hear of the item has a socket open. */
  get anyoneListens(): boolean {
    return [...this.#sockets.keys()].some((subscriber) => this.isListening(subscriber));
  }

  #tell(event: WorkitemEvent): void {
    const dataSet = this.#worklist.get(event.workitemUid)!;
    if (event.eventTypeId === 1 && !this.#subscribed.has(event.workitemUid)) this.#subscribeNew(event, dataSet);
    for (const subscriber of this.#subscribed.get(event.workitemUid) ?? []) this.#send(subscriber, event);
  }

  #subscribeNew({ workitemUid }: WorkitemEvent, dataSet: DicomDataSet): void {
    for (const [subscriber, keys] of this.#global) {
      if (isMatch(dataSet, keys)) this.#add(workitemUid, subscriber);
    }
  }

  #add(workitemUid: string, subscriber: string): void {
    const subscribers = this.#subscribed.get(workitemUid) ?? new Set();
    this.#subscribed.set(workitemUid, subscribers.add(subscriber));
  }

  /** Nothing is kept for who is not there: the standard does not ask for it. */
  #send(subscriber: string, { workitemUid, eventTypeId, dataSet }: WorkitemEvent): void {
    this.#messageId += 1;
    const report = {
      '00000002': { vr: 'UI', Value: [UPS_EVENT_SOP_CLASS] },
      '00000100': { vr: 'US', Value: [0x0100] },
      '00000110': { vr: 'US', Value: [this.#messageId] },
      '00000800': { vr: 'US', Value: [0] },
      '00001000': { vr: 'UI', Value: [workitemUid] },
      '00001002': { vr: 'US', Value: [eventTypeId] },
      ...dataSet,
    };
    for (const socket of this.#sockets.get(subscriber) ?? []) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(report));
    }
  }
}
