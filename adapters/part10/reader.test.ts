import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { HEADER_TAGS, readImageHeader } from '../../src/arrival/image-header.ts';
import { readStudyHeader } from '../../src/arrival/study-header.ts';
import { itemsOf, personNameOf, stringOf, stringsOf } from '../../src/dicom-json.ts';
import type { EncodedInstance } from '../../src/ports.ts';
import { explain, isSkipped, type ReasonCode, type Skipped } from '../../src/reasons.ts';
import {
  element,
  encapsulated,
  identityElements,
  imageElements,
  implicitElement,
  item,
  PLANTED_NAME,
  part10,
  sequenceDelimiter,
  UNDEFINED_LENGTH,
} from '../../test/support/part10-bytes.ts';
import { dataPath, type TruthInstance, truth, withoutTestData } from '../../test/support/test-data.ts';
import { readDataSet, readIdentity, readInstance } from './reader.ts';

const EXPLICIT = '1.2.840.10008.1.2.1';
const IMPLICIT = '1.2.840.10008.1.2';
const DEFLATED = '1.2.840.10008.1.2.1.99';
const JPEG_LS = '1.2.840.10008.1.2.4.80';

function instance(bytes: Uint8Array): EncodedInstance {
  const read = readInstance(bytes);
  if (isSkipped(read)) assert.fail(explain(read.skipped));
  return read;
}

function dataSetOf(bytes: Uint8Array) {
  const read = readDataSet(bytes);
  if (isSkipped(read)) assert.fail(explain(read.skipped));
  return read.dataSet;
}

function codeOf(outcome: object | Skipped): ReasonCode | 'read' {
  return isSkipped(outcome) ? outcome.skipped.code : 'read';
}

function read(...path: string[]): Uint8Array {
  return readFileSync(dataPath(...path));
}

/** What `readInstance` and `readDataSet` say of each malformed file, and how many elements the data set then has. */
const MALFORMED: Record<string, [ReasonCode | 'read', ReasonCode | 'read', number?]> = {
  // Element of a wrong VR length in a sequence; dcmtk reads it as well.
  'malformed-dcmjs/invalid-vr-length-test.dcm': ['read', 'read', 58],
  // Study Instance UID "1" has no second component.
  'malformed-dcmjs/no-meta-length-test.dcm': ['uid-missing', 'read', 7],
  'malformed-pydicom/ExplVR_BigEndNoMeta.dcm': ['no-pixel-data', 'read', 24],
  'malformed-pydicom/ExplVR_LitEndNoMeta.dcm': ['no-pixel-data', 'read', 24],
  'malformed-pydicom/MR_truncated.dcm': ['truncated-file', 'truncated-file'],
  'malformed-pydicom/UN_sequence.dcm': ['uid-missing', 'read', 1],
  // Number of Frames is "1A".
  'malformed-pydicom/badVR.dcm': ['header-implausible', 'read', 44],
  'malformed-pydicom/empty_charset_LEI.dcm': ['uid-missing', 'read', 2],
  'malformed-pydicom/meta_missing_tsyntax.dcm': ['uid-missing', 'read', 1],
  'malformed-pydicom/nested_priv_SQ.dcm': ['uid-missing', 'read', 1],
  // A stray byte comes before the first element, there is no file meta information: nothing says that this is DICOM.
  'malformed-pydicom/no_meta.dcm': ['not-dicom', 'not-dicom'],
  'malformed-pydicom/no_meta_group_length.dcm': ['uid-missing', 'read', 3],
  'malformed-pydicom/priv_SQ.dcm': ['uid-missing', 'read', 2],
  'malformed-pydicom/reportsi.dcm': ['no-pixel-data', 'read', 34],
  'malformed-pydicom/reportsi_with_empty_number_tags.dcm': ['no-pixel-data', 'read', 41],
  'malformed-pydicom/rtplan_truncated.dcm': ['truncated-file', 'truncated-file'],
};

test('WR-PIX-01 every malformed file ends in what is expected of it', { skip: withoutTestData }, () => {
  const files = ['malformed-dcmjs', 'malformed-pydicom'].flatMap((folder) =>
    readdirSync(dataPath(folder)).map((name) => `${folder}/${name}`),
  );
  assert.deepEqual(files.toSorted(), Object.keys(MALFORMED).toSorted(), 'an expectation for each file');
  for (const [file, [asInstance, asDataSet, elements]] of Object.entries(MALFORMED)) {
    const bytes = read(file);
    assert.equal(codeOf(readInstance(bytes)), asInstance, file);
    const data = readDataSet(bytes);
    assert.equal(codeOf(data), asDataSet, file);
    if (!isSkipped(data)) assert.equal(Object.keys(data.dataSet).length, elements, file);
  }
});

