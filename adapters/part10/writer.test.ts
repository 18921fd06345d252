import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import dicomParser from 'dicom-parser';
import type { DicomDataSet, DicomElement } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import { nameBasedUid, type SeriesInstanceUid, type SopInstanceUid, type StudyInstanceUid } from '../../src/uid.ts';
import type { DicomObject } from '../../src/writeback/artifact.ts';
import { segmentationObject } from '../../src/writeback/segmentation-object.ts';
import { structuredReport } from '../../src/writeback/structured-report.ts';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../../test/support/sample-report.ts';
import { instanceWriter } from './writer.ts';

const volume = sampleVolume({ shape: [120, 9, 7] });
const segmentation = sampleSegmentation(volume);
const report = sampleReport(segmentation);
const study = sampleStudyHeader(volume);
const software = { name: 'Wetread', version: '0.1.0' };
const seg = segmentationObject({ report, study, software, segmentation, findings: report.readings[0] });
const sr = structuredReport({
  report,
  study,
  software,
  sources: [{ images: volume, segmentations: [{ object: seg }] }],
});

function objectOf(dataSet: DicomDataSet, pixelData?: Uint8Array): DicomObject {
  return {
    kind: 'sr',
    studyInstanceUid: nameBasedUid<StudyInstanceUid>('study'),
    seriesInstanceUid: nameBasedUid<SeriesInstanceUid>('series'),
    sopInstanceUid: nameBasedUid<SopInstanceUid>('instance'),
    sopClassUid: '1.2.840.10008.5.1.4.1.1.88.34',
    dataSet,
    ...(pixelData && { pixelData }),
  };
}

/** dcmjs ships no types: what is used of it. */
const dcmjs = createRequire(import.meta.url)('dcmjs') as {
  readonly data: {
    readonly DicomMessage: { readFile(bytes: ArrayBuffer): { readonly dict: Record<string, DcmjsElement> } };
  };
};

interface DcmjsElement {
  readonly vr: string;
  readonly Value: readonly unknown[];
}

/** The data set as dcmjs reads it, in the form of the JSON model. */
function readWithDcmjs(bytes: Uint8Array): Record<string, DcmjsElement> {
  return dcmjs.data.DicomMessage.readFile(bytes.slice().buffer).dict;
}

/** dcmjs reads a tag as a number. */
function hexadecimal(tag: unknown): string {
  return Number(tag).toString(16).toUpperCase().padStart(8, '0');
}

/** Compares what was written with what dcmjs read, value by value and in depth. */
function assertSame(written: DicomDataSet, read: Record<string, DcmjsElement>, path: string): void {
  const tags = Object.keys(read).filter((tag) => tag !== '7FE00010');
  assert.deepEqual(tags.sort(), Object.keys(written).sort(), path);
  for (const [tag, { vr, Value = [] }] of Object.entries(written)) {
    const found = read[tag]!;
    const here = `${path}/${tag}`;
    assert.equal(found.vr, vr, here);
    if (vr === 'SQ') {
      assert.equal(found.Value.length, Value.length, here);
      for (const [i, item] of Value.entries())
        assertSame(item as DicomDataSet, found.Value[i] as Record<string, DcmjsElement>, `${here}[${i}]`);
    } else if (vr === 'PN') assert.deepEqual(JSON.parse(JSON.stringify(found.Value)), Value, here);
    else if (vr === 'AT') assert.deepEqual(found.Value.map(hexadecimal), Value, here);
    // dcmjs takes a backslash for a separator even where the VR has one value.
    else if (vr === 'UT' || vr === 'LT') assert.deepEqual([found.Value.join('\\')], Value, here);
    else assert.deepEqual(Value.length === 0 ? found.Value.filter((v) => v !== '') : found.Value, Value, here);
  }
}

test('WR-SR-12 what is written, dcmjs reads: every element of SR and SEG, umlauts, scripts, numbers', () => {
  const writer = instanceWriter();
  for (const object of [sr, seg]) assertSame(object.dataSet, readWithDcmjs(writer.write(object)), object.kind);
});

