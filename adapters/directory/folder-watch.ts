/**
 * A folder as a source of studies: files that are put into it, at any depth, are stored in the embedded archive when they
 * have stopped growing, and their studies are named when no more come. It is looked into again and again, which works on
 * network shares too. Nothing is kept of it: the archive knows what it has, and which arrivals were not yet noticed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type { Clock, Log, StudySource } from '../../src/ports.ts';
import { RETRIES } from '../../src/retry.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import type { DirectoryArchive } from './archive.ts';
import { type FileLook, filesIn } from './folder-look.ts';
import type { StoreResult } from './instance.ts';
import { SettlingFiles } from './settling-files.ts';
import { Changed, contentOf, deleteFile, moveFile } from './taken-file.ts';

export interface FolderWatchOptions {
  readonly folder: string;
  readonly archive: Pick<DirectoryArchive, 'batch' | 'arrivals' | 'noticed' | 'hold' | 'letGo'>;
  /** How far apart two looks lie at least. */
  readonly intervalMs: number;
  /** A study to which nothing was added for so long is named. */
  readonly quietMs: number;
  /** What becomes of a file that is stored. */
  readonly after: 'keep' | 'move' | 'delete';
  /** Where it goes, for `move`. */
  readonly storedFolder?: string;
  /** Where files go that are not stored; without it they stay. */
  readonly refusedFolder?: string;
  /** Larger files are refused. */
  readonly maxFileBytes: number;
  readonly ports: { readonly log: Log; readonly clock: Clock };
}

type Notice = (hint: StudyHint) => Promise<void>;

/** Files that are made durable together. */
const BATCH = 32;
/** A folder into which files come all day is never quiet: a study that is quiet for so many times as long is named. */
const LONGEST_QUIET = 10;
/** A folder that takes long to look through is looked through at most a quarter of the time. */
const REST = 3;
/** Files that could not be read and wait for another try. */
const MOST_FAILING = 10_000;

export function folderWatch(options: FolderWatchOptions): StudySource {
  return new FolderWatch(options);
}

class FolderWatch implements StudySource {
  readonly name = 'folder-watch';
  readonly #options: FolderWatchOptions;
  readonly #files = new SettlingFiles();
  /** When a file of the study was last stored, by the clock that never runs backwards. */
  readonly #storedAt = new Map<StudyInstanceUid, number>();
  /** Files that could not be read, by path. */
  readonly #failing = new Map<string, { readonly failures: number; readonly againMs: number }>();
  #unreadable = 0;
  #isFaulty = false;
  #failures = 0;

  constructor(options: FolderWatchOptions) {
    this.#options = options;
  }

