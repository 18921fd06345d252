/**
 * The embedded archive: a folder of Part 10 files and an index beside them, behaving like a DICOMweb server
 * (PS3.18 sections 10.4 to 10.6). One process owns the folder.
 *
 * `instances/` holds the files under their UIDs, `incoming/` what has not arrived yet, `index.sqlite` what searches need,
 * `lock.sqlite` nothing but the lock.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Series, Study } from '../../src/arrival/study.ts';
import { readStudyHeader } from '../../src/arrival/study-header.ts';
import { type DicomDataSet, itemsOf, numberOf, stringOf } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import type { ImageArchive, StoreOutcome } from '../../src/ports.ts';
import { type Cause, isSkipped, type Skipped } from '../../src/reasons.ts';
import type { SeriesInstanceUid, SopInstanceUid, StudyInstanceUid } from '../../src/uid.ts';
import type { DicomFile } from '../../src/writeback/artifact.ts';
import { MANUFACTURER } from '../../src/writeback/modules.ts';
import { type BatchOptions, StoreBatch } from './batch.ts';
import { failureReasonOf } from './failure-reason.ts';
import { emptyFolder, storageError } from './files.ts';
import { lockFolder } from './folder-lock.ts';
import type { InstanceIdentity, InstanceInspector, Refusal, StoredInstance } from './instance.ts';
import {
  type Arrival,
  dataSetOf,
  type IndexRow,
  type InstanceIndex,
  type InstanceSelector,
  openInstanceIndex,
  text,
} from './instance-index.ts';
import { Intake } from './intake.ts';
import { reconcile } from './reconcile.ts';
import { type SearchQuery, type SearchResult, search } from './search.ts';

export interface DirectoryArchiveOptions extends InstanceInspector {
  readonly folder: string;
  /** Hears of every refused instance, also at start. Patient data never reaches it. */
  readonly onRefused?: (refusal: Refusal) => void;
  /** Whether a data set is a result of this product; the default looks for its name as manufacturer of SR and SEG. */
  readonly ownResult?: (dataSet: DicomDataSet) => boolean;
}

/** Studies of one Accession Number. */
const MOST_OF_AN_ORDER = 100;

export interface StoredOne {
  readonly studyInstanceUid: StudyInstanceUid;
  /** The same bytes were there before. */
  readonly repeated: boolean;
}

/**
 * Opens the folder, making it where it does not exist, and reads in what the index does not know.
 * @throws WetreadError `conflict` where another process has it open, `disk-full` where not even the index finds room.
 */
export async function directoryArchive(options: DirectoryArchiveOptions): Promise<DirectoryArchive> {
  const { folder } = options;
  await using stack = new AsyncDisposableStack();
  try {
    await mkdir(join(folder, 'instances'), { recursive: true });
    const lock = stack.use(lockFolder(join(folder, 'lock.sqlite')));
    await emptyFolder(join(folder, 'incoming'));
    const index = stack.adopt(openInstanceIndex(join(folder, 'index.sqlite')), (opened) => opened.close());
    const archive = new DirectoryArchive(options, index, lock);
    await archive.reconcile();
    if (index.rebuilt) index.forgetArrivals();
    stack.move();
    return archive;
  } catch (error) {
    throw storageError(error);
  }
}

function isWetreadResult(dataSet: DicomDataSet): boolean {
  const modality = stringOf(dataSet, '00080060');
  return stringOf(dataSet, '00080070') === MANUFACTURER && (modality === 'SR' || modality === 'SEG');
}

export class DirectoryArchive implements ImageArchive {
  readonly #options: DirectoryArchiveOptions;
  readonly #root: string;
  readonly #index: InstanceIndex;
  readonly #intake: Intake;
  readonly #lock: Disposable;
  readonly #held = new Set<StudyInstanceUid>();
  #exclusive: Promise<unknown> = Promise.resolve();

  constructor(options: DirectoryArchiveOptions, index: InstanceIndex, lock: Disposable) {
    this.#options = options;
    this.#lock = lock;
    this.#root = join(options.folder, 'instances');
    this.#index = index;
    this.#intake = new Intake(this.#root, index);
  }

