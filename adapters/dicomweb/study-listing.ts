/** What an archive says of its studies when it is polled (QIDO-RS, PS3.18 10.6), made even over the habits of servers. */
import { createHash } from 'node:crypto';
import { type DateSlice, isIn, matchOf } from '../../src/arrival/poll-schedule.ts';
import type { StudyCounts, StudyRow } from '../../src/arrival/polling.ts';
import { type DicomDataSet, numberOf, stringOf } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import { isUid, type SeriesInstanceUid, type StudyInstanceUid } from '../../src/uid.ts';
import { DicomwebClient } from './client.ts';
import type { HttpOptions } from './http.ts';
import { mayBeWetreadResult } from './own-result.ts';

/** Turns are remembered for so many studies. */
const MOST_TURNS = 10_000;

export interface ListingFaults {
  /** A study whose series the archive does not list, once until it does; the others go on. */
  readonly onStudy: (study: StudyInstanceUid, error: WetreadError) => void;
  /** So many rows that were not seen before name no study by a UID (PS3.5 9.1): they cannot be read. */
  readonly onRows: (count: number) => void;
}

/** Rows without a UID, and studies that are not listed, are told once, so many of them at least. */
const MOST_REFUSED = 1000;

export class StudyListing {
  readonly #client: DicomwebClient;
  readonly #faults: ListingFaults;
  /** Studies that the archive does not count itself, the one whose series were counted longest ago first. */
  readonly #turns = new Set<StudyInstanceUid>();
  /** Digests of rows that name no study. */
  readonly #refused = new Set<string>();
  /** Studies whose series were not listed when they were last asked for. */
  readonly #unlisted = new Set<StudyInstanceUid>();

  constructor(options: HttpOptions, faults: ListingFaults) {
    this.#client = new DicomwebClient(options);
    this.#faults = faults;
  }

  /**
   * The studies of some days. One that the archive does not count, and that cannot be counted this time, has no row.
   * @param counted how many studies may be counted by their series; the others have their turn the next times
   */
  async rows(slices: readonly DateSlice[], counted: number, signal: AbortSignal): Promise<readonly StudyRow[]> {
    const rows: StudyRow[] = [];
    const uncounted = new Map<StudyInstanceUid, string | undefined>();
    for (const slice of slices) {
      for (const dataSet of this.#named(await this.#client.studies(matchOf(slice), signal))) {
        const studyDate = dateOf(dataSet);
        if (!isIn(slice, studyDate)) continue;
        const studyInstanceUid = uidOf(dataSet)!;
        const counts = countsOf(dataSet);
        if (counts === undefined) uncounted.set(studyInstanceUid, studyDate);
        else rows.push({ studyInstanceUid, studyDate, counts });
      }
    }
    for (const studyInstanceUid of this.#whoseTurn(uncounted, counted)) {
      const counts = await this.images(studyInstanceUid, signal);
      if (counts !== undefined) rows.push({ studyInstanceUid, studyDate: uncounted.get(studyInstanceUid), counts });
    }
    return rows;
  }

  /** One study as a poll would list it; undefined where the archive has none, or does not say what it holds. */
  async row(study: StudyInstanceUid, signal: AbortSignal): Promise<StudyRow | undefined> {
    const found = await this.#client.study(study, signal);
    if (found === undefined) return undefined;
    const counts = countsOf(found) ?? (await this.images(study, signal));
    return counts && { studyInstanceUid: study, studyDate: dateOf(found), counts };
  }

  /** The rows that name a study; of the others it is told how many are new. */
  #named(dataSets: readonly DicomDataSet[]): readonly DicomDataSet[] {
    const before = this.#refused.size;
    const named = dataSets.filter((dataSet) => {
      if (uidOf(dataSet) !== undefined) return true;
      if (this.#refused.size < MOST_REFUSED)
        this.#refused.add(createHash('sha256').update(JSON.stringify(dataSet)).digest('base64'));
      return false;
    });
    if (this.#refused.size > before) this.#faults.onRows(this.#refused.size - before);
    return named;
  }

  /** What a study holds, results of Wetread not counted; undefined where the archive lists no series of it. */
  async images(study: StudyInstanceUid, signal: AbortSignal): Promise<StudyCounts | undefined> {
    try {
      const counts = await this.#count(study, signal);
      this.#unlisted.delete(study);
      return counts;
    } catch (error) {
      if (!(error instanceof WetreadError) || error.code !== 'archive-refused') throw error;
      if (!this.#unlisted.has(study) && this.#unlisted.size < MOST_REFUSED) {
        this.#unlisted.add(study);
        this.#faults.onStudy(study, error);
      }
      return undefined;
    }
  }

  async #count(study: StudyInstanceUid, signal: AbortSignal): Promise<StudyCounts | undefined> {
    const listed = await this.#client.series(study, signal);
    const counts = { series: 0, instances: 0 };
    for (const series of listed.filter((one) => !mayBeWetreadResult(one))) {
      counts.series += 1;
      counts.instances += numberOf(series, '00201209') ?? (await this.#instancesOf(study, series, signal));
    }
    return listed.length === 0 ? undefined : counts;
  }

  async #instancesOf(study: StudyInstanceUid, series: DicomDataSet, signal: AbortSignal): Promise<number> {
    const uid = stringOf(series, '0020000E');
    if (uid === undefined || !isUid(uid)) return 0;
    return (await this.#client.instances(study, uid as SeriesInstanceUid, undefined, signal)).length;
  }

  #whoseTurn(listed: ReadonlyMap<StudyInstanceUid, unknown>, most: number): readonly StudyInstanceUid[] {
    for (const uid of listed.keys()) this.#turns.add(uid);
    const turn = [...this.#turns].filter((uid) => listed.has(uid)).slice(0, most);
    for (const uid of turn) {
      this.#turns.delete(uid);
      this.#turns.add(uid);
    }
    for (const uid of this.#turns) if (this.#turns.size > MOST_TURNS) this.#turns.delete(uid);
    return turn;
  }
}

/** Also padded with NUL, as UIDs are in files. */
function uidOf(dataSet: DicomDataSet): StudyInstanceUid | undefined {
  const uid = stringOf(dataSet, '0020000D')?.replace(/\0+$/, '');
  return uid !== undefined && isUid(uid) ? (uid as StudyInstanceUid) : undefined;
}

/** Number of Study Related Series (0020,1206) and Instances (0020,1208): the second is what tells. */
function countsOf(dataSet: DicomDataSet): StudyCounts | undefined {
  const instances = numberOf(dataSet, '00201208');
  return instances === undefined ? undefined : { series: numberOf(dataSet, '00201206') ?? 0, instances };
}

/** Also as 2026.01.31 and 2026-01-31, which are older than the standard's form. */
function dateOf(dataSet: DicomDataSet): string | undefined {
  const digits = stringOf(dataSet, '00080020')?.replaceAll(/[-.]/g, '');
  return digits !== undefined && /^\d{8}$/.test(digits) ? digits : undefined;
}
