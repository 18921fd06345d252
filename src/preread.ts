/**
 * THE pipeline: one study in, one filed draft out. Read {@link preread} aloud; everything below it is one stage each,
 * and only this file, `triage.ts`, `selection.ts`, `work.ts`, `assemble-series.ts`, `assemble-slots.ts`, `read-series.ts`,
 * `read-images.ts`, `read-image-labels.ts`, `read-slices.ts`, `run-on-volume.ts`, `make-input.ts`, `run-in-windows.ts`,
 * `outline.ts`, `explain-unread.ts` and `drafting.ts` call ports.
 */
import type { Series, Study } from './arrival/study.ts';
import { assembleImageSet, assembleVolume, releaseImages } from './assemble-series.ts';
import { FurtherSeries } from './assemble-slots.ts';
import { type Images, isVolume } from './assembly/volume.ts';
import { type Draft, draftOf, lastReport, recognised } from './drafting.ts';
import { WetreadError } from './errors.ts';
import { explainUnread } from './explain-unread.ts';
import { formOf, ModelTry, rounds, type ShownReading } from './fan-out.ts';
import { seriesSeen } from './inference/findings.ts';
import type { Reading } from './inference/reading.ts';
import { EVERY_MODEL } from './inference/rules/decide.ts';
import { namedOutlines } from './make-draft.ts';
import type { Attempt, Ports } from './ports.ts';
import { readSeries } from './read-series.ts';
import { type Cause, isSkipped, type ReasonCode, reason, type Skipped } from './reasons.ts';
import { embeddingDocument } from './reporting/embedding-document.ts';
import { imageViews, isOfImage } from './reporting/image-view.ts';
import { marksOf } from './reporting/marks.ts';
import type { UnavailableModel } from './reporting/report.ts';
import { workIdentity } from './reporting/revision.ts';
import { type NamedView, type View, viewOf, viewSetOf } from './reporting/view.ts';
import type { ReadableSelection } from './selection.ts';
import { selectOrEnd } from './triage.ts';
import { countsOf, findStudy, type Outcome, type Site, Work } from './work.ts';
import type { DicomFile } from './writeback/artifact.ts';
import { reportTransaction } from './writeback/fhir.ts';

/**
 * Reads one study. Expected ends are outcomes; faults are thrown as {@link WetreadError} for the retry table.
 * Deterministic: the same attempt key gives the same report, the same SR and SEG bytes and the same transaction.
 */
export async function preread(attempt: Attempt, ports: Ports, site: Site, signal: AbortSignal): Promise<Outcome> {
  const work = new Work(attempt, ports, site, signal);

  const study = await work.stage('arrival', () => findStudy(work));
  if (study === undefined) return work.wait(site.patience, reason('study-not-found'));

  const selection = await selectOrEnd(work, study);
  if ('transition' in selection) return selection;

  const tries = selection.readings.map((reading) => new ModelTry(reading));
  const further = new FurtherSeries(work, study);
  for (const { series, readers } of rounds(tries)) await readOnce(work, study, series, readers, further);
  await explainUnread(work, study, tries, further);

  const results = tries.flatMap(({ result }) => result ?? []);
  if (results.length === 0) return endWithout(work, tries);
  const without = unavailable(selection, tries);
  logUnavailable(work, without);
  const drafted = await work.stage('reporting', () => report(work, study, results, without));
  return await work.stage('writeback', () => writeBack(work, study, drafted));
}

/** A series is assembled once, read by one model after another, and its memory given back, with that of what it needs beside it. */
async function readOnce(
  work: Work,
  study: Study,
  series: Series,
  readers: readonly ModelTry[],
  further: FurtherSeries,
): Promise<void> {
  const images = await work.stage('assembly', () => assemble(work, study, series, formOf(readers[0]!.model)));
  if (isSkipped(images)) {
    for (const reader of readers) reader.take(series, images);
    return;
  }
  try {
    for (const reader of readers) reader.take(series, await readWith(work, study, reader, images, further));
  } finally {
    further.release();
    releaseImages(work.ports.voxels, images);
  }
}

/** One model on one series, with what it is given beside it. */
async function readWith(
  work: Work,
  { header }: Study,
  reader: ModelTry,
  images: Images,
  further: FurtherSeries,
): Promise<ShownReading | Skipped | WetreadError> {
  const given = await orFault(work, () => further.fill(reader, images));
  if (isSkipped(given) || given instanceof WetreadError) return given;
  const read = async (): Promise<ShownReading | Skipped> => {
    const reading = await readSeries(work.ports, reader.model, images, header, work.signal, given);
    if (isSkipped(reading)) return reading;
    const named = await recognised(work, reading);
    return { reading: named, views: viewsOf(named) };
  };
  return await work.stage('inference', () => orFault(work, read));
}

/**
 * The fault of one model is the study's while it may still pass: all of it is tried again. Then it is the model's alone,
 * and the others' findings go out without it.
 */
async function orFault<T>({ attempt, site, signal }: Work, step: () => Promise<T>): Promise<T | WetreadError> {
  try {
    return await step();
  } catch (cause) {
    signal.throwIfAborted();
    const error = WetreadError.from(cause);
    if (error.retryable && attempt.number <= site.maximumRetries) throw error;
    return error;
  }
}

/** How the page shows what was read; made while the voxels are there. */
function viewsOf({ images, model: { card }, outlines, findings }: Reading): readonly View[] {
  if (!isVolume(images)) return imageViews(images, card, findings, outlines);
  return [viewOf(images, card, outlines?.[0], marksOf(images, findings))];
}

