/**
 * THE pipeline: one study in, one filed draft out. Read {@link preread} aloud; everything below it is one stage each,
 * and only this file, `triage.ts`, `selection.ts`, `work.ts`, `assemble-series.ts`, `read-series.ts` and `drafting.ts` call ports.
 */
import { readImageHeader } from './arrival/image-header.ts';
import type { Series, Study } from './arrival/study.ts';
import { assembleImageSet, assembleVolume, releaseImages } from './assemble-series.ts';
import { classifySlice } from './assembly/classify.ts';
import { type Images, isVolume } from './assembly/volume.ts';
import { type Draft, draftOf, lastReport } from './drafting.ts';
import { WetreadError } from './errors.ts';
import type { ModelPackage } from './inference/model-package.ts';
import type { Reading } from './inference/reading.ts';
import type { Attempt, Ports } from './ports.ts';
import { readSeries } from './read-series.ts';
import { isSkipped, type Reason, reason, type Skipped } from './reasons.ts';
import { workIdentity } from './reporting/revision.ts';
import { viewOf } from './reporting/view.ts';
import type { ReadableSelection } from './selection.ts';
import { selectOrEnd } from './triage.ts';
import type { StudyInstanceUid } from './uid.ts';
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
  if (study === undefined) return work.wait();

  const selection = await selectOrEnd(work, study);
  if ('transition' in selection) return selection;

  for (const [index, series] of selection.candidates.entries()) {
    const images = await work.stage('assembly', () => assemble(work, study, series, selection.package));
    if (work.setsAside(series, images)) continue;
    try {
      const reading = await work.stage('inference', () =>
        readSeries(ports, selection.package, images, study.header, signal),
      );
      if (work.setsAside(series, reading)) continue;
      await passOver(work, study, selection, index + 1);
      const drafted = await work.stage('reporting', () => report(work, study, [reading]));
      return await work.stage('writeback', () => writeBack(work, study, drafted));
    } finally {
      releaseImages(ports.voxels, images);
    }
  }
  await passOver(work, study, selection, selection.candidates.length);
  return work.end('refuse', work.firstReason());
}

/** Says of every series that was not tried why: of the candidates from one on, and of those that the rule leaves out. */
async function passOver(
  work: Work,
  study: Study,
  { candidates, left }: Pick<ReadableSelection, 'candidates' | 'left'>,
  from: number,
): Promise<void> {
  for (const series of candidates.slice(from)) {
    const unfit = await unfitAnyway(work, study.header.studyInstanceUid, series);
    work.notRead.addSeries(series, unfit ?? reason('another-series-read'));
  }
  for (const { series, reason: why } of left) work.notRead.addSeries(series, why);
}

/** Why a series is none to read even where no other was, such as a localizer: the metadata of one instance tells. */
async function unfitAnyway(
  { ports, signal }: Work,
  studyInstanceUid: StudyInstanceUid,
  { seriesInstanceUid, instances: [first] }: Series,
): Promise<Reason | undefined> {
  if (first === undefined) return undefined;
  try {
    const { sopInstanceUid } = first;
    const dataSet = await ports.archive.retrieveMetadata(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal);
    const header = dataSet && readImageHeader(dataSet);
    return isSkipped(header) ? header.skipped : header && classifySlice(header);
  } catch {
    // A series that nobody needs must not cost the study its draft: it is explained by less.
    signal.throwIfAborted();
    return undefined;
  }
}

/** Assembly: the series becomes what the model reads, one volume or images, or is set aside. */
async function assemble(
  { ports, notRead, signal }: Work,
  study: Study,
  series: Series,
  { card: { input } }: ModelPackage,
): Promise<Images | Skipped> {
  const assembleAs = input.kind === 'image' ? assembleImageSet : assembleVolume;
  const assembled = await assembleAs(ports, study.header.studyInstanceUid, series, signal);
  notRead.add(...assembled.notRead);
  return assembled.images ?? { skipped: assembled.skipped ?? reason('no-readable-series') };
}

/** Reporting: sections of text on the findings, and the same as SR and SEG; all of it saved before anything leaves. */
async function report(work: Work, study: Study, readings: readonly Reading[]): Promise<Draft> {
  const last = await lastReport(work);
  const input = { study: study.header, readings, last };
  const identity = workIdentity({
    studyInstanceUid: work.attempt.studyInstanceUid,
    sopInstanceUids: readings.flatMap(({ findings }) => findings.evidence.map((e) => e.sopInstanceUid)),
    packageDigests: readings.map(({ model }) => model.digest),
    configDigest: work.site.configDigest,
  });
  const drafted = await draftOf(work, input, identity);
  await work.save('report.json', drafted.report);
  const shown = readings.find(({ outlines }) => outlines !== undefined);
  if (shown?.outlines !== undefined && isVolume(shown.images)) {
    await work.save('view.json', viewOf(shown.images, shown.outlines.segmentation, shown.outlines.statistics));
  }
  for (const { object, bytes } of drafted.files) await work.save(`${object.kind}.dcm`, bytes);
  await work.ports.ledger.advance(work.attempt, 'draft');
  return drafted;
}

/** Writeback: to the archive and the health record, or to neither while the patient is not matched. */
async function writeBack(work: Work, study: Study, { report: drafted, modality, files }: Draft): Promise<Outcome> {
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
    modality,
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