test('WR-PIX-02 headers of all images are those that pydicom reads', { skip: withoutTestData }, () => {
  let compared = 0;
  for (const [folder, { series }] of Object.entries(truth().folders)) {
    for (const fact of (series ?? []).flatMap((one) => one.instances)) {
      const outcome = existing(folder, fact) ? readInstance(read(folder, fact.file)) : undefined;
      if (outcome === undefined || isSkipped(outcome)) continue;
      compareHeader(outcome, fact, `${folder}/${fact.file}`);
      compared += 1;
    }
  }
  assert.ok(compared > 380, `${compared} compared`);
});

function existing(folder: string, fact: TruthInstance): boolean {
  return statSync(dataPath(folder, fact.file), { throwIfNoEntry: false })?.isFile() === true;
}

function compareHeader({ header, study }: EncodedInstance, fact: TruthInstance, file: string): void {
  const expected = {
    sop: fact.sop,
    rows: fact.rows,
    columns: fact.cols,
    frames: Number(fact.frames ?? 1),
    allocated: fact.bitsAllocated,
    stored: fact.bitsStored,
    signed: fact.signed,
    samples: fact.samples,
    photometric: fact.photometric,
    slope: fact['slope'] ?? 1,
    intercept: fact['intercept'] ?? 0,
    name: fact.patientName?.replace(/=+$/, '') || undefined,
    number: fact['instanceNumber'],
  };
  const [first] = header.frames;
  const found = {
    sop: header.sopInstanceUid,
    rows: header.rows,
    columns: header.columns,
    frames: header.numberOfFrames,
    allocated: header.bitsAllocated,
    stored: header.bitsStored,
    signed: header.pixelRepresentation,
    samples: header.samplesPerPixel,
    photometric: header.photometricInterpretation,
    slope: first?.rescaleSlope,
    intercept: first?.rescaleIntercept,
    name: study.patientName,
    number: header.instanceNumber,
  };
  assert.deepEqual(found, expected, file);
  assert.equal(header.frames.length, header.numberOfFrames, file);
}

test('WR-PIX-03 the header made of a few tags is the one made of the whole data set', { skip: withoutTestData }, () => {
  for (const folder of ['ct-14-syntaxes', 'mr-enhanced-siemens', 'us-palette-cine', 'cr-chest-mono1', 'seg-liver-ct']) {
    for (const name of readdirSync(dataPath(folder), { recursive: true, encoding: 'utf8' })) {
      if (!statSync(dataPath(folder, name)).isFile()) continue;
      const outcome = readInstance(read(folder, name));
      if (isSkipped(outcome)) continue;
      assert.deepEqual(outcome.header, readImageHeader(outcome.dataSet), name);
      assert.deepEqual(outcome.study, readStudyHeader(outcome.dataSet), name);
    }
  }
  assert.ok(HEADER_TAGS.has('00280010'));
});

test('WR-PIX-04 character sets read as their files say', { skip: withoutTestData }, () => {
  const { series } = truth().folders['charsets']!;
  const facts = series.flatMap((one) => one.instances);
  assert.equal(facts.length, 15);
  for (const { file, patientName } of facts) {
    const name = personNameOf(dataSetOf(read('charsets', file)), '00100010');
    assert.equal(name, patientName?.replace(/=+$/, ''), file);
  }
});

test('WR-PIX-04 a sequence item may have a character set of its own', { skip: withoutTestData }, () => {
  const expected = 'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう';
  for (const file of ['chrSQEncoding.dcm', 'chrSQEncoding1.dcm']) {
    const nested = itemsOf(dataSetOf(read('charsets', file)), '00321064')[0]!;
    assert.equal(personNameOf(nested, '00100010'), expected, file);
  }
});