  async reconcile(): Promise<void> {
    await reconcile({ root: this.#root, ...this.#parts() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#intake.flush();
    this.#index.close();
    this.#lock[Symbol.dispose]();
  }

  async findStudy(studyInstanceUid: StudyInstanceUid): Promise<Study | undefined> {
    const attributes = this.#index.study(studyInstanceUid);
    if (attributes === undefined) return undefined;
    const rows = this.#index.all(
      'SELECT series_instance_uid, modality, attributes FROM series WHERE study_instance_uid = ? ORDER BY rowid',
      studyInstanceUid,
    );
    const series = rows.map((row) => ({
      uid: text(row, 'series_instance_uid') as SeriesInstanceUid,
      modality: text(row, 'modality'),
      attributes: dataSetOf(row, 'attributes'),
    }));
    const requests = distinct(series.flatMap(({ attributes: found }) => itemsOf(found, '00400275')));
    const header = readStudyHeader({
      ...attributes,
      ...(requests.length > 0 && { '00400275': { vr: 'SQ', Value: requests } }),
    });
    if (isSkipped(header)) throw new WetreadError('internal', 'The index holds a study without a valid UID');
    return {
      header,
      series: series
        .map(({ uid, modality, attributes: found }) => this.#seriesOf(studyInstanceUid, uid, modality, found))
        .filter(({ instances }) => instances.length > 0),
    };
  }

  #seriesOf(study: StudyInstanceUid, uid: SeriesInstanceUid, modality: string, attributes: DicomDataSet): Series {
    const rows = this.#index.all(
      `SELECT sop_instance_uid, sop_class_uid FROM instance
       WHERE study_instance_uid = ? AND series_instance_uid = ? AND own = 0 ORDER BY rowid`,
      study,
      uid,
    );
    const seriesNumber = numberOf(attributes, '00200011');
    const seriesDescription = stringOf(attributes, '0008103E');
    return {
      seriesInstanceUid: uid,
      modality,
      ...(seriesNumber !== undefined && { seriesNumber }),
      ...(seriesDescription !== undefined && { seriesDescription }),
      instances: rows.map((row) => ({
        sopInstanceUid: text(row, 'sop_instance_uid') as SopInstanceUid,
        sopClassUid: text(row, 'sop_class_uid'),
      })),
    };
  }

  async *retrieveSeries(
    studyInstanceUid: StudyInstanceUid,
    seriesInstanceUid: SeriesInstanceUid,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for (const instance of this.instances({ studyInstanceUid, seriesInstanceUid })) {
      signal.throwIfAborted();
      yield await this.readInstance(instance);
    }
  }

  async retrieveInstance(
    studyInstanceUid: StudyInstanceUid,
    seriesInstanceUid: SeriesInstanceUid,
    sopInstanceUid: SopInstanceUid,
  ): Promise<Uint8Array | undefined> {
    const [instance] = this.instances({ studyInstanceUid, seriesInstanceUid, sopInstanceUid });
    return instance === undefined ? undefined : this.readInstance(instance);
  }

  async retrieveMetadata(
    studyInstanceUid: StudyInstanceUid,
    seriesInstanceUid: SeriesInstanceUid,
    sopInstanceUid: SopInstanceUid,
  ): Promise<DicomDataSet | undefined> {
    const bytes = await this.retrieveInstance(studyInstanceUid, seriesInstanceUid, sopInstanceUid);
    return bytes === undefined ? undefined : this.describe(bytes);
  }

  async store(files: readonly DicomFile[]): Promise<StoreOutcome> {
    const batch = this.batch();
    for (const file of files) await batch.add([file.bytes], true);
    const results = await batch.finish();
    const full = results.find((result) => result.kind === 'failed' && result.error.code === 'disk-full');
    if (full?.kind === 'failed') throw full.error;
    const failed = results.flatMap((result, index) =>
      result.kind === 'stored'
        ? []
        : [{ sopInstanceUid: files[index]!.object.sopInstanceUid, failureReason: failureReasonOf(result) }],
    );
    return {
      stored: results.flatMap((result) => (result.kind === 'stored' ? [result.identity.sopInstanceUid] : [])),
      failed,
    };
  }

  /** Stores one Part 10 file. @throws WetreadError where it could not be written; what is wrong with the file is returned. */
  async storeInstance(bytes: Uint8Array): Promise<StoredOne | Skipped> {
    const batch = this.batch();
    await batch.add([bytes]);
    const [result] = await batch.finish();
    if (result?.kind === 'stored') {
      return { studyInstanceUid: result.identity.studyInstanceUid, repeated: result.repeated };
    }
    if (result?.kind === 'refused') return { skipped: result.reason };
    throw result?.error ?? new WetreadError('internal', 'An offered instance has no outcome');
  }

