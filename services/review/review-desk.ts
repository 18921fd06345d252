/** Answers of the page's API, from the ledger and the archive; undefined where there is nothing. */
import type { Report, View, ViewSet } from '../../contracts/generated/types.ts';
import { draftStands } from '../../src/arrival/lifecycle.ts';
import { operatorReason } from '../../src/arrival/operator-note.ts';
import type { DocumentName, ImageArchive, Ledger, StudyRecord } from '../../src/ports.ts';
import type { Cause } from '../../src/reasons.ts';
import { reportText } from '../../src/reporting/draft.ts';
import { parseUid, type SeriesInstanceUid, type SopInstanceUid, type StudyInstanceUid } from '../../src/uid.ts';
import {
  type DraftAnswer,
  type HeaderAnswer,
  headerAnswer,
  linksOf,
  notReadAnswer,
  type RefusedInstance,
  reasonAnswer,
  refusedAnswers,
  rowAnswer,
  type StudyAnswer,
  type StudyListAnswer,
  type StudyRowAnswer,
  stepAnswer,
} from './answers.ts';
import { isDocumentName } from './documents.ts';
import { type FrameSource, type FrameSourceOptions, type FrameVoxels, frameSource } from './frames.ts';
import { measurementTables } from './measurement-table.ts';
import type { MoveRequest } from './operator.ts';
import { type SegmentationFile, type SegmentOutline, segmentationFile } from './segmentation-file.ts';
import { traceSpans } from './trace.ts';

export interface ReviewDeskOptions extends FrameSourceOptions {
  readonly ledger: Pick<Ledger, 'countByState' | 'get' | 'list' | 'history' | 'document' | 'move'>;
  readonly findStudy: ImageArchive['findStudy'];
  /** Instances that the archive did not take, newest first; absent where the archive is another server. */
  readonly refusals?: () => readonly RefusedInstance[];
  /** Where the health record answers on this origin, `/fhir`; absent where it is another server. */
  readonly fhirPath?: string;
}

/** A slice of a view of a study; numbers from 0. */
export interface SliceAddress {
  readonly studyInstanceUid: StudyInstanceUid;
  readonly view: number;
  readonly slice: number;
}

/** A view of a study whose images are being looked at. */
interface OpenView {
  readonly view: View;
  readonly segmentation: SegmentationFile | undefined;
}

/** Rows that the list shows; older studies are found by their UID. */
const LIST_LIMIT = 200;
/** Views kept open between requests: a SEG of 300 slices has 20 MB. */
const OPEN_LIMIT = 3;

export class ReviewDesk {
  readonly #options: ReviewDeskOptions;
  readonly #frames: FrameSource;
  readonly #open = new Map<string, Promise<OpenView | undefined>>();

  constructor(options: ReviewDeskOptions) {
    this.#options = options;
    this.#frames = frameSource(options);
  }