test('WR-PIX-04 every name of several is read, each with its escape sequences', { skip: withoutTestData }, () => {
  const otherNames = (file: string) => dataSetOf(read('charsets', file))['00101001']?.Value;
  assert.deepEqual(otherNames('chrFrenMulti.dcm'), [{ Alphabetic: 'Buc^Jérôme' }, { Alphabetic: 'Buc^Jérôme' }]);
  assert.deepEqual(otherNames('chrKoreanMulti.dcm'), [{ Alphabetic: '김희중' }, { Alphabetic: '김희중' }]);
  assert.deepEqual(otherNames('chrJapMulti.dcm'), [{ Alphabetic: 'やまだ^たろう' }, { Alphabetic: 'やまだ^たろう' }]);
});

test('WR-PIX-04 a byte of a GBK character that looks like a delimiter splits nothing', () => {
  // 誠 is D5 5C in GBK: its second byte is a backslash.
  const bytes = part10(
    EXPLICIT,
    element(0x00080005, 'CS', 'GBK'),
    element(0x00081030, 'LO', Uint8Array.from([0xd5, 0x5c, 0x5c, 0x41, 0xd5, 0x5c])),
  );
  assert.deepEqual(stringsOf(dataSetOf(bytes), '00081030'), ['誠', 'A誠']);
});

test('WR-PIX-05 empty, foreign and cut files are told apart', () => {
  assert.equal(codeOf(readInstance(new Uint8Array(0))), 'empty-file');
  assert.equal(codeOf(readInstance(Buffer.from('%PDF-1.7 a report, not an image'))), 'not-dicom');
  assert.equal(codeOf(readInstance(Buffer.alloc(1000))), 'not-dicom');
  const whole = part10(
    EXPLICIT,
    ...imageElements({ rows: 4, columns: 4 }),
    element(0x7fe00010, 'OW', Buffer.alloc(32)),
  );
  assert.equal(codeOf(readInstance(whole)), 'read');
  assert.equal(codeOf(readInstance(whole.subarray(0, whole.length - 1))), 'truncated-file');
  assert.equal(codeOf(readInstance(whole.subarray(0, 140))), 'truncated-file');
});

test('WR-PIX-05 a data set without preamble, prefix and file meta information is read', () => {
  const pixels = [...imageElements({ rows: 4, columns: 4 }), element(0x7fe00010, 'OW', Buffer.alloc(32))];
  const bare = instance(Buffer.concat(pixels));
  assert.equal(bare.transferSyntaxUid, EXPLICIT);
  const whole = part10(EXPLICIT, ...pixels);
  assert.equal(instance(whole.subarray(128)).header.rows, 4, 'prefix without preamble');
  assert.equal(instance(whole.subarray(132)).header.rows, 4, 'file meta information without prefix');
});

test('WR-PIX-05 the wrong one of the two little endian syntaxes is put right', () => {
  const bytes = part10(
    IMPLICIT,
    ...imageElements({ rows: 4, columns: 4 }),
    element(0x7fe00010, 'OW', Buffer.alloc(32)),
  );
  assert.equal(instance(bytes).transferSyntaxUid, EXPLICIT);
});

test('WR-PIX-06 40,000 x 40,000 in a file of 10 kB is refused before anything is allocated', () => {
  const elements = imageElements({ rows: 40_000, columns: 40_000 });
  const before = process.memoryUsage().arrayBuffers;
  const native = part10(EXPLICIT, ...elements, element(0x7fe00010, 'OW', Buffer.alloc(10_000)));
  assert.equal(codeOf(readInstance(native)), 'header-implausible');
  const compressed = part10(JPEG_LS, ...elements, encapsulated([], [Buffer.alloc(10_000)]));
  assert.equal(codeOf(readInstance(compressed)), 'header-implausible');
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
});

test('WR-PIX-06 hostile numbers in the image pixel module are refused', () => {
  const pixelData = element(0x7fe00010, 'OW', Buffer.alloc(32));
  const hostile = [
    { rows: 0, columns: 4 },
    { rows: 4, columns: 4, frames: 2_000_000_000 },
    { rows: 4, columns: 4, frames: -1 },
    { rows: 4, columns: 4, allocated: 12 },
    { rows: 4, columns: 4, stored: 17 },
    { rows: 4, columns: 4, stored: 12, highBit: 10 },
    { rows: 4, columns: 4, highBit: 16 },
    { rows: 4, columns: 4, samples: 4 },
    { rows: 4, columns: 5 },
  ];
  for (const pixels of hostile) {
    const outcome = readInstance(part10(EXPLICIT, ...imageElements(pixels), pixelData));
    assert.equal(codeOf(outcome), 'header-implausible', JSON.stringify(pixels));
  }
});

