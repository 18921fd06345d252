/**
 * What the core needs from outside. Adapters implement these; only the pipeline (`preread.ts`, `assemble-series.ts`, `drafting.ts`) calls them.
 *
 * Glossary, in the order of the flow:
 * - study event: a hint that a study exists or changed; never the truth
 * - study, series, instance: what the archive says, read back by UID
 * - volume: voxels on a grid in the patient's frame of reference, with the source slice of every plane
 * - model card: what a model reads, how its input is made, what its outputs mean
 * - findings: what a model says, in codes, with values, units and evidence
 * - report: a draft in sections, resting on findings; unverified until a human signs
 * - artifact: a DICOM object or FHIR resource made from a report, with a deterministic identity
 * - attempt: one try at reading a study, owned by one worker through a lease
 *
 * Duties of every method: throw only `WetreadError`; honour the `AbortSignal`; never retry inside (the retry table
 * does); be idempotent on the identity of what is passed; put no patient data into messages of errors.
 */

import type { Completeness } from './arrival/completeness.ts';
import type { StudyState, StudyTransition } from './arrival/lifecycle.ts';
import type { Priority } from './arrival/priority.ts';
import type { ImageHeader, Study, StudyHeader } from './arrival/study.ts';
import type { StudyEvent, StudyHint } from './arrival/study-event.ts';
import type { Grid, IntensityStep } from './assembly/grid.ts';
import type { MaskSource } from './assembly/image-plane.ts';
import type { Segmentation } from './assembly/segmentation.ts';
import type { Volume } from './assembly/volume.ts';
import type { DicomDataSet } from './dicom-json.ts';
import type { WetreadError } from './errors.ts';
import type { ClassScores } from './inference/label-scores.ts';
import type { CoarseLabels, ModelPackage, RefineRule, SegmentStatistics } from './inference/model-package.ts';
import type { MeasuredRegion, RegionRule } from './inference/regions/measure-regions.ts';
import type { ScoreSum, WindowPlace, WindowScores } from './inference/sliding-window.ts';
import type { InferenceRequest, InferenceResponse } from './inference/tensor.ts';
import type { TextAnswer, TextRequest } from './inference/text-generation.ts';
import type { ValueCounts } from './inference/value-counts.ts';
import type { LogEvent, SafeAttributes, SpanName } from './log-events.ts';
import type { Cause, Reason, Skipped } from './reasons.ts';
import type { SeriesInstanceUid, SopInstanceUid, StudyInstanceUid } from './uid.ts';
import type { DicomFile, DicomObject } from './writeback/artifact.ts';
import type { RecordMatch } from './writeback/fhir-match.ts';
import type { Bundle } from './writeback/fhir-transaction.ts';

/** One instance as it came: header, data set without pixel data, and its frames still encoded. */
export interface EncodedInstance {
  readonly header: ImageHeader;
  readonly study: StudyHeader;
  /** Everything but group 0002 and pixel data; character sets already decoded. */
  readonly dataSet: DicomDataSet;
  readonly transferSyntaxUid: string;
  /** Encoded frames (encapsulated syntaxes), or slices of native pixel data; views of the input, no copy. */
  readonly frames: readonly Uint8Array[];
}

/** Reads Part 10 files (PS3.10). Pure: bytes in, instance or reason out; never throws on bad input. */
export interface InstanceReader {
  read(bytes: Uint8Array): EncodedInstance | Skipped;
  /** The data set of any object, images or not, without group 0002 and pixel data. */
  readDataSet(bytes: Uint8Array): { readonly dataSet: DicomDataSet } | Skipped;
}

/** Stored pixel values of one frame, samples interleaved, polarity and rescale untouched. */
export interface StoredFrame {
  readonly rows: number;
  readonly columns: number;
  readonly samplesPerPixel: number;
  readonly pixels: Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array;
}

/** Where a frame of a volume goes. */
export interface FrameTarget {
  readonly voxels: Int16Array<SharedArrayBuffer>;
  /** Index of the first voxel. */
  readonly offset: number;
  /** Added to every stored value so that it fits INT16: 0, or -32768 for full-range unsigned data. */
  readonly shift: 0 | -32768;
}