test('WR-SR-12 what is written, dicom-parser reads, pixel data to the last byte', () => {
  const bytes = instanceWriter().write(seg);
  const parsed = dicomParser.parseDicom(bytes);
  assert.equal(parsed.string('x00020010'), '1.2.840.10008.1.2.1');
  assert.equal(parsed.string('x00020003'), seg.sopInstanceUid);
  assert.equal(parsed.string('x00020013'), 'WETREAD_1');
  assert.match(parsed.string('x00020012') ?? '', /^2\.25\.\d+$/);
  assert.equal(parsed.string('x00080018'), seg.sopInstanceUid);
  const pixels = parsed.elements['x7fe00010']!;
  assert.equal(pixels.vr, 'OB');
  assert.deepEqual(bytes.subarray(pixels.dataOffset, pixels.dataOffset + pixels.length), seg.pixelData);
  assert.equal(pixels.dataOffset + pixels.length, bytes.length);
  const groups = parsed.elements['x52009230']!.items!;
  assert.equal(groups.length, parsed.intString('x00280008'));
});

test('WR-SR-12 text keeps its backslash where the VR has one value, and numbers keep their digits', () => {
  const dataSet: DicomDataSet = {
    '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
    '0040A160': { vr: 'UT', Value: ['C:\\Größe\r\n≤ 3'] },
    '0040A161': { vr: 'FD', Value: [1 / 3, -0.1] },
    '0040A30A': { vr: 'DS', Value: [1 / 3, '-1.5e-3', 1e300] },
    '00200013': { vr: 'IS', Value: [-2147483647] },
    '00281201': { vr: 'OW', InlineBinary: 'AQID BA==' },
    '00720076': { vr: 'FL', Value: [0.5] },
    '00209165': { vr: 'AT', Value: ['0062000B'] },
  };
  const bytes = instanceWriter().write(objectOf(dataSet));
  const parsed = dicomParser.parseDicom(bytes);
  const raw = (tag: string): Buffer => {
    const { dataOffset, length } = parsed.elements[tag]!;
    return Buffer.from(bytes.subarray(dataOffset, dataOffset + length));
  };
  assert.equal(raw('x0040a160').toString('utf8'), 'C:\\Größe\r\n≤ 3 ');
  assert.equal(raw('x0040a161').readDoubleLE(0), 1 / 3);
  assert.equal(raw('x0040a161').readDoubleLE(8), -0.1);
  assert.equal(parsed.string('x0040a30a'), '0.33333333333333\\-1.5e-3\\1e+300');
  assert.equal(parsed.intString('x00200013'), -2147483647);
  assert.deepEqual([...raw('x00281201')], [1, 2, 3, 4]);
  assert.equal(parsed.float('x00720076'), 0.5);
  assert.equal(parsed.attributeTag('x00209165'), 'x0062000b');
});

test('WR-SR-12 64-bit integers, which the JSON model has as numbers or strings', () => {
  // Last in the file: dicom-parser does not know SV, so the bytes are read by hand.
  const bytes = instanceWriter().write(objectOf({ '00720082': { vr: 'SV', Value: ['-9223372036854775808', 7] } }));
  const tail = Buffer.from(bytes).subarray(-28);
  assert.equal(tail.toString('latin1', 0, 12), 'r\u0000\u0082\u0000SV\u0000\u0000\u0010\u0000\u0000\u0000');
  assert.equal(tail.readBigInt64LE(12), -(2n ** 63n));
  assert.equal(tail.readBigInt64LE(20), 7n);
});

test('WR-SR-07 the same object gives the same bytes, from any writer, in any order of its elements', () => {
  const writer = instanceWriter();
  const first = writer.write(sr);
  writer.write(seg);
  assert.deepEqual(writer.write(sr), first);
  const turned = Object.fromEntries(Object.entries(sr.dataSet).reverse());
  assert.deepEqual(instanceWriter().write({ ...sr, dataSet: turned }), first);
});

test('WR-SR-12 values of odd length are padded: text with a space, UIDs and bytes with zero', () => {
  const dataSet: DicomDataSet = {
    '00080060': { vr: 'CS', Value: ['SEG'] },
    '0020000D': { vr: 'UI', Value: ['1.2.3'] },
    '00281201': { vr: 'OB', InlineBinary: 'AQ==' },
  };
  const bytes = instanceWriter().write(objectOf(dataSet, new Uint8Array([1, 2, 3])));
  const text = Buffer.from(bytes).toString('latin1');
  assert.ok(text.includes('CS\u0004\u0000SEG '));
  assert.ok(text.includes('UI\u0006\u00001.2.3\u0000'));
  assert.ok(text.includes('OB\u0000\u0000\u0002\u0000\u0000\u0000\u0001\u0000'));
  assert.ok(text.endsWith('OB\u0000\u0000\u0004\u0000\u0000\u0000\u0001\u0002\u0003\u0000'));
});

