/**
 * Takes work items on and brings each to its end: claims it, has its studies noticed, tells how far the reading is, and
 * completes or cancels it as the ledger says that the studies ended. What it must know after a crash stands in the item
 * itself: the performer that is written into it says that its studies were noticed.
 */
import { isFinal } from '../../src/arrival/lifecycle.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import type { DicomDataSet, DicomElement } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Clock, Ledger, Log, StudyRecord } from '../../src/ports.ts';
import { reason } from '../../src/reasons.ts';
import {
  cancellationUpdate,
  completionUpdate,
  type Performer,
  progressOf,
  progressUpdate,
  type StartedWorkitem,
  startedWorkitem,
  startUpdate,
} from './performed.ts';
import { type InputStudy, isAskedFor, type Workitem, type WorkitemMatch, workitemOf } from './workitem.ts';
import type { WorklistClient } from './worklist-client.ts';

export interface PerformerOptions {
  readonly client: WorklistClient;
  readonly performer: Performer;
  readonly match: WorkitemMatch;
  /** Items that are claimed here and not ended. */
  readonly atOnce: number;
  /** How long an item is left to whom claimed it, before the studies that nobody seems to have noticed are. */
  readonly adoptAfterMs: number;
  readonly transactionUid: (workitemUid: string) => string;
  readonly notice: (hint: StudyHint) => Promise<void>;
  readonly source: string;
  readonly ledger: Pick<Ledger, 'get' | 'move'>;
  readonly log: Log;
  readonly clock: Clock;
}

/** An item in progress under a lock of ours. */
interface HeldItem {
  readonly workitem: StartedWorkitem;
  readonly claimedHere: boolean;
  /** Studies that the ledger has. */
  readonly noticed: Set<InputStudy>;
  /** Everyone can see that it is ours, and its studies are noticed. */
  isStarted: boolean;
  percent: number;
  cancelRequest?: { readonly reasonCode?: DicomElement };
}

export class WorkitemPerformer {
  readonly #options: PerformerOptions;
  readonly #held = new Map<string, HeldItem>();
  /** In progress, and not ours. */
  readonly #foreign = new Set<string>();
  /** In progress without a word of who is at it: since when that is known. */
  readonly #unclear = new Map<string, number>();
  /** Items that wait for a free place; they are looked for once there is one. */
  #backlog = false;

  constructor(options: PerformerOptions) {
    this.#options = options;
  }

  get isBusy(): boolean {
    return this.#held.size > 0;
  }

  /** Whether items were left that could be claimed now. */
  get hasRoomForBacklog(): boolean {
    return this.#backlog && this.#hasRoom;
  }

  holds(workitemUid: string): boolean {
    return this.#held.has(workitemUid);
  }