test('WR-PIX-07 a deflated data set that grows without bound is stopped', () => {
  const bomb = deflateRawSync(Buffer.alloc(257 * 1024 * 1024), { level: 1 });
  assert.ok(bomb.length < 2_000_000);
  assert.equal(codeOf(readInstance(Buffer.concat([part10(DEFLATED), bomb]))), 'decode-limit');
  assert.equal(codeOf(readInstance(Buffer.concat([part10(DEFLATED), bomb.subarray(0, 100)]))), 'truncated-file');
  assert.equal(
    codeOf(readInstance(Buffer.concat([part10(DEFLATED), Buffer.from('not deflated')]))),
    'data-set-invalid',
  );
});

test('WR-PIX-08 frames of one fragment are views of the file', () => {
  const bytes = part10(
    EXPLICIT,
    ...imageElements({ rows: 2, columns: 2, frames: 2 }),
    element(
      0x7fe00010,
      'OW',
      Uint8Array.from({ length: 16 }, (_, i) => i),
    ),
  );
  const { frames } = instance(bytes);
  assert.deepEqual(
    frames.map((frame) => [...frame]),
    [
      [0, 1, 2, 3, 4, 5, 6, 7],
      [8, 9, 10, 11, 12, 13, 14, 15],
    ],
  );
  assert.ok(frames.every((frame) => frame.buffer === bytes.buffer));
});

const STREAM = (n: number): Uint8Array => Uint8Array.from([0xff, 0xd8, 0xff, n]);
const REST = (n: number): Uint8Array => Uint8Array.from([n, n]);

test('WR-PIX-08 fragments are put to frames by the basic offset table', () => {
  const pixels = imageElements({ rows: 2, columns: 2, frames: 2 });
  const fragments = [REST(1), REST(2), REST(3)];
  const { frames } = instance(part10(JPEG_LS, ...pixels, encapsulated([0, 20], fragments)));
  assert.deepEqual(
    frames.map((frame) => [...frame]),
    [
      [1, 1, 2, 2],
      [3, 3],
    ],
  );
});

test('WR-PIX-08 fragments are put to frames by the extended offset table, which needs 64-bit elements', () => {
  const offsets = new BigUint64Array([0n, 10n]);
  const lengths = new BigUint64Array([2n, 12n]);
  const bytes = part10(
    JPEG_LS,
    ...imageElements({ rows: 2, columns: 2, frames: 2 }),
    element(0x7fe00001, 'OV', new Uint8Array(offsets.buffer)),
    element(0x7fe00002, 'OV', new Uint8Array(lengths.buffer)),
    encapsulated([], [REST(1), REST(2), REST(3)]),
  );
  assert.deepEqual(
    instance(bytes).frames.map((frame) => [...frame]),
    [
      [1, 1],
      [2, 2, 3, 3],
    ],
  );
});

test('WR-PIX-08 fragments are put to frames by their markers where the offset table is absent or wrong', () => {
  const pixels = imageElements({ rows: 2, columns: 2, frames: 2 });
  const fragments = [STREAM(1), REST(9), STREAM(2)];
  for (const table of [[], [0, 999]]) {
    const { frames } = instance(part10(JPEG_LS, ...pixels, encapsulated(table, fragments)));
    assert.deepEqual(
      frames.map((frame) => frame.length),
      [6, 4],
    );
  }
  const unmarked = readInstance(part10(JPEG_LS, ...pixels, encapsulated([], [REST(1), REST(2), REST(3)])));
  assert.equal(codeOf(unmarked), 'data-set-invalid');
  const tooFew = readInstance(part10(JPEG_LS, ...pixels, encapsulated([], [REST(1)])));
  assert.equal(codeOf(tooFew), 'header-implausible');
});

test('WR-PIX-08 fragments cut off, or without their delimiter', () => {
  const whole = part10(JPEG_LS, ...imageElements({ rows: 2, columns: 2 }), encapsulated([], [STREAM(1)]));
  assert.equal(
    codeOf(readInstance(whole.subarray(0, whole.length - 8))),
    'read',
    'complete, only the delimiter is missing',
  );
  assert.equal(codeOf(readInstance(whole.subarray(0, whole.length - 9))), 'truncated-file');
});