test('WR-SR-12 the buffer may grow at any byte of any element', () => {
  const after: DicomDataSet = {
    '0040A161': { vr: 'FD', Value: [1 / 3] },
    '0040A168': { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['Größe'] } }] },
    '00620004': { vr: 'US', Value: [7] },
    '00720076': { vr: 'FL', Value: [0.5] },
    '00720078': { vr: 'UL', Value: [4294967295] },
    '00720083': { vr: 'UV', Value: ['18446744073709551615'] },
    '00720091': { vr: 'OB', InlineBinary: 'AQID' },
  };
  const tailOf = (length: number): string => {
    const InlineBinary = Buffer.alloc(length, 'x').toString('base64');
    const dataSet: DicomDataSet = { '00281201': { vr: 'OW', InlineBinary }, ...after };
    const bytes = Buffer.from(instanceWriter().write(objectOf(dataSet)));
    return bytes.subarray(bytes.lastIndexOf('x') + 1).toString('latin1');
  };
  const expected = tailOf(2);
  // A writer starts with 64 KiB; the elements after the first are about 150 bytes.
  for (let length = 65_536 - 200; length <= 65_536; length += 2) assert.equal(tailOf(length), expected, String(length));
});

test('WR-SR-13 an element that DICOM forbids is refused, by tag and without its value', () => {
  const refused: readonly (readonly [string, DicomElement])[] = [
    ['0020000D', { vr: 'UI', Value: ['abc.def'] }],
    ['0020000D', { vr: 'UI', Value: ['1.02'] }],
    ['00200013', { vr: 'IS', Value: [1.5] }],
    ['00200013', { vr: 'IS', Value: ['abc'] }],
    ['00200013', { vr: 'IS', Value: [2 ** 31] }],
    ['0040A30A', { vr: 'DS', Value: [Number.NaN] }],
    ['0040A30A', { vr: 'DS', Value: ['0.3333333333333333'] }],
    ['00080060', { vr: 'CS', Value: ['lower case'] }],
    ['00080060', { vr: 'CS', Value: ['SEVENTEEN LETTERS'] }],
    ['00080020', { vr: 'DA', Value: ['2026-03-14'] }],
    ['00080030', { vr: 'TM', Value: ['12:00'] }],
    ['00080080', { vr: 'LO', Value: ['two\\values'] }],
    ['00080080', { vr: 'LO', Value: ['bell\u0007'] }],
    ['0040A160', { vr: 'UT', Value: ['escape\u001b'] }],
    ['0040A160', { vr: 'UT', Value: ['one', 'two'] }],
    ['00100010', { vr: 'PN', Value: ['not an object'] }],
    ['00280010', { vr: 'US', Value: [65536] }],
    ['00280010', { vr: 'US', Value: ['9'] }],
    ['00280010', { vr: 'US', Value: [null] }],
    ['00209165', { vr: 'AT', Value: ['62000B'] }],
    ['0040A730', { vr: 'SQ', Value: ['no item'] }],
    ['00281201', { vr: 'OW', InlineBinary: 'AQ==' }],
    ['00281201', { vr: 'OW', BulkDataURI: 'file:///etc/passwd' }],
    ['00080060', { vr: 'CS', InlineBinary: 'AQ==' }],
    ['00080060', { vr: 'XX' as 'CS', Value: ['SR'] }],
    ['00080000', { vr: 'UL', Value: [1] }],
    ['FFFEE000', { vr: 'SQ' }],
    ['8', { vr: 'CS' }],
    ['0008006g', { vr: 'CS' }],
    ['00080080', { vr: 'LO', Value: ['x'.repeat(70_000)] }],
  ];
  for (const [tag, element] of refused) {
    const write = (): Uint8Array => instanceWriter().write(objectOf({ [tag]: element }));
    assert.throws(
      write,
      (error) => {
        assert.ok(error instanceof WetreadError, `${tag} ${JSON.stringify(element).slice(0, 80)}`);
        assert.equal(error.code, 'internal');
        assert.ok(error.message.includes(tag));
        for (const value of element.Value ?? []) {
          if (typeof value === 'string' && value.length > 3 && value !== '62000B')
            assert.ok(!error.message.includes(value), 'the message holds no value');
        }
        return true;
      },
      `${tag} ${JSON.stringify(element).slice(0, 80)}`,
    );
  }
});

test('WR-SR-13 a writer that refused an object writes the next one as ever', () => {
  const writer = instanceWriter();
  const before = writer.write(sr);
  assert.throws(() => writer.write(objectOf({ '00280010': { vr: 'US', Value: [-1] } })), WetreadError);
  assert.deepEqual(writer.write(sr), before);
});
