/**
 * A model that is given a further series, in a running Wetread: an MR study of two sequences, and what can be wrong with one.
 * Under a minute: every reading is a whole one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { part10Reader } from '../../adapters/part10/reader.ts';
import type { Report, SeriesSlot } from '../../contracts/generated/types.ts';
import { validateReport } from '../../contracts/generated/validators.js';
import { type DicomDataSet, itemsOf, stringOf } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import type { DocumentName, StudyRecord } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { Bundle } from '../../src/writeback/fhir-transaction.ts';
import { text } from '../support/part10.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';
import {
  FIRST,
  LENS_MILLILITERS,
  SECOND,
  SECOND_SLOT,
  type Sequence,
  sequenceFiles,
  sequenceUid,
  TWO_SEQUENCES,
  type TwoSequencesCard,
  writeTwoSequences,
} from '../support/two-sequences.ts';

interface ReadStudy extends AsyncDisposable {
  readonly running: RunningWetread;
  readonly record: StudyRecord;
  readonly report: Report | undefined;
  /** Buffers that were asked for, and those that were not given back. */
  readonly memory: { acquired: number; readonly held: Set<SharedArrayBuffer> };
  document(name: DocumentName): Promise<Uint8Array>;
}

interface Site {
  /** One package for each. */
  readonly edits?: readonly ((card: TwoSequencesCard) => TwoSequencesCard)[];
  readonly config?: object;
  readonly onStart?: (running: RunningWetread) => void;
}

const asItIs = (card: TwoSequencesCard): TwoSequencesCard => card;