test('WR-PIX-09 sequences of unknown length, private and unknown ones, read in explicit and implicit VR', () => {
  const inner = element(0x00080060, 'CS', 'MR');
  const explicit = part10(
    EXPLICIT,
    element(0x00081115, 'SQ', item(inner), UNDEFINED_LENGTH),
    sequenceDelimiter(),
    element(0x00091001, 'UN', item(implicitElement(0x00080060, 'CT'))),
    element(0x00091002, 'UN', item(implicitElement(0x00080060, 'PT')), UNDEFINED_LENGTH),
    sequenceDelimiter(),
  );
  const dataSet = dataSetOf(explicit);
  const modality = (tag: string): string | undefined => stringOf(itemsOf(dataSet, tag)[0] ?? {}, '00080060');
  assert.deepEqual(['00081115', '00091001', '00091002'].map(modality), ['MR', 'CT', 'PT']);
  const implicit = dataSetOf(part10(IMPLICIT, implicitElement(0x00091001, item(implicitElement(0x00080060, 'US')))));
  assert.equal(stringOf(itemsOf(implicit, '00091001')[0]!, '00080060'), 'US');
  const lookalike = Buffer.concat([item(Buffer.from('no element')), Buffer.from('!')]);
  assert.equal(dataSetOf(part10(EXPLICIT, element(0x00091001, 'UN', lookalike)))['00091001']?.vr, 'UN');
});

test('WR-PIX-09 sequences nested without end are refused', () => {
  let nested: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < 5_000; i += 1) nested = element(0x00081115, 'SQ', item(nested));
  assert.equal(codeOf(readDataSet(part10(EXPLICIT, nested))), 'data-set-invalid');
});

test('WR-PIX-10 a data set without pixel data is read as such, and skipped as an image', {
  skip: withoutTestData,
}, () => {
  const bytes = read('ct-chest-nlst', 'sr', 'sybil.dcm');
  assert.deepEqual(readInstance(bytes), { skipped: { code: 'no-pixel-data', detail: 'modality SR' } });
  assert.equal(stringOf(dataSetOf(bytes), '00080060'), 'SR');
});

test('WR-PIX-10 UIDs that only the file meta information has are not taken from there', {
  skip: withoutTestData,
}, () => {
  for (const name of readdirSync(dataPath('ct-body-j2k-overlap'))) {
    const outcome = readInstance(read('ct-body-j2k-overlap', name));
    assert.deepEqual(outcome, { skipped: { code: 'uid-missing', detail: 'Study Instance UID is missing' } });
  }
});

test('WR-PIX-11 the identity of a file is that of its data set, whatever its file meta information says', () => {
  const bytes = part10(EXPLICIT, ...identityElements(), element(0x00100020, 'LO', 'P-1'));
  assert.deepEqual(readIdentity(bytes), {
    studyInstanceUid: '1.2.3.4.5',
    seriesInstanceUid: '1.2.3.4.6',
    sopInstanceUid: '1.2.3.4',
    sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
    transferSyntaxUid: EXPLICIT,
    modality: 'CT',
    patientId: 'P-1',
  });
  const other = part10(EXPLICIT, ...identityElements(), element(0x00080018, 'UI', '9.9.9'));
  const identity = readIdentity(other);
  assert.ok(!isSkipped(identity));
  assert.equal(identity.sopInstanceUid, '9.9.9');
});

test('WR-PIX-12 transfer syntaxes without a decoder are refused by name', () => {
  for (const [uid, name] of [
    ['1.2.840.10008.1.2.4.53', 'JPEG Spectral Selection (Process 6 and 8) (1.2.840.10008.1.2.4.53)'],
    ['1.2.840.10008.1.2.4.55', 'JPEG Full Progression (Process 10 and 12) (1.2.840.10008.1.2.4.55)'],
    ['1.2.840.10008.1.2.4.110', 'JPEG XL Lossless (1.2.840.10008.1.2.4.110)'],
    ['1.2.840.10008.1.2.4.112', 'JPEG XL (1.2.840.10008.1.2.4.112)'],
    ['1.2.840.10008.1.2.4.102', 'MPEG-4 AVC/H.264 High Profile (1.2.840.10008.1.2.4.102)'],
    ['1.2.3.4.5', '1.2.3.4.5'],
  ]) {
    const bytes = part10(uid!, ...imageElements({ rows: 2, columns: 2 }), encapsulated([], [STREAM(1)]));
    assert.deepEqual(readInstance(bytes), { skipped: { code: 'transfer-syntax-unsupported', detail: name } });
  }
});

