/**
 * How instances enter the archive: checked as they come, made durable in groups. An instance counts as stored when its
 * bytes, its name and its row are on disk; groups share the cost of syncing folders and index.
 */
import { join } from 'node:path';
import { type DicomDataSet, personNameOf, stringOf } from '../../src/dicom-json.ts';
import { type Reason, reason, type Skipped } from '../../src/reasons.ts';
import { pathOf, publishFile, type ReceivedFile, removeFile, storageError, syncFile, syncFolder } from './files.ts';
import type { InstanceIdentity } from './instance.ts';
import type { IndexedInstance, InstanceIndex } from './instance-index.ts';

/** Instances that wait for one sync together. */
const GROUP = 32;

/** An instance on its way to disk. */
export interface PendingInstance {
  readonly identity: InstanceIdentity;
  /** Settles when the instance is durable, or could not be made so. */
  readonly durable: Promise<void>;
  /** The same bytes were offered before. */
  readonly repeated: boolean;
}

interface Waiting {
  readonly from: string;
  readonly instance: Omit<IndexedInstance, 'modifiedMs'>;
  readonly done: PromiseWithResolvers<void>;
}

/** `already`: in the archive, byte for byte. */
export type Verdict = 'new' | 'already' | Reason;

export class Intake {
  readonly #root: string;
  readonly #index: InstanceIndex;
  /** By SOP Instance UID, until the index knows them. */
  readonly #waiting = new Map<string, Waiting>();
  #group: Waiting[] = [];

  constructor(root: string, index: InstanceIndex) {
    this.#root = root;
    this.#index = index;
  }

  /**
   * Judges a received file and, unless it is refused, keeps it for the next group. Takes the file over in every case.
   * No `await` lies between the judgement and the note of it, so that two requests cannot both be first.
   */
  async admit(
    file: ReceivedFile,
    identity: InstanceIdentity,
    dataSet: DicomDataSet,
    own: boolean,
  ): Promise<PendingInstance | Skipped> {
    const verdict = this.judge(identity, dataSet, file.sha256);
    if (verdict === 'new') {
      const waiting = this.#enqueue(file, identity, dataSet, own);
      if (this.#group.length >= GROUP) await this.flush();
      return { identity, durable: waiting.done.promise, repeated: false };
    }
    const durable = this.#waiting.get(identity.sopInstanceUid)?.done.promise ?? Promise.resolve();
    await removeFile(file.path);
    return verdict === 'already' ? { identity, durable, repeated: true } : { skipped: verdict };
  }

  judge(identity: InstanceIdentity, dataSet: DicomDataSet, sha256: string): Verdict {
    const { sopInstanceUid, studyInstanceUid } = identity;
    const before = this.#waiting.get(sopInstanceUid)?.instance ?? this.#index.instance(sopInstanceUid);
    if (before !== undefined) return before.sha256 === sha256 ? 'already' : reason('uid-conflict');
    const study = this.#studyOf(studyInstanceUid);
    const agrees = study === undefined || samePatient(study, dataSet);
    return agrees ? 'new' : reason('patient-conflict');
  }

  /** Makes everything that waits durable. Never throws: each instance learns its own fate. */
  async flush(): Promise<void> {
    const group = this.#group;
    this.#group = [];
    const named = await Promise.all(group.map((waiting) => this.#attempt(waiting, () => this.#name(waiting))));
    const present = named.filter((one) => one !== undefined);
    const folders = new Set(present.flatMap(({ folders }) => folders));
    try {
      await Promise.all([...folders].map(syncFolder));
      if (present.length > 0) this.#index.insert(present.map(({ indexed }) => indexed));
      for (const { waiting } of present) this.#settle(waiting);
    } catch (error) {
      await Promise.all(
        present.map(({ waiting, indexed }) => this.#fail(waiting, error, join(this.#root, indexed.path))),
      );
    }
  }

  #enqueue(file: ReceivedFile, identity: InstanceIdentity, dataSet: DicomDataSet, own: boolean): Waiting {
    const { path: from, bytes, sha256 } = file;
    const done = Promise.withResolvers<void>();
    // Whoever offered it hears of a failure; nobody else needs to.
    done.promise.catch(() => undefined);
    const waiting = { from, instance: { identity, dataSet, path: pathOf(identity), bytes, sha256, own }, done };
    this.#waiting.set(identity.sopInstanceUid, waiting);
    this.#group.push(waiting);
    return waiting;
  }

  async #name(waiting: Waiting): Promise<{ waiting: Waiting; indexed: IndexedInstance; folders: readonly string[] }> {
    const modifiedMs = await syncFile(waiting.from);
    const folders = await publishFile(waiting.from, this.#root, waiting.instance.path);
    return { waiting, indexed: { ...waiting.instance, modifiedMs }, folders };
  }

  async #attempt<T>(waiting: Waiting, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      await this.#fail(waiting, error, waiting.from);
      return undefined;
    }
  }

  async #fail(waiting: Waiting, error: unknown, leftover: string): Promise<void> {
    await removeFile(leftover).catch(() => undefined);
    this.#waiting.delete(waiting.instance.identity.sopInstanceUid);
    waiting.done.reject(storageError(error));
  }

  #settle(waiting: Waiting): void {
    this.#waiting.delete(waiting.instance.identity.sopInstanceUid);
    waiting.done.resolve();
  }

  #studyOf(studyInstanceUid: string): DicomDataSet | undefined {
    const known = this.#index.study(studyInstanceUid);
    if (known !== undefined) return known;
    for (const { instance } of this.#waiting.values()) {
      if (instance.identity.studyInstanceUid === studyInstanceUid) return instance.dataSet;
    }
    return undefined;
  }
}

/**
 * Patient ID decides, with its issuer and the birth date where both sides give them; without Patient IDs, the name.
 * Names alone are no reason to refuse: people marry, and spellings vary.
 */
function samePatient(study: DicomDataSet, offered: DicomDataSet): boolean {
  const agree = (tag: string): boolean => {
    const [a, b] = [stringOf(study, tag), stringOf(offered, tag)];
    return a === undefined || b === undefined || a === b;
  };
  const [id, offeredId] = [stringOf(study, '00100020'), stringOf(offered, '00100020')];
  if (id !== offeredId) return false;
  if (id === undefined && personNameOf(study, '00100010') !== personNameOf(offered, '00100010')) return false;
  return agree('00100021') && agree('00100030');
}
