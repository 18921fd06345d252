/**
 * `wetread read` on every folder of the test data, as an operator would: it ends well, every study is in a final state,
 * and everything that was not read says why. The table holds what a radiologist would expect of each folder. A minute or
 * so: one process per folder.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { readInstance } from '../../adapters/part10/reader.ts';
import type { Report, StudyRow, Summary } from '../../contracts/generated/types.ts';
import { validateReport, validateSummary } from '../../contracts/generated/validators.js';
import { ERROR_CODES } from '../../src/errors.ts';
import { isSkipped, REASONS, type ReasonCode } from '../../src/reasons.ts';
import { withoutTool } from '../support/dicom-tools.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { dataPath, withoutTestData } from '../support/test-data.ts';

type Counts<Key extends string> = Partial<Record<Key, number>>;

interface Expected {
  readonly stored: number;
  readonly repeated?: number;
  /** Not DICOM at all, or a DICOMDIR. */
  readonly skipped?: number;
  /** Files that the archive refused, by reason. */
  readonly refused?: Counts<ReasonCode>;
  /** Studies by state and reason. */
  readonly studies: Counts<string>;
  /** Instances that were stored and not read, by reason; of studies without a model none is listed. */
  readonly notRead?: Counts<ReasonCode>;
}

const noModel = (studies: number): Counts<string> => ({ 'not-selected no-model-selected': studies });

