/**
 * The draft of a reading, as files. The same work again meets itself: in the ledger, or, where another ledger did it, in
 * the archive. Nothing goes out under UIDs that other bytes have.
 */
import { stringOf } from './dicom-json.ts';
import type { Reading } from './inference/reading.ts';
import { filledSlots } from './inference/slots.ts';
import { type DraftInput, makeDraft } from './make-draft.ts';
import type { Attempt, DocumentName, Ports } from './ports.ts';
import { isSkipped } from './reasons.ts';
import { withKnownKeys } from './reporting/known-lesions.ts';
import type { Report, ReportProvenance } from './reporting/report.ts';
import { newProvenance, repeatedProvenance, type WorkIdentity } from './reporting/revision.ts';
import type { DicomFile } from './writeback/artifact.ts';
import { seriesInstanceUid, sopInstanceUid } from './writeback/identity.ts';
import { instantOf } from './writeback/text.ts';

export interface Draft {
  readonly report: Report;
  /** Of the series that models saw, by Series Instance UID. */
  readonly modalities: ReadonlyMap<string, string>;
  readonly files: readonly (DicomFile & { readonly name: DocumentName })[];
}

/** What a draft is made for, and with. */
export interface Drafting {
  readonly attempt: Attempt;
  readonly ports: Pick<Ports, 'archive' | 'ledger' | 'reader' | 'writer'>;
  readonly site: { readonly software: ReportProvenance['software'] };
  readonly signal: AbortSignal;
}

export async function lastReport({ attempt, ports }: Drafting): Promise<Report | undefined> {
  const bytes = await ports.ledger.document(attempt.studyInstanceUid, 'report.json');
  return bytes === undefined ? undefined : (JSON.parse(new TextDecoder().decode(bytes)) as Report);
}

/** What was read, its detections under the keys that the last draft gave them. */
export async function recognised(drafting: Drafting, reading: Reading): Promise<Reading> {
  const { model, findings } = reading;
  const classes = model.card.outputs.flatMap((output) => (output.kind === 'detection' ? output.classes : []));
  if (classes.length === 0) return reading;
  const keys = classes.map(({ key }) => key);
  return { ...reading, findings: withKnownKeys(findings, keys, await lastReport(drafting)) };
}

export async function draftOf(drafting: Drafting, input: DraftInput, work: WorkIdentity): Promise<Draft> {
  return (await sameDraft(drafting, input, work)) ?? newDraft(drafting, input, work);
}

/**
 * The last draft, where the same work gives the same bytes. A corrected name or another version of the software gives
 * others, which must not go out under the UIDs of the old ones.
 */
async function sameDraft(drafting: Drafting, input: DraftInput, work: WorkIdentity): Promise<Draft | undefined> {
  const provenance = repeatedProvenance(input.last, work);
  if (provenance === undefined) return undefined;
  const drafted = draftUnder(drafting, input, provenance);
  for (const { name, bytes } of drafted.files) {
    const saved = await drafting.ports.ledger.document(drafting.attempt.studyInstanceUid, name);
    if (!sameBytes(saved, bytes)) return undefined;
  }
  return drafted;
}

/** A draft that comes after those that the ledger and the archive know, and names the one that it replaces. */
async function newDraft(drafting: Drafting, input: DraftInput, work: WorkIdentity): Promise<Draft> {
  const { attempt, site } = drafting;
  const { last } = input;
  const replaced = last === undefined ? undefined : await heldReport(drafting, last);
  let provenance = newProvenance(last, work, {
    revision: attempt.revision,
    createdAt: attempt.acceptedAt,
    software: site.software,
    ...(last !== undefined && replaced !== undefined && { predecessorSopInstanceUid: sopInstanceUid(last, 'sr') }),
  });
  for (;;) {
    const drafted = draftUnder(drafting, input, provenance);
    const held = await heldReport(drafting, drafted.report);
    if (held === undefined) return drafted;
    const createdAt = contentInstant(drafting, held);
    const again = createdAt === undefined ? undefined : draftUnder(drafting, input, { ...provenance, createdAt });
    if (again?.files.some(({ bytes }) => sameBytes(held, bytes))) return again;
    const predecessorSopInstanceUid = sopInstanceUid(drafted.report, 'sr');
    provenance = { ...provenance, revision: provenance.revision + 1, predecessorSopInstanceUid };
  }
}

function draftUnder({ ports }: Drafting, input: DraftInput, provenance: ReportProvenance): Draft {
  const made = makeDraft(input, provenance);
  const files = made.objects.map(({ name, object }) => ({ name, object, bytes: ports.writer.write(object) }));
  const seen = input.readings.flatMap(({ images, given = [] }) => [
    images,
    ...filledSlots(given).map(({ volume }) => volume),
  ]);
  const modalities = new Map(seen.map(({ seriesInstanceUid, modality }) => [seriesInstanceUid, modality]));
  return { report: made.report, modalities, files };
}

/** The SR of a report as the archive holds it. */
function heldReport({ ports, signal }: Drafting, report: Report): Promise<Uint8Array | undefined> {
  const study = report.studyInstanceUid as Attempt['studyInstanceUid'];
  return ports.archive.retrieveInstance(study, seriesInstanceUid(report, 'sr'), sopInstanceUid(report, 'sr'), signal);
}

/** When a report says that it was made: Content Date and Time (PS3.3 C.17.2). */
function contentInstant({ ports }: Drafting, sr: Uint8Array): string | undefined {
  const read = ports.reader.readDataSet(sr);
  if (isSkipped(read)) return undefined;
  const [date = '', time = '', offset] = ['00080023', '00080033', '00080201'].map((tag) => stringOf(read.dataSet, tag));
  return instantOf(date, time, offset);
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a?.length === b.length && a.every((byte, at) => byte === b[at]);
}