  /**
   * What a search has found.
   * @returns items to look at: those in progress first, since they may be ours
   */
  found(scheduled: readonly string[], inProgress: readonly string[]): readonly string[] {
    const listed = new Set(inProgress);
    for (const uid of [...this.#foreign].filter((known) => !listed.has(known))) this.#foreign.delete(uid);
    for (const uid of [...this.#unclear.keys()].filter((known) => !listed.has(known))) this.#unclear.delete(uid);
    this.#backlog = false;
    const unknown = inProgress.filter((uid) => !this.#held.has(uid) && !this.#foreign.has(uid));
    const vanished = [...this.#held.keys()].filter((uid) => !listed.has(uid));
    return [...unknown, ...vanished, ...scheduled];
  }

  cancelRequested(workitemUid: string, reasonCode: DicomElement | undefined): void {
    const held = this.#held.get(workitemUid);
    if (held !== undefined) held.cancelRequest = reasonCode === undefined ? {} : { reasonCode };
  }

  /** Asks the server for the item, and claims it, goes on with it, or leaves it. */
  async look(workitemUid: string, signal: AbortSignal): Promise<void> {
    const { client, match } = this.#options;
    const dataSet = await client.retrieve(workitemUid, signal);
    const workitem = dataSet && workitemOf(dataSet);
    if (workitem === undefined || hasEnded(workitem)) return this.#forget(workitemUid, workitem);
    if (this.#held.has(workitemUid) || !isAskedFor(dataSet!, match)) return;
    if (workitem.state === 'IN PROGRESS') await this.#adopt(workitem, signal);
    else if (workitem.isReady) await this.#claim(workitem, signal);
  }

  /** The next step of every item that is held. Throws the first fault, after the others have had their turn. */
  async proceed(signal: AbortSignal): Promise<void> {
    await inTurn([...this.#held.values()], async (held) => {
      if (held.cancelRequest !== undefined) await this.#withdraw(held, signal);
      else if (held.isStarted) await this.#report(held, signal);
      else await this.#start(held, signal);
    });
  }

  get #hasRoom(): boolean {
    const claimed = [...this.#held.values()].filter(({ claimedHere }) => claimedHere);
    return claimed.length < this.#options.atOnce;
  }

  async #claim(workitem: Workitem, signal: AbortSignal): Promise<void> {
    if (!this.#hasRoom) {
      this.#backlog = true;
      return;
    }
    const { client, transactionUid } = this.#options;
    const { workitemUid } = workitem;
    const isOurs = await client.changeState(workitemUid, 'IN PROGRESS', transactionUid(workitemUid), signal);
    // Whoever was first reads it.
    if (!isOurs) return;
    this.#log('workitem-claimed', workitem);
    await this.#start(this.#hold(workitem, true), signal);
  }

  /** An item that is in progress and not known here: claimed before a restart, by another replica, or by others. */
  async #adopt(workitem: Workitem, signal: AbortSignal): Promise<void> {
    const { client, performer, transactionUid } = this.#options;
    const { workitemUid, performedStation, progress } = workitem;
    const saysOurs = performedStation === performer.aeTitle;
    if (!saysOurs && (performedStation !== undefined || !this.#isLeftAlone(workitemUid))) return;
    const probe = progressUpdate(progress, 'in progress');
    if (await client.update(workitemUid, transactionUid(workitemUid), probe, signal)) {
      const held = this.#hold(workitem, false);
      held.isStarted = saysOurs;
      if (!saysOurs) await this.#start(held, signal);
      return;
    }
    this.#foreign.add(workitemUid);
    if (saysOurs) await this.#lost(workitem);
  }

  /** A claim is followed by the performer's name at once; without it, whoever claimed has died, or never says it. */
  #isLeftAlone(workitemUid: string): boolean {
    const now = this.#options.clock.monotonicMs();
    const since = this.#unclear.get(workitemUid) ?? now;
    this.#unclear.set(workitemUid, since);
    return now - since >= this.#options.adoptAfterMs;
  }

  #hold(workitem: Workitem, claimedHere: boolean): HeldItem {
    const { workitemUid, progress: percent } = workitem;
    const started = startedWorkitem(workitem, this.#options.clock.now());
    const held = { workitem: started, claimedHere, noticed: new Set<InputStudy>(), isStarted: false, percent };
    this.#held.set(workitemUid, held);
    this.#unclear.delete(workitemUid);
    return held;
  }

  /** The studies are noticed before the item says who is at it: a crash in between repeats a hint and loses none. */
  async #start(held: HeldItem, signal: AbortSignal): Promise<void> {
    const { workitem, noticed } = held;
    for (const study of workitem.studies) {
      if (noticed.has(study)) continue;
      const record = await this.#options.ledger.get(study.studyInstanceUid);
      if (!covers(record, study)) await this.#notice(workitem, study);
      noticed.add(study);
    }
    held.isStarted = await this.#update(held, startUpdate(workitem, this.#options.performer), signal);
  }

  #notice({ priority, patientDigest }: Workitem, study: InputStudy): Promise<void> {
    return this.#options.notice({
      ...study,
      rung: 'source-says',
      priority,
      ...(patientDigest !== undefined && { patientDigest }),
    });
  }

  async #report(held: HeldItem, signal: AbortSignal): Promise<void> {
    const progress = progressOf(await this.#records(held));
    if (progress.kind === 'canceled') return this.#cancel(held, progress.reason, undefined, signal);
    if (progress.kind === 'completed') return this.#complete(held, signal);
    const { percent, description } = progress;
    if (percent > held.percent && (await this.#update(held, progressUpdate(percent, description), signal))) {
      held.percent = percent;
    }
  }

  /** A study that this item brought is left unread; one whose draft is being filed is finished, and the item with it. */
  async #withdraw(held: HeldItem, signal: AbortSignal): Promise<void> {
    const records = await this.#records(held);
    if (records.some((record) => record?.state === 'drafted')) return;
    if (progressOf(records).kind === 'completed') return this.#complete(held, signal);
    const { ledger, source } = this.#options;
    for (const record of records) {
      if (record === undefined || record.source !== source || isFinal(record.state)) continue;
      for (const step of ['park', 'close'] as const) {
        await ledger.move(record.studyInstanceUid, step, reason('order-withdrawn'));
      }
    }
    await this.#cancel(held, 'Canceled on request', held.cancelRequest?.reasonCode, signal);
  }

  async #complete(held: HeldItem, signal: AbortSignal): Promise<void> {
    const { performer, clock } = this.#options;
    const changes = completionUpdate(held.workitem, performer, await this.#records(held), clock.now());
    await this.#end(held, 'COMPLETED', changes, signal);
  }

  #cancel(held: HeldItem, reason: string, code: DicomElement | undefined, signal: AbortSignal): Promise<void> {
    return this.#end(held, 'CANCELED', cancellationUpdate(reason, this.#options.clock.now(), code), signal);
  }

  async #end(
    held: HeldItem,
    state: 'COMPLETED' | 'CANCELED',
    changes: DicomDataSet,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, transactionUid } = this.#options;
    const { workitemUid } = held.workitem;
    if (!(await this.#update(held, changes, signal))) return;
    if (await client.changeState(workitemUid, state, transactionUid(workitemUid), signal)) {
      this.#forget(workitemUid, { ...held.workitem, state });
    } else await this.#refused(held, 'worklist-refused', signal);
  }

  /** @returns whether the item has the changes; one that has it not any more, or never had our lock, is let go */
  async #update(held: HeldItem, changes: DicomDataSet, signal: AbortSignal): Promise<boolean> {
    const { client, transactionUid } = this.#options;
    const { workitemUid } = held.workitem;
    if (await client.update(workitemUid, transactionUid(workitemUid), changes, signal)) return true;
    await this.#refused(held, 'worklist-claim-lost', signal);
    return false;
  }