const EXPECTED: Readonly<Record<string, Expected>> = {
  // French and Japanese names twice under one SOP Instance UID; two files without any Study Instance UID
  charsets: { stored: 13, skipped: 1, refused: { 'uid-conflict': 2, 'uid-missing': 2 }, studies: noModel(13) },
  'cr-chest-mono1': { stored: 1, studies: noModel(1) },
  // one slice in fifteen syntaxes: the same SOP Instance UID with other bytes, and two syntaxes that nothing decodes
  'ct-14-syntaxes': {
    stored: 7,
    refused: { 'uid-conflict': 9 },
    studies: { 'not-evaluable too-few-slices': 1 },
    notRead: { 'transfer-syntax-unsupported': 2, 'too-few-slices': 5 },
  },
  'ct-body-j2k-overlap': { stored: 0, refused: { 'uid-missing': 20 }, studies: {} },
  // the one study to be read; beside it lies an SR of somebody else
  'ct-chest-nlst': { stored: 144, studies: { 'filed ': 1 }, notRead: { 'wrong-modality': 1 } },
  'ct-chest-nlst-dicomweb': { stored: 0, skipped: 288, refused: { 'folder-without-dicom': 1 }, studies: {} },
  'ct-head-ge-tilt': {
    stored: 28,
    studies: { 'not-evaluable spacing-irregular': 1 },
    notRead: { 'spacing-irregular': 28 },
  },
  // a head; its localizer, its dose page and its summary pages each by their own name
  'ct-head-philips-study': {
    stored: 24,
    studies: { 'not-evaluable wrong-body-part': 1 },
    notRead: { 'wrong-body-part': 20, localizer: 1, 'dose-sheet': 1, screenshot: 2 },
  },
  'ct-multiframe-fragments': {
    stored: 3,
    refused: { 'uid-conflict': 7 },
    studies: { 'not-evaluable too-few-slices': 1 },
    notRead: { 'too-few-slices': 3 },
  },
  // headers without pixels, five slices after two scouts, four slices with a hole, and studies of other modalities
  'dicomdir-media': {
    stored: 81,
    skipped: 7,
    refused: { 'truncated-file': 1 },
    studies: {
      ...noModel(4),
      'not-evaluable no-pixel-data': 1,
      'not-evaluable too-few-slices': 1,
      'not-evaluable slices-missing': 1,
    },
    notRead: { 'no-pixel-data': 50, 'too-few-slices': 5, localizer: 2, 'slices-missing': 4 },
  },
  'dx-chest-dog': { stored: 1, studies: noModel(1) },
  'fhir-r4-examples': { stored: 0, skipped: 139, refused: { 'folder-without-dicom': 1 }, studies: {} },
  'hl7v2-dcm4che': { stored: 0, skipped: 11, refused: { 'folder-without-dicom': 1 }, studies: {} },
  htj2k: { stored: 0, refused: { 'uid-missing': 2 }, studies: {} },
  'malformed-dcmjs': { stored: 1, refused: { 'uid-missing': 1 }, studies: noModel(1) },
  'malformed-pydicom': {
    stored: 3,
    skipped: 1,
    refused: { 'uid-missing': 6, 'uid-conflict': 2, 'truncated-file': 2 },
    studies: noModel(3),
  },
  'mg-screening': { stored: 1, studies: noModel(1) },
  'mr-9-syntaxes': { stored: 9, studies: noModel(1) },
  'mr-brain-ge-oblique': { stored: 20, studies: noModel(1) },
  'mr-enhanced-siemens': { stored: 4, studies: noModel(1) },
  'mr-enhanced-small': { stored: 1, refused: { 'uid-conflict': 5 }, studies: noModel(1) },
  'rtstruct-phantom': {
    stored: 7,
    refused: { 'uid-conflict': 1 },
    studies: { 'not-evaluable geometry-missing': 3, 'not-evaluable too-few-slices': 1 },
    notRead: { 'geometry-missing': 3, 'too-few-slices': 2, 'wrong-modality': 2 },
  },
  // three slices of a liver, and label maps that call themselves CT, of a patient born on the day of the study
  'seg-liver-ct': {
    stored: 16,
    refused: { 'uid-conflict': 1 },
    studies: { 'not-evaluable too-few-slices': 1, 'not-evaluable patient-outside-use': 2 },
    notRead: { 'too-few-slices': 3, 'patient-outside-use': 8, 'wrong-modality': 5 },
  },
  'signed-and-overlays': { stored: 6, refused: { 'uid-missing': 1 }, studies: noModel(4) },
  'sr-seg-rwv-headneck': { stored: 3, studies: noModel(1) },
  'sr-tid1500-dwv': { stored: 8, studies: noModel(1) },
  'sr-tid1500-highdicom': {
    stored: 9,
    studies: { ...noModel(2), 'not-evaluable too-few-slices': 1 },
    notRead: { 'no-pixel-data': 1, 'too-few-slices': 1, 'wrong-modality': 2 },
  },
  'syntaxes-small': {
    stored: 28,
    repeated: 1,
    refused: { 'uid-missing': 4, 'uid-conflict': 18 },
    studies: { ...noModel(12), 'not-evaluable geometry-missing': 1, 'not-evaluable too-few-slices': 2 },
    notRead: { 'geometry-missing': 1, 'too-few-slices': 2 },
  },
  'us-echo-multiframe': { stored: 2, studies: noModel(1) },
  'us-palette-cine': { stored: 2, refused: { 'uid-conflict': 1 }, studies: noModel(2) },
  // items of a worklist name a study and no series: they are no instances
  worklist: { stored: 0, refused: { 'uid-missing': 10 }, studies: {} },
};

interface Read {
  readonly summary: Summary;
  /** What the operator sees. */
  readonly said: string;
  readonly out: string;
}

/** Throws where the command ends with another code than 0, or not in time. */
async function wetreadRead(folder: string, out: string): Promise<Read> {
  const main = join(import.meta.dirname, '..', '..', 'services', 'wetread', 'main.ts');
  const command = [main, 'read', folder, '--out', out];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, command, { timeout: 120_000 });
  assert.doesNotMatch(stderr, /^\s+at .*:\d+:\d+|Error:|unhandled/im, 'no stack trace reaches the terminal');
  const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Summary;
  assert.ok(validateSummary(structuredClone(summary)), JSON.stringify(validateSummary.errors));
  return { summary, said: stdout, out };
}