  async run(notice: Notice, signal: AbortSignal): Promise<void> {
    const { archive, ports } = this.#options;
    for (const { studyInstanceUid } of archive.arrivals()) {
      this.#storedAt.set(studyInstanceUid, ports.clock.monotonicMs());
    }
    while (!signal.aborted) {
      const pause = await this.#turn(notice, signal).catch((error: unknown) => this.#backOff(error, signal));
      await sleep(pause, undefined, { signal }).catch(() => {});
    }
    for (const studyInstanceUid of this.#storedAt.keys()) archive.letGo(studyInstanceUid);
  }

  /** @returns milliseconds until the next look */
  async #turn(notice: Notice, signal: AbortSignal): Promise<number> {
    const { clock } = this.#options.ports;
    const startedMs = clock.monotonicMs();
    const settled = await this.#look(signal);
    const tookMs = clock.monotonicMs() - startedMs;
    await this.#storeSettled(settled, signal);
    await this.#nameQuiet(notice, signal);
    this.#tellUnreadable();
    return Math.max(this.#options.intervalMs, REST * tookMs);
  }

  /** @returns the files that have stopped growing */
  async #look(signal: AbortSignal): Promise<readonly FileLook[]> {
    const settled: FileLook[] = [];
    this.#files.begin();
    this.#unreadable = 0;
    const onUnreadable = (): void => {
      this.#unreadable += 1;
    };
    for await (const file of filesIn(this.#options.folder, onUnreadable)) {
      signal.throwIfAborted();
      if (this.#files.isSettled(file)) settled.push(file);
    }
    this.#files.end();
    return settled;
  }

  async #storeSettled(files: readonly FileLook[], signal: AbortSignal): Promise<void> {
    const due = files.filter((file) => this.#isDue(file));
    for (let start = 0; start < due.length; start += BATCH) {
      signal.throwIfAborted();
      await this.#store(due.slice(start, start + BATCH));
    }
  }

  #isDue({ path }: FileLook): boolean {
    const failing = this.#failing.get(path);
    if (failing === undefined || failing.againMs <= this.#options.ports.clock.monotonicMs()) return true;
    this.#unreadable += 1;
    return false;
  }

  /** @throws WetreadError `disk-full` … where the archive takes nothing: the files are offered again */
  async #store(files: readonly FileLook[]): Promise<void> {
    const batch = this.#options.archive.batch();
    const added: FileLook[] = [];
    for (const file of files) {
      if (file.bytes > this.#options.maxFileBytes) await this.#refuse(file, new WetreadError('too-large', 'A file'));
      else if (await this.#offer(batch, file)) added.push(file);
    }
    const faults: WetreadError[] = [];
    for (const [index, result] of (await batch.finish()).entries()) {
      if (result.kind === 'failed') faults.push(result.error);
      else await this.#settle(added[index]!, result);
    }
    if (faults[0] !== undefined) throw faults[0];
  }

  /** @returns whether the archive has it; it may have changed, or not be readable */
  async #offer(batch: ReturnType<DirectoryArchive['batch']>, file: FileLook): Promise<boolean> {
    try {
      await batch.add(contentOf(this.#options.folder, file));
      this.#failing.delete(file.path);
      return true;
    } catch (error) {
      if (!(error instanceof Changed)) this.#failed(file);
      return false;
    }
  }

  /** The archive has the file on disk by now, or refused it. */
  async #settle(file: FileLook, result: Exclude<StoreResult, { kind: 'failed' }>): Promise<void> {
    if (result.kind === 'refused') return this.#refuse(file);
    const { archive, folder, after, storedFolder, ports } = this.#options;
    if (!result.repeated) {
      const { studyInstanceUid } = result.identity;
      archive.hold(studyInstanceUid);
      this.#storedAt.set(studyInstanceUid, ports.clock.monotonicMs());
    }
    await this.#putAway(file, async () => {
      if (after === 'delete') await deleteFile(folder, file);
      else if (after === 'move') await moveFile(folder, file, storedFolder!);
    });
  }

  /** The archive tells why; of a file that it was not offered, the log does. */
  async #refuse(file: FileLook, error?: WetreadError): Promise<void> {
    if (error !== undefined) this.#tellFault(error);
    const { folder, refusedFolder } = this.#options;
    await this.#putAway(file, async () => {
      if (refusedFolder !== undefined) await moveFile(folder, file, refusedFolder);
    });
  }

  /** A file that cannot be put away is done with all the same. */
  async #putAway(file: FileLook, put: () => Promise<void>): Promise<void> {
    this.#files.take(file);
    try {
      await put();
    } catch (error) {
      if (!(error instanceof Changed)) this.#unreadable += 1;
    }
  }

  /** Studies to which nothing was added for the quiet period. What could not be committed is named at the next look. */
  async #nameQuiet(notice: Notice, signal: AbortSignal): Promise<void> {
    const { archive, ports } = this.#options;
    const faults: unknown[] = [];
    const nowMs = ports.clock.monotonicMs();
    const quiet = [...this.#storedAt].flatMap(([uid, storedAt]) => (this.#isQuiet(nowMs - storedAt) ? [uid] : []));
    for (const studyInstanceUid of quiet) archive.letGo(studyInstanceUid);
    const arrivals = new Map(archive.arrivals().map((arrival) => [arrival.studyInstanceUid, arrival]));
    for (const studyInstanceUid of quiet) {
      signal.throwIfAborted();
      const arrival = arrivals.get(studyInstanceUid);
      try {
        // Without an arrival somebody else was faster, such as the catching up after a hint that was not committed.
        if (arrival !== undefined) {
          await notice({ studyInstanceUid, rung: 'counts-unchanged' });
          archive.noticed(arrival);
        }
        this.#storedAt.delete(studyInstanceUid);
      } catch (error) {
        faults.push(error);
      }
    }
    if (faults.length > 0) throw faults[0];
    this.#failures = 0;
  }

  #isQuiet(ms: number): boolean {
    const { quietMs } = this.#options;
    return ms >= quietMs && (this.#files.unsettled === 0 || ms >= LONGEST_QUIET * quietMs);
  }

  #failed({ path }: FileLook): void {
    const failures = (this.#failing.get(path)?.failures ?? 0) + 1;
    const againMs = this.#options.ports.clock.monotonicMs() + delayMs(failures);
    this.#failing.delete(path);
    this.#failing.set(path, { failures, againMs });
    const [oldest] = this.#failing.keys();
    if (this.#failing.size > MOST_FAILING && oldest !== undefined) this.#failing.delete(oldest);
    this.#unreadable += 1;
  }

  /** Told once when it begins, and once when everything can be read again. */
  #tellUnreadable(): void {
    const { log } = this.#options.ports;
    const isFaulty = this.#unreadable > 0;
    if (isFaulty && !this.#isFaulty) {
      const instances = this.#unreadable;
      log.write('source-fault', { source: this.name, errorCode: 'folder-unreachable', instances });
    }
    if (!isFaulty && this.#isFaulty) log.write('source-recovered', { source: this.name });
    this.#isFaulty = isFaulty;
  }

  /** @returns milliseconds until the next try */
  #backOff(error: unknown, signal: AbortSignal): number {
    if (signal.aborted) return 0;
    this.#failures += 1;
    this.#isFaulty = true;
    const durationMs = delayMs(this.#failures);
    this.#tellFault(error, { attempt: this.#failures, durationMs });
    return durationMs;
  }

  #tellFault(error: unknown, about: { readonly attempt?: number; readonly durationMs?: number } = {}): void {
    const { code } = WetreadError.from(error);
    this.#options.ports.log.write('source-fault', { source: this.name, errorCode: code, ...about });
  }
}

function delayMs(failures: number): number {
  const { delaysSeconds } = RETRIES['looking into a watched folder that cannot be read'];
  return delaysSeconds[Math.min(failures, delaysSeconds.length) - 1]! * 1000;
}