  async list(): Promise<StudyListAnswer> {
    const { ledger } = this.#options;
    const [records, counts] = await Promise.all([ledger.list(LIST_LIMIT), ledger.countByState()]);
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const refused = refusedAnswers(this.#options.refusals?.() ?? []);
    return { studies: records.map(rowAnswer), total, refused };
  }

  async row(uid: StudyInstanceUid): Promise<StudyRowAnswer | undefined> {
    const record = await this.#options.ledger.get(uid);
    return record === undefined ? undefined : rowAnswer(record);
  }

  async study(uid: StudyInstanceUid): Promise<StudyAnswer | undefined> {
    const record = await this.#options.ledger.get(uid);
    if (record === undefined) return undefined;
    const stands = draftStands(record.state);
    const [history, report, view, trace, bundle] = await Promise.all([
      this.#options.ledger.history(uid),
      stands ? this.#json<Report>(uid, 'report.json') : undefined,
      stands ? this.#json<ViewSet>(uid, 'view.json') : undefined,
      this.#json(uid, 'trace.json'),
      stands ? this.#json(uid, 'bundle.json') : undefined,
    ]);
    return {
      ...rowAnswer(record),
      history: history.map(stepAnswer),
      notRead: record.notRead.map(notReadAnswer),
      links: linksOf(uid, { report, view, bundle, trace }, this.#options.fhirPath),
      trace: traceSpans(trace),
      views: view?.views ?? [],
      ...(report === undefined ? {} : { draft: draftAnswer(report) }),
    };
  }

  /** An operator's decision. Throws `conflict` where the state table forbids it. */
  async move(uid: StudyInstanceUid, { move, note }: MoveRequest): Promise<StudyRowAnswer | undefined> {
    if ((await this.#options.ledger.get(uid)) === undefined) return undefined;
    await this.#options.ledger.move(uid, move, operatorReason(note));
    return this.row(uid);
  }

  async header(uid: StudyInstanceUid, signal: AbortSignal): Promise<HeaderAnswer | undefined> {
    const study = await this.#options.findStudy(uid, signal);
    return study === undefined ? undefined : headerAnswer(study);
  }

  document(uid: StudyInstanceUid, name: DocumentName): Promise<Uint8Array | undefined> {
    return this.#options.ledger.document(uid, name);
  }

  async voxels(
    { studyInstanceUid: uid, view: number, slice: index }: SliceAddress,
    signal: AbortSignal,
  ): Promise<FrameVoxels | undefined> {
    const view = (await this.#opened(uid, number))?.view;
    const slice = view?.slices[index];
    if (view === undefined || slice === undefined) return undefined;
    const reference = {
      studyInstanceUid: uid,
      seriesInstanceUid: parseUid<SeriesInstanceUid>(view.seriesInstanceUid),
      sopInstanceUid: parseUid<SopInstanceUid>(slice.sopInstanceUid),
      frameNumber: slice.frameNumber,
    };
    return this.#frames(reference, signal);
  }

  async outlines({
    studyInstanceUid,
    view,
    slice: index,
  }: SliceAddress): Promise<readonly SegmentOutline[] | undefined> {
    const open = await this.#opened(studyInstanceUid, view);
    const slice = open?.view.slices[index];
    if (slice === undefined) return undefined;
    return open?.segmentation?.outlines(slice.sopInstanceUid, slice.frameNumber) ?? [];
  }

  async #opened(uid: StudyInstanceUid, number: number): Promise<OpenView | undefined> {
    const record = await this.#options.ledger.get(uid);
    if (record === undefined) return undefined;
    const key = `${keyOf(record)}/${number}`;
    const open = this.#open.get(key) ?? this.#openView(uid, number);
    this.#open.delete(key);
    this.#open.set(key, open);
    for (const oldest of this.#open.keys()) {
      if (this.#open.size <= OPEN_LIMIT) break;
      this.#open.delete(oldest);
    }
    open.catch(() => this.#open.delete(key));
    return open;
  }

  async #openView(uid: StudyInstanceUid, number: number): Promise<OpenView | undefined> {
    const view = (await this.#json<ViewSet>(uid, 'view.json'))?.views[number];
    if (view === undefined) return undefined;
    const name = view.segmentation ?? '';
    const bytes = isDocumentName(name) ? await this.document(uid, name) : undefined;
    return { view, segmentation: bytes === undefined ? undefined : segmentationFile(this.#options.reader, bytes) };
  }

  async #json<T>(uid: StudyInstanceUid, name: DocumentName): Promise<T | undefined> {
    const bytes = await this.document(uid, name);
    return bytes === undefined ? undefined : (JSON.parse(new TextDecoder().decode(bytes)) as T);
  }
}

/** Changes with everything that can change the documents of a study. */
function keyOf({ studyInstanceUid, revision, changedAt }: StudyRecord): string {
  return `${studyInstanceUid}/${revision}/${changedAt}`;
}

function draftAnswer(report: Report): DraftAnswer {
  return {
    report,
    text: reportText(report),
    tables: measurementTables(report),
    unavailable: report.unavailable.map(({ algorithm: { name, version }, reason }) => ({
      algorithm: `${name} ${version}`,
      ...reasonAnswer(reason as Cause),
    })),
  };
}