function tally(values: readonly string[]): Counts<string> {
  const counts: Counts<string> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

function notReadOf(studies: readonly StudyRow[]): Counts<string> {
  return tally(
    studies.flatMap((row) =>
      row.notRead.flatMap(({ count, reason }) => Array.from({ length: count ?? 0 }, () => reason.code)),
    ),
  );
}

/** How many images the drafts rest on. */
function imagesRead({ summary, out }: Read): number {
  const drafts = summary.studies.filter(({ state }) => state === 'filed');
  const reports = drafts.map(({ studyInstanceUid }) => {
    const report = JSON.parse(readFileSync(join(out, studyInstanceUid, 'report.json'), 'utf8')) as Report;
    assert.ok(validateReport(structuredClone(report)), JSON.stringify(validateReport.errors));
    return report;
  });
  return reports.reduce((sum, { readings }) => sum + readings[0].evidence.length, 0);
}

function assertExplained({ summary, said }: Read): void {
  const known = new Set<string>([...Object.keys(REASONS), ...Object.keys(ERROR_CODES)]);
  for (const row of summary.studies) {
    assert.ok(row.final, row.studyInstanceUid);
    assert.ok(said.includes(row.studyInstanceUid), 'the operator sees every study');
    if (row.state === 'filed') continue;
    assert.ok(row.reason !== undefined, `${row.studyInstanceUid} is ${row.state} and does not say why`);
    assert.deepEqual(row.findings, [], `${row.studyInstanceUid} is ${row.state} and has a number`);
  }
  const reasons = [
    ...summary.files.notRead.map(({ reason }) => reason),
    ...summary.studies.flatMap(({ reason, notRead }) => [
      ...(reason === undefined ? [] : [reason]),
      ...notRead.map((each) => each.reason),
    ]),
  ];
  for (const { code, detail } of reasons) {
    assert.ok(known.has(code), code);
    assert.doesNotMatch(detail ?? '', /undefined|NaN|\[object/, code);
  }
}

for (const [folder, expected] of Object.entries(EXPECTED)) {
  test(`WR-CON-14 ${folder}: everything that was not read says why`, { skip: withoutTestData }, async () => {
    await using out = new TemporaryFolder();
    const read = await wetreadRead(dataPath(folder), out.path);
    const { files, studies } = read.summary;
    assertExplained(read);
    assert.deepEqual(
      {
        stored: files.stored,
        repeated: files.repeated,
        skipped: files.skipped,
        refused: tally(files.notRead.map(({ reason }) => reason.code)),
        studies: tally(studies.map(({ state, reason }) => `${state} ${reason?.code ?? ''}`)),
        notRead: notReadOf(studies),
      },
      { repeated: 0, skipped: 0, refused: {}, notRead: {}, ...expected },
    );
    const refused = files.notRead.filter(({ file }) => file !== '.').length;
    assert.equal(files.stored + files.repeated + files.skipped + refused, files.seen, 'every file is counted once');
    if (studies.some(({ state }) => state === 'not-selected')) return;
    const explained = Object.values(notReadOf(studies)).reduce<number>((sum, count) => sum + (count ?? 0), 0);
    assert.equal(imagesRead(read) + explained, files.stored, 'every instance was read or says why it was not');
  });
}

test('WR-CON-14 no folder of the test data is left out', { skip: withoutTestData }, () => {
  const folders = readdirSync(dataPath(), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'LICENSES')
    .map(({ name }) => name);
  assert.deepEqual(Object.keys(EXPECTED).sort(), folders.sort());
});

/** Copies of the files of a folder, changed. */
function copied(to: TemporaryFolder, from: string, change: (path: string, index: number) => void): void {
  const names = readdirSync(from)
    .filter((name) => !name.startsWith('.'))
    .sort();
  for (const [index, name] of names.entries()) {
    const path = join(to.path, `${index}.dcm`);
    copyFileSync(join(from, name), path);
    change(path, index);
  }
}

/** The only study of a folder, which must not be given a number. */
async function refusalOf(folder: TemporaryFolder): Promise<StudyRow> {
  await using out = new TemporaryFolder();
  const read = await wetreadRead(folder.path, out.path);
  assertExplained(read);
  const [row, ...others] = read.summary.studies;
  assert.ok(row);
  assert.equal(others.length, 0);
  assert.equal(row.state, 'not-evaluable', JSON.stringify(row));
  return row;
}

const withoutDcmtk = withoutTestData || withoutTool('dcmdump');

function dcmodify(...options: readonly string[]): void {
  const { status, stderr } = spawnSync('dcmodify', ['--no-backup', ...options], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

/** Millimetres along z, from the header. */
function heightOf(path: string): number {
  const instance = readInstance(readFileSync(path));
  assert.ok(!isSkipped(instance));
  return instance.header.frames[0]!.imagePositionPatient![2];
}

test('WR-CON-15 a head that calls itself a chest is refused by its pixels', { skip: withoutDcmtk }, async () => {
  await using folder = new TemporaryFolder();
  copied(folder, dataPath('ct-head-philips-study', 'S2010'), (path) => dcmodify('-m', '0018,0015=CHEST', path));
  const { reason } = await refusalOf(folder);
  assert.match(reason?.code ?? '', /^(wrong-body-part|coverage-insufficient|outside-model-limits)$/);
});

test('WR-CON-15 another head, its slices made regular and nothing said of the body part, is refused', {
  skip: withoutDcmtk,
}, async () => {
  await using folder = new TemporaryFolder();
  const heights: [path: string, z: number][] = [];
  copied(folder, dataPath('ct-head-ge-tilt'), (path) => heights.push([path, heightOf(path)]));
  heights.sort(([, a], [, b]) => a - b);
  for (const [index, [path]] of heights.entries())
    dcmodify(
      ...['-m', `0020,0032=-125\\-125\\${5 * index}`],
      ...['-m', '0020,0037=1\\0\\0\\0\\1\\0'],
      ...['-m', '0018,0050=5'],
      ...['-e', '0018,0015'],
      path,
    );
  const { reason } = await refusalOf(folder);
  assert.equal(reason?.code, 'out-of-distribution');
});

test('WR-CON-15 a part of a body, given the UIDs that it lacks, is refused', { skip: withoutDcmtk }, async () => {
  await using folder = new TemporaryFolder();
  copied(folder, dataPath('ct-body-j2k-overlap'), (path, index) =>
    dcmodify(
      ...['-i', '0008,0016=1.2.840.10008.5.1.4.1.1.2', '-i', `0008,0018=1.2.3.3.${index}`],
      ...['-i', '0020,000D=1.2.3.1', '-i', '0020,000E=1.2.3.2'],
      path,
    ),
  );
  const { reason } = await refusalOf(folder);
  assert.equal(reason?.code, 'coverage-insufficient');
});

for (const [part, from, to] of [
  ['upper half', 0.5, 1],
  ['bases and abdomen', 0, 0.42],
] as const) {
  test(`WR-CON-15 a part of a chest is given no number: ${part}`, { skip: withoutTestData }, async () => {
    await using folder = new TemporaryFolder();
    const source = dataPath('ct-chest-nlst', 'ct');
    const paths = readdirSync(source).map((name) => join(source, name));
    const sorted = paths.map((path) => ({ path, z: heightOf(path) })).sort((a, b) => a.z - b.z);
    const chosen = sorted.slice(Math.round(from * sorted.length), Math.round(to * sorted.length));
    for (const [index, { path }] of chosen.entries()) copyFileSync(path, join(folder.path, `${index}.dcm`));
    const { reason } = await refusalOf(folder);
    assert.match(reason?.code ?? '', /^(coverage-insufficient|wrong-body-part)$/);
  });
}

test('WR-CON-16 one bad slice in a good study: named, and the study says what it lacks', {
  skip: withoutTestData,
}, async () => {
  await using folder = new TemporaryFolder();
  copied(folder, dataPath('ct-chest-nlst', 'ct'), (path, index) => {
    if (index === 70) writeFileSync(path, readFileSync(path).subarray(0, 9000));
  });
  await using out = new TemporaryFolder();
  const read = await wetreadRead(folder.path, out.path);
  assert.deepEqual(
    read.summary.files.notRead.map(({ file, reason }) => [file, reason.code]),
    [['70.dcm', 'truncated-file']],
  );
  const [row] = read.summary.studies;
  assert.deepEqual([row?.state, row?.reason?.code], ['not-evaluable', 'slices-missing']);
  assert.match(row?.reason?.detail ?? '', /gap of 4\.0 mm/);
});