test('WR-PIX-13 no reason says who the patient is', () => {
  const image = [...imageElements({ rows: 4, columns: 4 }), element(0x7fe00010, 'OW', Buffer.alloc(32))];
  const whole = part10(EXPLICIT, ...image);
  const outcomes = [
    ...Array.from({ length: whole.length }, (_, end) => readInstance(whole.subarray(0, end))),
    readInstance(part10(PLANTED_NAME, ...image)),
    readInstance(part10(EXPLICIT, element(0x00080060, 'CS', PLANTED_NAME), ...identityElements())),
    readInstance(part10(EXPLICIT, ...identityElements(), element(0x00080060, 'CS', PLANTED_NAME))),
    readInstance(part10(EXPLICIT, ...identityElements(), element(0x0020000d, 'UI', PLANTED_NAME))),
    readInstance(
      part10(
        EXPLICIT,
        ...imageElements({ rows: 4, columns: 4 }),
        element(0x00280008, 'IS', PLANTED_NAME),
        element(0x7fe00010, 'OW', Buffer.alloc(32)),
      ),
    ),
  ];
  assert.ok(outcomes.every((outcome) => isSkipped(outcome)));
  for (const outcome of outcomes) {
    assert.doesNotMatch(JSON.stringify(outcome), /Plantagenet|Eleanor/i);
  }
});

test('the data set holds what is behind the pixel data, and a fault there is ignored', () => {
  const image = [...imageElements({ rows: 1, columns: 2 }), element(0x7fe00010, 'OW', Buffer.alloc(4))];
  const { dataSet } = instance(part10(EXPLICIT, ...image, element(0xfffcfffc, 'OB', Buffer.alloc(6))));
  assert.equal(dataSet['FFFCFFFC']?.vr, 'OB');
  assert.equal(dataSet['7FE00010'], undefined);
  assert.equal(codeOf(readInstance(part10(EXPLICIT, ...image, Buffer.from('left behind')))), 'read');
});

test('values of every kind in the DICOM JSON Model', () => {
  const dataSet = dataSetOf(
    part10(
      EXPLICIT,
      element(0x00080008, 'CS', 'ORIGINAL\\\\AXIAL'),
      element(0x00080090, 'PN', ''),
      element(0x00100010, 'PN', 'A^B=C=D'),
      element(0x00181030, 'LO', ' protocol '),
      element(0x00200032, 'DS', '-1.5\\2e1\\x'),
      element(0x00204000, 'LT', ' kept\\whole  '),
      element(0x00280009, 'AT', [0x0018, 0x1063]),
      element(0x00289110, 'SQ', ''),
      element(0x00291010, 'OB', Uint8Array.from([1, 2, 3])),
      element(0x00720082, 'SV', new Uint8Array(new BigInt64Array([-(2n ** 60n)]).buffer)),
    ),
  );
  assert.deepEqual(dataSet, {
    '00080008': { vr: 'CS', Value: ['ORIGINAL', null, 'AXIAL'] },
    '00080090': { vr: 'PN' },
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'A^B', Ideographic: 'C', Phonetic: 'D' }] },
    '00181030': { vr: 'LO', Value: ['protocol'] },
    '00200032': { vr: 'DS', Value: [-1.5, 20, 'x'] },
    '00204000': { vr: 'LT', Value: [' kept\\whole'] },
    '00280009': { vr: 'AT', Value: ['00181063'] },
    '00289110': { vr: 'SQ' },
    '00291010': { vr: 'OB', InlineBinary: 'AQID' },
    '00720082': { vr: 'SV', Value: ['-1152921504606846976'] },
  });
});

test('an archive of anything is told apart file by file', { skip: withoutTestData }, () => {
  const codes = new Map<string, number>();
  for (const name of readdirSync(dataPath('dicomdir-media'), { recursive: true, encoding: 'utf8' })) {
    const path = join(dataPath('dicomdir-media'), name);
    if (!statSync(path).isFile()) continue;
    const code = codeOf(readInstance(readFileSync(path)));
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  // The truncated one is DICOMDIR-nooffset: its sequence announces two bytes more than there are.
  assert.deepEqual(Object.fromEntries(codes), {
    read: 31,
    'no-pixel-data': 50,
    'media-directory': 7,
    'truncated-file': 1,
  });
});