/** Decodes frames in worker threads, with limits on size and time. */
export interface FrameDecoder {
  /** @returns the frame, or the reason why it cannot be decoded (transfer syntax, limits, corrupt stream). */
  decode(instance: EncodedInstance, frameIndex: number, signal: AbortSignal): Promise<StoredFrame | Skipped>;
  /** Decodes straight into a volume, applying shift and modality LUT; returns undefined when done. */
  decodeInto(
    instance: EncodedInstance,
    frameIndex: number,
    target: FrameTarget,
    signal: AbortSignal,
  ): Promise<Skipped | undefined>;
}

export interface StoreOutcome {
  /** Referenced SOP Sequence (0008,1199). */
  readonly stored: readonly SopInstanceUid[];
  /** Failed SOP Sequence (0008,1198) with Failure Reason (0008,1197). */
  readonly failed: readonly { readonly sopInstanceUid: string; readonly failureReason: number }[];
}

/** An image archive: QIDO-RS, WADO-RS, STOW-RS (PS3.18), or a folder that behaves like one. */
export interface ImageArchive {
  /** The study as the archive has it, without Wetread's own results; undefined where it has none. */
  findStudy(studyInstanceUid: StudyInstanceUid, signal: AbortSignal): Promise<Study | undefined>;
  /** Studies with this Accession Number (0008,0050). No duty: without it an order is found through the health record alone. */
  findByAccession?(accessionNumber: string, signal: AbortSignal): Promise<readonly StudyInstanceUid[]>;
  /** Every instance of a series as stored, in no useful order. Throws `archive-truncated` when one is missing. */
  retrieveSeries(
    studyInstanceUid: StudyInstanceUid,
    seriesInstanceUid: SeriesInstanceUid,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  /** Takes bytes of {@link retrieveSeries} back that nobody reads any more, to fill them anew. No duty of either side. */
  reuse?(bytes: Uint8Array): void;
  /** One instance as stored; undefined where the archive has none. */
  retrieveInstance(
    studyInstanceUid: StudyInstanceUid,
    seriesInstanceUid: SeriesInstanceUid,
    sopInstanceUid: SopInstanceUid,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined>;
  /** The attributes of one instance without its pixels (WADO-RS metadata, PS3.18 10.4.1.1.2); undefined where there is none. */
  retrieveMetadata(
    studyInstanceUid: StudyInstanceUid,
    seriesInstanceUid: SeriesInstanceUid,
    sopInstanceUid: SopInstanceUid,
    signal: AbortSignal,
  ): Promise<DicomDataSet | undefined>;
  /** Success of an instance is its UID in `stored`, never the status of the answer. */
  store(files: readonly DicomFile[], signal: AbortSignal): Promise<StoreOutcome>;
}

/** Writes Part 10 files, Explicit VR Little Endian; the same object always gives the same bytes. */
export interface InstanceWriter {
  write(object: DicomObject): Uint8Array;
}

/** Work over whole volumes, in worker threads, on shared memory. */
export interface VoxelWorkers {
  /** Shared memory from a pool, at least so large, content undefined; hand it back with {@link release}. */
  acquire(this: void, byteLength: number): SharedArrayBuffer;
  release(this: void, buffer: SharedArrayBuffer): void;
  /**
   * Resampling straight from INT16: rescale, interpolate, intensity step and layout in one pass, one tensor channel for
   * each of the step's. The volume's voxels must be acquired here; the result is valid until its own buffer or the volume's is released.
   */
  resample(
    volume: Volume,
    grid: Grid,
    step: IntensityStep,
    signal: AbortSignal,
  ): Promise<Int16Array<SharedArrayBuffer> | Float32Array<SharedArrayBuffer>>;
  /** How often each value occurs in the volume as acquired, without padding. */
  count(volume: Volume, signal: AbortSignal): Promise<ValueCounts>;
  /** From scores to labels, one map or one for each channel. Throws `inference-failed` where a score is no number. */
  label(scores: ClassScores, signal: AbortSignal): Promise<readonly CoarseLabels[]>;
  /** Adds the scores of a window to a sum; the caller waits before it adds the next. */
  addWindow(window: WindowScores, sum: ScoreSum, place: WindowPlace, signal: AbortSignal): Promise<void>;
  /** From coarse labels to masks and statistics at native resolution, slice by slice, in bounded memory. */
  refine<Source extends MaskSource>(
    source: Source,
    labels: CoarseLabels,
    rule: RefineRule,
    signal: AbortSignal,
  ): Promise<{ readonly segmentation: Segmentation<Source>; readonly statistics: readonly SegmentStatistics[] }>;
  /** Shapes and connected components of segments, alone or together; in the order of the rules. */
  measureRegions(
    segmentation: Segmentation<MaskSource>,
    rules: readonly RegionRule[],
    signal: AbortSignal,
  ): Promise<readonly MeasuredRegion[]>;
}

/** A server of models: Open Inference Protocol v2. */
export interface InferenceEngine {
  infer(request: InferenceRequest, signal: AbortSignal): Promise<InferenceResponse>;
}

/** Servers of language models that look at pictures, by the names that model cards give them. */
export interface TextGenerator {
  /** Whether the server is outside the site: free text never goes there. Throws `config-invalid` where none has the name. */
  isRemote(server: string): boolean;
  /** Whether images go there that may have text burned in and do not say so: inside the site, or by its decision. */
  takesUnmarked(server: string): boolean;
  generate(request: TextRequest, signal: AbortSignal): Promise<TextAnswer>;
}

/** The model packages that this site runs, each checked against its digest when it was loaded. */
export interface ModelShelf {
  /** One of each name. */
  packages(): readonly ModelPackage[];
  /** Packages that are configured and cannot be used; a study that they might have read is parked, not passed over. */
  readonly refused: readonly { readonly error: WetreadError }[];
}

export interface FiledReport {
  /** `DiagnosticReport/<id>`. */
  readonly reference: string;
  readonly versionId: string;
}

/** The health record: FHIR R4. */
export interface HealthRecord {
  /** Exactly one patient by identifier whose birth date and sex agree, else the reason to hold the result. */
  match(header: StudyHeader, signal: AbortSignal): Promise<RecordMatch | Skipped>;
  /** Why the record would not take the draft, such as a report that a human has signed; asked before anything leaves. */
  objection(bundle: Bundle, signal: AbortSignal): Promise<Skipped | undefined>;
  /** One transaction, then read back and compared; never touches a report that a human edited or signed. */
  file(bundle: Bundle, signal: AbortSignal): Promise<FiledReport | Skipped>;
}

/** One look at a study, or one try at reading it. Writes with another fence than the ledger's are refused (`lease-lost`). */
export interface Attempt {
  /** Whether the study is to be looked at, to learn what is to be done, or to be read. */
  readonly task: 'triage' | 'read';
  readonly studyInstanceUid: StudyInstanceUid;
  readonly fence: number;
  /** From 1; rises when late images lead to a new draft. */
  readonly revision: number;
  /** From 1, per revision. */
  readonly number: number;
  /** ISO 8601; the time of acceptance, kept over retries: content times of results come from here. */
  readonly acceptedAt: string;
  /** When the study, or its new images, were noticed; ISO 8601. */
  readonly arrivedAt: string;
  /** Which source named the study first. */
  readonly source: string;
  /** What the sources said of it. */
  readonly hint: Omit<StudyHint, 'studyInstanceUid' | 'traceparent'>;
  /** What the look before found. */
  readonly completeness?: Completeness;
  readonly traceparent?: string;
}

/** Series or instances that were set aside, with the reason. */
export interface NotRead {
  readonly seriesInstanceUid?: string;
  readonly sopInstanceUid?: string;
  readonly count?: number;
  readonly reason: Reason;
}

/** What is known of a study: a row of the ledger. */
export interface StudyRecord {
  readonly studyInstanceUid: StudyInstanceUid;
  readonly state: StudyState;
  readonly reason?: Cause;
  readonly revision: number;
  readonly attempts: number;
  readonly noticedAt: string;
  readonly changedAt: string;
  readonly retryAt?: string;
  readonly traceId?: string;
  readonly source: string;
  readonly timingsMs: Readonly<Record<string, number>>;
  readonly notRead: readonly NotRead[];
  /** Name of the archive that holds it; the first one where absent. */
  readonly archive?: string;
  readonly priority?: Priority;
  /** Name of the rule that decided what is done. */
  readonly rule?: string;
  readonly completeness?: Completeness;
  readonly results?: FiledResults;
}

/** What was written back. */
export interface FiledResults {
  readonly objects: readonly {
    readonly kind: DicomObject['kind'];
    readonly sopClassUid: string;
    readonly sopInstanceUid: string;
    readonly seriesInstanceUid: string;
  }[];
  /** `DiagnosticReport/<id>`. */
  readonly diagnosticReport: string;
}

/** What an attempt adds to the record. */
export interface RecordPatch {
  readonly reason?: Cause;
  readonly timingsMs?: Readonly<Record<string, number>>;
  readonly notRead?: readonly NotRead[];
  readonly traceId?: string;
  /** When it is tried again after `fail`, or settles after `wait`. */
  readonly retryAt?: string;
  readonly priority?: Priority;
  readonly rule?: string;
  readonly completeness?: Completeness;
  readonly results?: FiledResults;
}

/** One step of a study's life, for its timeline. */
export interface StudyStep {
  readonly at: string;
  readonly transition: StudyTransition;
  readonly state: StudyState;
  readonly reason?: Cause;
}

/** The right to run a source: one worker of all that share a ledger has it at a time. */
export interface SourceLease {
  /** As {@link StudySource.name} says it. */
  readonly source: string;
  /** Another one for every process, and for every start of it. */
  readonly worker: string;
}

/** Durable state: a call resolves when the row is committed. */
export interface Ledger {
  /** Records the hint; it settles until `settledAt` (ISO 8601). A study that is already there settles anew. */
  notice(event: StudyEvent, settledAt: string): Promise<void>;
  /**
   * Moves settled studies on, takes over lapsed leases and claims the study that is due first ({@link dueAt}), or
   * undefined: a study that was not looked at since it changed for a look, any other for reading.
   */
  claim(worker: string, leaseMs: number): Promise<Attempt | undefined>;
  /** Throws `lease-lost` when another worker has taken the attempt over. */
  heartbeat(attempt: Attempt, leaseMs: number): Promise<void>;
  /** Throws `lease-lost`, or `conflict` where the state table forbids the transition. */
  advance(attempt: Attempt, transition: StudyTransition, patch?: RecordPatch): Promise<StudyState>;
  /**
   * An operator's `replay`, `park` or `close`, kept in the history with the reason; throws `conflict` where the state
   * table forbids it. A running attempt loses its lease.
   */
  move(studyInstanceUid: StudyInstanceUid, transition: StudyTransition, because?: Reason): Promise<StudyState>;
  get(studyInstanceUid: StudyInstanceUid): Promise<StudyRecord | undefined>;
  /** Newest change first; all of them, or the newest so many. */
  list(limit?: number): Promise<readonly StudyRecord[]>;
  /** How many studies are in each state; states without one are left out. */
  countByState(): Promise<ReadonlyMap<StudyState, number>>;
  history(studyInstanceUid: StudyInstanceUid): Promise<readonly StudyStep[]>;
  saveDocument(attempt: Attempt, name: DocumentName, bytes: Uint8Array): Promise<void>;
  document(studyInstanceUid: StudyInstanceUid, name: DocumentName): Promise<Uint8Array | undefined>;
  /** What a source kept with {@link saveSourceState}; undefined where it never did. */
  sourceState(source: string): Promise<string | undefined>;
  /**
   * Keeps where a source stands, in place of what it kept before; the text is the source's own. Throws `lease-lost` where
   * a lease is named and is another worker's.
   */
  saveSourceState(source: string, state: string, lease?: SourceLease): Promise<void>;
  /** Takes the lease, or keeps it for longer. @returns false while it is another worker's. */
  leaseSource(lease: SourceLease, leaseMs: number): Promise<boolean>;
  /** Gives the lease up where it is this worker's: the next one need not wait until it has lapsed. */
  releaseSource(lease: SourceLease): Promise<void>;
  /**
   * Events that are to leave, oldest first, and not yet marked as sent: they were committed with the step that they tell
   * of. Nobody else is given them for `leaseMs`.
   */
  takeOutgoing(limit: number, leaseMs: number): Promise<readonly FindingsReady[]>;
  markSent(eventIds: readonly string[]): Promise<void>;
  /**
   * Removes studies, with their history and documents, that have been in a final state since before `before` (ISO 8601),
   * and events that were sent before it; at most `limit` studies. @returns the studies that were removed.
   */
  prune(before: string, limit: number): Promise<readonly StudyInstanceUid[]>;
}

/** Tells subscribers that a draft is in the archive and in the health record: identifiers only, no patient data. */
export interface FindingsReady {
  /** The same for every delivery of the same event. */
  readonly eventId: string;
  readonly studyInstanceUid: StudyInstanceUid;
  readonly revision: number;
  /** ISO 8601. */
  readonly filedAt: string;
  readonly archive?: string;
  readonly results: FiledResults;
  readonly traceparent?: string;
}

/** Takes events out of the house. Resolves when the other side has confirmed; delivery is at least once. */
export interface EventPublisher {
  publish(event: FindingsReady, signal: AbortSignal): Promise<void>;
}

/**
 * Says that studies exist or have changed, for as long as it runs. Any number may run at once, and several may name the
 * same study. Duties: a hint is given for every study that the source can see, sooner or later, and not again without a
 * change; where the source stands (its cursor) moves on only after the hint is committed, so that a crash repeats a hint
 * and never loses one; a server that is down, at the start or later, is waited for with growing delays and told in a log
 * event.
 */
export interface StudySource {
  /** As the ledger and the logs name it, such as `qido`. */
  readonly name: string;
  /**
   * @param notice resolves when the hint is committed
   * @returns when the signal is aborted; never rejects
   */
  run(notice: (hint: StudyHint) => Promise<void>, signal: AbortSignal): Promise<void>;
}

/**
 * Documents of a study: what `--out` writes and what the page shows. Of several models that outline, each has a SEG, of
 * images on their own one for each: the first is `seg.dcm`, every other is named by its algorithm and the image.
 */
export type DocumentName =
  | 'report.json'
  | 'sr.dcm'
  | SegmentationName
  | 'bundle.json'
  | 'trace.json'
  | 'view.json'
  | 'embedding.json';
export type SegmentationName = 'seg.dcm' | `seg-${string}.dcm`;

export interface Tracer {
  /**
   * Runs `work` inside a span, a child of the running one, or of `traceparent` (W3C trace context) where given; a
   * thrown error marks it.
   */
  span<T>(
    name: SpanName,
    attributes: SafeAttributes,
    work: (span: Span) => Promise<T>,
    traceparent?: string,
  ): Promise<T>;
  /** Trace context of the running span, to be kept with work that goes on later. */
  traceparent(): string | undefined;
  /** The finished spans of a trace, as OTLP JSON (`resourceSpans`); the process border of the inference service included. */
  document(traceId: string): Promise<object>;
}

export interface Span {
  readonly traceId: string;
  set(attributes: SafeAttributes): void;
}

export interface Log {
  write(event: LogEvent, attributes: SafeAttributes): void;
}

export interface Clock {
  now(): Date;
  /** Milliseconds that never run backwards, for durations. */
  monotonicMs(): number;
}

export interface Ports {
  readonly archive: ImageArchive;
  readonly reader: InstanceReader;
  readonly decoder: FrameDecoder;
  readonly voxels: VoxelWorkers;
  readonly models: ModelShelf;
  readonly inference: InferenceEngine;
  readonly text: TextGenerator;
  readonly writer: InstanceWriter;
  readonly healthRecord: HealthRecord;
  readonly ledger: Ledger;
  readonly tracer: Tracer;
  readonly log: Log;
  readonly clock: Clock;
}