  /** Begins to store a group of instances. */
  batch(options: BatchOptions = {}): StoreBatch {
    const incoming = join(this.#options.folder, 'incoming');
    return new StoreBatch({ incoming, exclusive: this.#oneAtATime, ...this.#parts() }, options);
  }

  /** QIDO-RS. @throws WetreadError `request-invalid` for a value or an attribute that cannot be matched. */
  search(query: SearchQuery): SearchResult {
    return search(this.#index, query, async (path) => {
      const dataSet = this.#options.describe(await readFile(join(this.#root, path)));
      return isSkipped(dataSet) ? undefined : dataSet;
    });
  }

  async findByAccession(accessionNumber: string): Promise<readonly StudyInstanceUid[]> {
    const matches = [{ path: ['00080050'], vr: 'SH', value: accessionNumber }];
    const found: StudyInstanceUid[] = [];
    const { dataSets } = this.search({ level: 'study', matches, include: [], offset: 0, limit: MOST_OF_AN_ORDER });
    for await (const dataSet of dataSets) {
      if (stringOf(dataSet, '00080050') === accessionNumber.trim()) found.push(uidOf(dataSet));
    }
    return found;
  }

  /** Instances of a study, of a series or one alone, in the order of their arrival. */
  instances(selector: InstanceSelector): readonly StoredInstance[] {
    return this.#index.instances(selector).map((row) => this.#stored(row));
  }

  /** @throws WetreadError `archive-truncated` where the file is gone or has another size. */
  async readInstance(instance: StoredInstance): Promise<Buffer<ArrayBuffer>> {
    const bytes = await readFile(instance.path).catch((error: unknown) => {
      throw new WetreadError('archive-truncated', 'An instance is missing from the folder', { cause: error });
    });
    if (bytes.length === instance.bytes) return bytes;
    throw new WetreadError('archive-truncated', 'The file of an instance has changed its size');
  }

  /** The data set in the bytes of a stored instance. @throws WetreadError `part10-invalid` where it cannot be read any more. */
  describe(bytes: Uint8Array): DicomDataSet {
    const dataSet = this.#options.describe(bytes);
    if (isSkipped(dataSet)) throw new WetreadError('part10-invalid', 'A stored instance cannot be read any more');
    return dataSet;
  }

  studies(): readonly StudyInstanceUid[] {
    return this.#index
      .all('SELECT study_instance_uid FROM study ORDER BY rowid')
      .map((row) => text(row, 'study_instance_uid') as StudyInstanceUid);
  }

  /** Studies with new instances, until {@link noticed}: survives a kill between storing and telling. */
  arrivals(): readonly Arrival[] {
    return this.#index.arrivals().filter(({ studyInstanceUid }) => !this.#held.has(studyInstanceUid));
  }

  /** Leaves a study out of {@link arrivals}, because more of it is coming, until {@link letGo} or a restart. */
  hold(studyInstanceUid: StudyInstanceUid): void {
    this.#held.add(studyInstanceUid);
  }

  letGo(studyInstanceUid: StudyInstanceUid): void {
    this.#held.delete(studyInstanceUid);
  }

  noticed(arrival: Arrival): void {
    this.#index.noticed(arrival);
  }

  /** The last refused instances, newest first, for the operator. */
  refusals(): readonly Refusal[] {
    return this.#index.refusals();
  }

  readonly #oneAtATime = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = this.#exclusive.then(work);
    this.#exclusive = turn.catch(() => undefined);
    return turn;
  };

  readonly #report = (why: Cause, identity?: InstanceIdentity): void => {
    const uids = identity && {
      studyInstanceUid: identity.studyInstanceUid,
      sopInstanceUid: identity.sopInstanceUid,
    };
    const refusal: Refusal = { at: new Date().toISOString(), ...uids, reason: why };
    this.#options.onRefused?.(refusal);
    try {
      this.#index.refuse(refusal);
    } catch {
      // A full disk takes the list for the operator too; the log and the metric have it.
    }
  };

  #parts(): {
    index: InstanceIndex;
    intake: Intake;
    inspector: InstanceInspector;
    isOwn: (dataSet: DicomDataSet) => boolean;
    report: (why: Cause, identity?: InstanceIdentity) => void;
  } {
    const isOwn = this.#options.ownResult ?? isWetreadResult;
    return { index: this.#index, intake: this.#intake, inspector: this.#options, isOwn, report: this.#report };
  }

  #stored(row: IndexRow): StoredInstance {
    return { ...row, path: join(this.#root, row.path) };
  }
}

function uidOf(dataSet: DicomDataSet): StudyInstanceUid {
  return stringOf(dataSet, '0020000D') as StudyInstanceUid;
}

function distinct(items: readonly DicomDataSet[]): readonly DicomDataSet[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