  async #refused(
    held: HeldItem,
    errorCode: 'worklist-claim-lost' | 'worklist-refused',
    signal: AbortSignal,
  ): Promise<void> {
    const { workitemUid } = held.workitem;
    const dataSet = await this.#options.client.retrieve(workitemUid, signal);
    const workitem = dataSet && workitemOf(dataSet);
    if (workitem === undefined || hasEnded(workitem)) return this.#forget(workitemUid, workitem);
    this.#held.delete(workitemUid);
    this.#foreign.add(workitemUid);
    this.#fault(workitemUid, errorCode);
  }

  /** The item stays as it is until someone at the server ends it; its studies are read all the same. */
  async #lost(workitem: Workitem): Promise<void> {
    this.#fault(workitem.workitemUid, 'worklist-claim-lost');
    for (const study of workitem.studies) {
      const record = await this.#options.ledger.get(study.studyInstanceUid);
      if (record === undefined) await this.#notice(workitem, study);
    }
  }

  #records({ workitem }: HeldItem): Promise<readonly (StudyRecord | undefined)[]> {
    return Promise.all(workitem.studies.map(({ studyInstanceUid }) => this.#options.ledger.get(studyInstanceUid)));
  }

  #forget(workitemUid: string, workitem: Workitem | undefined): void {
    const held = this.#held.get(workitemUid);
    if (held === undefined) return;
    this.#held.delete(workitemUid);
    this.#log('workitem-ended', workitem ?? held.workitem, workitem?.state ?? 'gone');
  }

  #log(event: 'workitem-claimed' | 'workitem-ended', { workitemUid, studies }: Workitem, state?: string): void {
    const [study] = studies;
    this.#options.log.write(event, {
      source: this.#options.source,
      workitemUid,
      ...(study && { studyInstanceUid: study.studyInstanceUid }),
      ...(state !== undefined && { state }),
    });
  }

  #fault(workitemUid: string, errorCode: string): void {
    this.#options.log.write('source-fault', { source: this.#options.source, workitemUid, errorCode });
  }
}

function hasEnded({ state }: Workitem): boolean {
  return state === 'COMPLETED' || state === 'CANCELED';
}

/** Whether a reading that is under way, or done, is of all images that the item names: a hint would repeat it. */
function covers(record: StudyRecord | undefined, { expectedInstances }: InputStudy): boolean {
  if (record?.completeness === undefined || expectedInstances === undefined) return false;
  const isRead = ['reading', 'drafted', 'filed', 'signed'].includes(record.state);
  return isRead && record.completeness.counts.instances >= expectedInstances;
}

/** One after the other; a fault of one holds up no other, unless the server itself is away. */
export async function inTurn<T>(items: readonly T[], step: (item: T) => Promise<void>): Promise<void> {
  let first: WetreadError | undefined;
  for (const item of items) {
    try {
      await step(item);
    } catch (cause) {
      const error = WetreadError.from(cause);
      if (error.code === 'worklist-unreachable' || error.code === 'timeout') throw error;
      first ??= error;
    }
  }
  if (first !== undefined) throw first;
}