async function read(
  sequences: readonly Sequence[],
  { edits = [asItIs], config = {}, onStart }: Site = {},
): Promise<ReadStudy> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(new TemporaryFolder());
  const models: string[] = [];
  for (const edit of edits) models.push(await writeTwoSequences(folder.path, edit));
  const running = stack.use(await runWetread({ models, bundledModels: false, ...config }));
  const memory = countedMemory(running);
  onStart?.(running);
  await running.send(sequences.flatMap((sequence) => sequenceFiles(sequence)));
  await running.wetread.whenFinal();
  const { ledger } = running.wetread.ports;
  const [record] = await ledger.list();
  assert.ok(record !== undefined);
  const document = async (name: DocumentName): Promise<Uint8Array> => {
    const bytes = await ledger.document(record.studyInstanceUid, name);
    assert.ok(bytes !== undefined, `${name} of a study that ended ${record.state}: ${JSON.stringify(record.reason)}`);
    return bytes;
  };
  const bytes = await ledger.document(record.studyInstanceUid, 'report.json');
  const report = bytes && (JSON.parse(new TextDecoder().decode(bytes)) as Report);
  return { running, record, report, memory, document, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

function countedMemory({ wetread }: RunningWetread): ReadStudy['memory'] {
  const { voxels } = wetread.ports;
  const { acquire, release } = voxels;
  const memory = { acquired: 0, held: new Set<SharedArrayBuffer>() };
  Object.assign(voxels, {
    acquire(byteLength: number) {
      const buffer = acquire(byteLength);
      memory.acquired += 1;
      memory.held.add(buffer);
      return buffer;
    },
    release(buffer: SharedArrayBuffer) {
      memory.held.delete(buffer);
      release(buffer);
    },
  });
  return memory;
}

const milliliters = (report: Report | undefined): number =>
  report?.readings[0]?.findings[0]?.measurements[0]?.value ?? Number.NaN;

const sentences = (report: Report | undefined, key: string): readonly string[] =>
  report?.sections.find((section) => section.key === key)?.sentences.map(({ text }) => text) ?? [];

/** The card with another slot, or another of its keys. */
const withSlot =
  (change: Partial<SeriesSlot>) =>
  (card: TwoSequencesCard): TwoSequencesCard => ({
    ...card,
    input: { ...card.input, slots: [{ ...SECOND_SLOT, ...change }] },
  });

const inWindows = (card: TwoSequencesCard): TwoSequencesCard => ({
  ...card,
  input: { ...card.input, window: { shape: [32, 32, 32], overlap: 0.25, blend: 'gaussian' } },
});

for (const [how, edit] of [
  ['whole', asItIs],
  ['in windows', inWindows],
] as const) {
  test(`WR-SLT-01 what is bright in one sequence and dark in another, turned one has its volume (${how})`, async () => {
    await using study = await read([FIRST, SECOND], { edits: [edit] });
    const { record, report } = study;
    assert.equal(record.state, 'filed', JSON.stringify(record));
    const found = milliliters(report);
    assert.ok(Math.abs(found / LENS_MILLILITERS - 1) < 0.02, `${found} ml, ${LENS_MILLILITERS} ml by the formula`);
  });
}

test('WR-SLT-02 findings, text, SR and health record name every series that was looked at; the SEG lies on the one that was read', async () => {
  await using study = await read([FIRST, SECOND]);
  const { record, report } = study;
  assert.ok(validateReport(structuredClone(report)), JSON.stringify(validateReport.errors));
  const [reading] = report!.readings;
  const [first, second] = [sequenceUid(FIRST), sequenceUid(SECOND)];
  assert.equal(reading.seriesInstanceUid, first);
  assert.equal(reading.evidence.length, FIRST.shape[0]);
  assert.deepEqual(
    reading.slots?.map(({ name, meaning, seriesInstanceUid, evidence, empty }) => [
      [name, meaning, seriesInstanceUid, evidence.length],
      empty,
    ]),
    [[['flair', 'FLAIR', second, SECOND.shape[0]], undefined]],
  );
  assert.equal(reading.algorithm.parameters['slot-flair'], second);
  assert.deepEqual(record.notRead, [], 'a series that filled a slot was read');
  assert.match(
    sentences(report, 'technique')[1]!,
    /^FLAIR for mr-two-sequences: series 5, MR of the brain: 80 slices, /,
  );

  const sr = dataSetOf(await study.document('sr.dcm'));
  const [evidence] = itemsOf(sr, '0040A375');
  const series = itemsOf(evidence!, '00081115').map((one) => [
    stringOf(one, '0020000E'),
    itemsOf(one, '00081199').length,
  ]);
  assert.deepEqual(series.slice(0, 2), [
    [first, FIRST.shape[0]],
    [second, SECOND.shape[0]],
  ]);
  const library = JSON.stringify(sr).match(/"126200"/g);
  assert.equal(library?.length, 2, 'a group of the image library for each series');

  const seg = dataSetOf(await study.document('seg.dcm'));
  assert.deepEqual(
    itemsOf(seg, '00081115').map((one) => stringOf(one, '0020000E')),
    [first],
  );
  const bundle = JSON.parse(new TextDecoder().decode(await study.document('bundle.json'))) as Bundle;
  const imaging = bundle.entry?.map(({ resource }) => resource).find((one) => one?.resourceType === 'ImagingStudy');
  assert.deepEqual(
    imaging?.series?.map(({ uid, modality }) => [uid, modality.code]),
    [
      [first, 'MR'],
      [second, 'MR'],
    ],
  );
});

interface Refusal {
  readonly sequences: readonly Sequence[];
  readonly edit?: (card: TwoSequencesCard) => TwoSequencesCard;
  readonly code: string;
  readonly detail: RegExp;
  /** Buffers: one for each series that is fetched. */
  readonly fetched: number;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  'there is none, and nothing is fetched': {
    sequences: [FIRST],
    code: 'slot-empty',
    detail: /^FLAIR: no series is as slot flair wants it: SeriesDescription does not contain 'flair'$/,
    fetched: 0,
  },
  'it has another frame of reference, and is not fetched': {
    sequences: [FIRST, { ...SECOND, frame: 'another scanner' }],
    code: 'other-frame-of-reference',
    detail: /^FLAIR$/,
    fetched: 1,
  },
  'it shows a part of the place': {
    sequences: [FIRST, { ...SECOND, shape: [SECOND.shape[0], 40, SECOND.shape[2]] }],
    code: 'slot-not-covering',
    detail: /^FLAIR: \d\d % of it, the model needs 95 %$/,
    fetched: 2,
  },
  'it has other units': {
    sequences: [
      FIRST,
      { ...SECOND, attributes: { '00281052': text('DS', 0), '00281053': text('DS', 1), '00281054': text('LO', 'US') } },
    ],
    edit: withSlot({ units: 'ADC' }),
    code: 'outside-model-limits',
    detail: /^FLAIR: values .*, the model reads ADC$/,
    fetched: 2,
  },
  'slices are missing': {
    sequences: [FIRST, { ...SECOND, missing: 40 }],
    code: 'slices-missing',
    detail: /^FLAIR: /,
    fetched: 2,
  },
};

for (const [why, { sequences, edit = asItIs, code, detail, fetched }] of Object.entries(REFUSALS)) {
  test(`WR-SLT-03 a series that the model needs beside another: ${why}`, async () => {
    await using study = await read(sequences, { edits: [edit] });
    const { record, memory } = study;
    assert.deepEqual([record.state, record.reason?.code], ['not-evaluable', code], JSON.stringify(record.reason));
    assert.match(record.reason?.detail ?? '', detail);
    assert.deepEqual([memory.acquired, memory.held.size], [fetched, 0]);
    const told = record.notRead.map(({ seriesInstanceUid }) => seriesInstanceUid);
    for (const sequence of sequences) assert.ok(told.includes(sequenceUid(sequence)), 'every series is explained');
  });
}

test('WR-SLT-04 a slot that may stay empty: its channel is fill, and findings and draft say so', async () => {
  // FLAIR that is absent counts as dark
  await using study = await read([FIRST], { edits: [withSlot({ required: false, fill: 0 })] });
  const { record, report } = study;
  assert.equal(record.state, 'filed', JSON.stringify(record.reason));
  const [reading] = report!.readings;
  assert.equal(reading.slots?.[0]?.seriesInstanceUid, undefined);
  assert.match(reading.slots?.[0]?.empty ?? '', /^A further series that the model is to be given is missing: FLAIR/);
  assert.equal(reading.algorithm.parameters['slot-flair'], 'empty');
  assert.match(report!.caveats.join('\n'), /The model did without FLAIR\. A further series/);
  const sphere = ((4 / 3) * Math.PI * 26 ** 3) / 1000;
  assert.ok(Math.abs(milliliters(report) / sphere - 1) < 0.02, 'the whole of what is bright');
  await using bright = await read([FIRST], { edits: [withSlot({ required: false, fill: 640 })] });
  assert.equal(bright.record.state, 'filed');
  assert.deepEqual(bright.report?.readings[0].findings[0]?.evidence, [], 'and nothing of it where fill is bright');
});

test('WR-SLT-05 a rule of the site says what it calls the series of a slot, and which one is read', async () => {
  const named = [
    { ...FIRST, description: 'SAG MPRAGE' },
    { ...SECOND, description: 'DARK FLUID' },
  ] as const;
  const rule = {
    name: 'brain',
    model: TWO_SEQUENCES,
    series: { where: { attribute: 'SeriesDescription', contains: 'mprage' } },
    slots: { flair: { where: { attribute: 'SeriesNumber', equals: 5 } } },
  };
  await using study = await read(named, { config: { rules: [rule] } });
  assert.equal(study.record.state, 'filed', JSON.stringify(study.record.reason));
  assert.equal(study.report?.readings[0].seriesInstanceUid, sequenceUid(named[0]));
  assert.equal(study.report?.readings[0].slots?.[0]?.seriesInstanceUid, sequenceUid(named[1]));
  await using without = await read(named, { config: { rules: [{ ...rule, slots: {} }] } });
  assert.deepEqual([without.record.state, without.record.reason?.code], ['not-evaluable', 'slot-empty']);
});

const again = (card: TwoSequencesCard): TwoSequencesCard => ({ ...card, name: 'mr-again' });

test('WR-SLT-06 a series that two models are given is fetched once, and all memory is given back', async () => {
  await using study = await read([FIRST, SECOND], { edits: [asItIs, again] });
  assert.equal(study.record.state, 'filed', JSON.stringify(study.record.reason));
  assert.equal(study.report?.readings.length, 2);
  assert.deepEqual([study.memory.acquired, study.memory.held.size], [2, 0]);
});

const asTheTestWants = new WetreadError('inference-failed', 'as the test wants it');

const FAULTS: Readonly<Record<string, NonNullable<Site['onStart']>>> = {
  'of the model': ({ wetread }) =>
    Object.assign(wetread.ports.inference, { infer: () => Promise.reject(asTheTestWants) }),
  'while the further series is assembled': ({ wetread: { ports } }) => {
    const decodeInto = ports.decoder.decodeInto.bind(ports.decoder);
    let frames = 0;
    Object.assign(ports.decoder, {
      decodeInto(...asked: Parameters<typeof decodeInto>) {
        frames += 1;
        return frames > FIRST.shape[0] + 10 ? Promise.reject(asTheTestWants) : decodeInto(...asked);
      },
    });
  },
};

for (const [when, onStart] of Object.entries(FAULTS)) {
  test(`WR-SLT-06 after a fault ${when} all memory is given back too`, async () => {
    await using study = await read([FIRST, SECOND], { config: { retries: { maximum: 0 } }, onStart });
    assert.equal(study.record.reason?.code, 'inference-failed');
    assert.deepEqual([study.memory.acquired, study.memory.held.size], [2, 0]);
  });
}

test('WR-SLT-07 other images in a slot are other work: the draft has other UIDs', async () => {
  const uidOf = async (sequences: readonly Sequence[]): Promise<string> => {
    await using study = await read(sequences);
    return stringOf(dataSetOf(await study.document('sr.dcm')), '00080018') ?? '';
  };
  const uid = await uidOf([FIRST, SECOND]);
  assert.equal(await uidOf([FIRST, SECOND]), uid);
  const [slices, rows, columns] = SECOND.shape;
  assert.notEqual(await uidOf([FIRST, { ...SECOND, shape: [slices - 1, rows, columns] }]), uid);
});

function dataSetOf(bytes: Uint8Array): DicomDataSet {
  const read = part10Reader.readDataSet(bytes);
  assert.ok(!isSkipped(read));
  return read.dataSet;
}