function namedViews(results: readonly ShownReading[]): readonly NamedView[] {
  const named = namedOutlines(results.map(({ reading }) => reading));
  return results.flatMap(({ views }, at) =>
    views.map((view) => {
      const shown = named[at]?.find(({ image }) => image === undefined || isOfImage(view.slices[0], image));
      return { view, segmentation: shown?.name };
    }),
  );
}

/** No model gave a result: by a fault, or because nothing of the study can be read. */
function endWithout(work: Work, tries: readonly ModelTry[]): Outcome {
  const fault = tries.find((each) => each.fault !== undefined)?.fault;
  if (fault !== undefined) throw fault;
  return work.end('refuse', (tries.find(({ setAside }) => setAside.length > 0) ?? tries[0])?.refusal);
}

/**
 * The models that should have read the study. Where the site writes no rules, a model that finds the study is not its own
 * was never meant to.
 */
function unavailable({ rule }: ReadableSelection, tries: readonly ModelTry[]): readonly UnavailableModel[] {
  return tries.flatMap(({ result, why, model }) => {
    if (result !== undefined || (rule.name === EVERY_MODEL && OTHER_STUDIES.has(why.code))) return [];
    const { name, version } = model.card;
    return [{ algorithm: { name, version, digest: model.digest }, reason: why }];
  });
}

/** For whoever runs the site: a draft goes out, so nothing else would tell that a model fails at every study. */
function logUnavailable({ ports, attempt: { studyInstanceUid } }: Work, without: readonly UnavailableModel[]): void {
  for (const { algorithm, reason: why } of without) {
    const { name: model, version: modelVersion } = algorithm;
    ports.log.write('model-unavailable', { studyInstanceUid, model, modelVersion, reason: why.code });
  }
}

const OTHER_STUDIES: ReadonlySet<Cause['code']> = new Set<ReasonCode>([
  'wrong-modality',
  'wrong-body-part',
  'series-not-selected',
]);

/** Assembly: the series becomes what the models read, one volume or images, or is set aside. */
async function assemble(
  { ports, notRead, signal }: Work,
  study: Study,
  series: Series,
  form: ReturnType<typeof formOf>,
): Promise<Images | Skipped> {
  const assembleAs = form === 'volume' ? assembleVolume : assembleImageSet;
  const assembled = await assembleAs(ports, study.header.studyInstanceUid, series, signal);
  notRead.add(...assembled.notRead);
  return assembled.images ?? { skipped: assembled.skipped ?? reason('no-readable-series') };
}

/** Reporting: sections of text on the findings, and the same as SR and SEGs; all of it saved before anything leaves. */
async function report(
  work: Work,
  study: Study,
  results: readonly ShownReading[],
  without: readonly UnavailableModel[],
): Promise<Draft> {
  const readings = results.map(({ reading }) => reading);
  const last = await lastReport(work);
  const input = { study: study.header, readings, unavailable: without, last };
  const identity = workIdentity({
    studyInstanceUid: work.attempt.studyInstanceUid,
    sopInstanceUids: readings
      .flatMap(({ findings }) => seriesSeen(findings))
      .flatMap(({ evidence }) => evidence.map(({ sopInstanceUid }) => sopInstanceUid)),
    packageDigests: readings.map(({ model }) => model.digest),
    configDigest: work.site.configDigest,
  });
  const drafted = await draftOf(work, input, identity);
  await work.save('report.json', drafted.report);
  await work.save('view.json', viewSetOf(namedViews(results)));
  const vectors = embeddingDocument(study.header.studyInstanceUid, input.readings);
  if (vectors !== undefined) await work.save('embedding.json', vectors);
  for (const { name, bytes } of drafted.files) await work.save(name, bytes);
  await work.ports.ledger.advance(work.attempt, 'draft');
  return drafted;
}

/** Writeback: to the archive and the health record, or to neither while the patient is not matched. */
async function writeBack(work: Work, study: Study, { report: drafted, modalities, files }: Draft): Promise<Outcome> {
  const { ports, site, signal } = work;
  const match = await ports.healthRecord.match(study.header, signal);
  if (isSkipped(match)) return work.end('hold', match.skipped);

  const bundle = reportTransaction({
    report: drafted,
    study: study.header,
    match,
    objects: files.map((file) => file.object),
    draftStatus: site.draftStatus,
    naming: site.naming,
    software: site.software,
    modalities,
    numberOfSeries: study.series.length,
    numberOfInstances: countsOf(study).instances,
  });
  await work.save('bundle.json', bundle);
  const objection = await ports.healthRecord.objection(bundle, signal);
  if (objection !== undefined) return work.end('hold', objection.skipped);
  await ports.tracer.span('store', { instances: files.length }, () => store(work, files));
  const filed = await ports.tracer.span('file', {}, () => ports.healthRecord.file(bundle, signal));
  if (isSkipped(filed)) return work.end('hold', filed.skipped);
  const objects = files.map(({ object: { kind, sopClassUid, sopInstanceUid, seriesInstanceUid } }) => {
    return { kind, sopClassUid, sopInstanceUid, seriesInstanceUid };
  });
  work.keep({ results: { objects, diagnosticReport: filed.reference } });
  return work.end('file');
}

/** Success of an instance is its UID in the answer's Referenced SOP Sequence (PS3.18 Annex I), never the status. */
async function store({ ports, signal }: Work, files: readonly DicomFile[]): Promise<void> {
  const outcome = await ports.archive.store(files, signal);
  const missing = files.filter(({ object }) => !outcome.stored.includes(object.sopInstanceUid));
  if (missing.length === 0) return;
  const reasons = outcome.failed.map((f) => f.failureReason.toString(16)).join(', ');
  throw new WetreadError(
    'archive-refused',
    `The archive did not store ${missing.length} of ${files.length} results (${reasons})`,
  );
}
