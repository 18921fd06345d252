import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { readInstance } from '../../adapters/part10/reader.ts';
import { dataPath, withoutTestData } from '../../test/support/test-data.ts';
import {
  type DicomDataSet,
  type DicomElement,
  type DicomValue,
  stringOf,
  type ValueRepresentation,
} from '../dicom-json.ts';
import { explain, isSkipped, type Skipped } from '../reasons.ts';
import { readImageHeader } from './image-header.ts';
import type { FrameHeader, ImageHeader, StudyHeader } from './study.ts';
import { readStudyHeader } from './study-header.ts';

const of = (vr: ValueRepresentation, ...Value: readonly DicomValue[]): DicomElement => ({ vr, Value });

const IMAGE: DicomDataSet = {
  '00080016': of('UI', '1.2.840.10008.5.1.4.1.1.2'),
  '00080018': of('UI', '1.2.3.1'),
  '00080060': of('CS', 'CT'),
  '0020000D': of('UI', '1.2.3.2'),
  '0020000E': of('UI', '1.2.3.3'),
  '00280010': of('US', 4),
  '00280011': of('US', 6),
  '00280100': of('US', 16),
};

function header(dataSet: DicomDataSet): ImageHeader {
  const outcome = readImageHeader({ ...IMAGE, ...dataSet });
  return isSkipped(outcome) ? assert.fail(explain(outcome.skipped)) : outcome;
}

function codeOf(outcome: object | Skipped): string {
  return isSkipped(outcome) ? outcome.skipped.code : 'read';
}

function study(dataSet: DicomDataSet): StudyHeader {
  const outcome = readStudyHeader({ ...IMAGE, ...dataSet });
  return isSkipped(outcome) ? assert.fail(explain(outcome.skipped)) : outcome;
}

test('WR-PIX-60 DICOMweb metadata gives the header that the file gives', { skip: withoutTestData }, () => {
  const metadata = new Map<string, DicomDataSet>();
  for (const name of readdirSync(dataPath('ct-chest-nlst-dicomweb'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('instances') && name.includes('instances') && name.endsWith('metadata/index.json.gz')) {
      const json = gunzipSync(readFileSync(dataPath('ct-chest-nlst-dicomweb', name))).toString();
      const parsed = JSON.parse(json) as DicomDataSet | DicomDataSet[];
      const dataSet = Array.isArray(parsed) ? parsed[0]! : parsed;
      metadata.set(stringOf(dataSet, '00080018') ?? '', dataSet);
    }
  }
  let compared = 0;
  for (const name of readdirSync(dataPath('ct-chest-nlst', 'ct'))) {
    const instance = readInstance(readFileSync(dataPath('ct-chest-nlst', 'ct', name)));
    if (isSkipped(instance)) assert.fail(explain(instance.skipped));
    const dataSet = metadata.get(instance.header.sopInstanceUid);
    if (dataSet === undefined) continue;
    assert.deepEqual(readImageHeader(dataSet), instance.header, name);
    assert.deepEqual(readStudyHeader(dataSet), instance.study, name);
    compared += 1;
  }
  assert.equal(compared, 143);
});

test('WR-PIX-61 an enhanced image has the geometry of the single images that it is made of', {
  skip: withoutTestData,
}, () => {
  for (const size of ['23x38x3', '24x38x3']) {
    const folder = dataPath('seg-liver-ct', size);
    const enhanced = readInstance(readFileSync(`${folder}/multiframe/mf.dcm`));
    if (isSkipped(enhanced)) assert.fail(explain(enhanced.skipped));
    const single = readdirSync(`${folder}/image`).map((name) => {
      const instance = readInstance(readFileSync(`${folder}/image/${name}`));
      return isSkipped(instance) ? assert.fail(name) : instance.header.frames[0]!;
    });
    const byHeight = (a: { imagePositionPatient?: readonly number[] }, b: typeof a): number =>
      a.imagePositionPatient![2]! - b.imagePositionPatient![2]!;
    const placed = (frames: readonly FrameHeader[]) =>
      frames.toSorted(byHeight).map((frame) => ({ ...frame, marks: {} }));
    assert.deepEqual(placed(enhanced.header.frames), placed(single));
  }
});

test('WR-PIX-61 shared and per-frame functional groups, the frame before the shared before the image', () => {
  const position = (z: number): DicomDataSet => ({ '00209113': of('SQ', { '00200032': of('DS', 0, 0, z) }) });
  const shared: DicomDataSet = {
    '00209116': of('SQ', { '00200037': of('DS', 1, 0, 0, 0, 1, 0) }),
    '00289110': of('SQ', { '00280030': of('DS', 0.5, 0.7), '00180050': of('DS', 2), '00180088': of('DS', 1.5) }),
    '00289145': of('SQ', { '00281052': of('DS', -1024), '00281053': of('DS', 2), '00281054': of('LO', 'HU') }),
    '00289132': of('SQ', { '00281050': of('DS', 40), '00281051': of('DS', 400) }),
    '00189314': of('SQ', { '00181210': of('SH', 'I30f', '3') }),
    '00209071': of('SQ', { '00209072': of('CS', 'L') }),
  };
  const own = of('SQ', { '00281052': of('DS', 5), '00281053': of('DS', 3) });
  const made = header({
    '00280008': of('IS', 2),
    '00281053': of('DS', 99),
    '52009229': of('SQ', shared),
    '52009230': of('SQ', position(1), { ...position(2), '00289145': own }, position(3)),
  });
  const common = {
    imageOrientationPatient: [1, 0, 0, 0, 1, 0],
    pixelSpacing: [0.5, 0.7],
    sliceThickness: 2,
  };
  assert.deepEqual(made.frames, [
    { imagePositionPatient: [0, 0, 1], ...common, rescaleSlope: 2, rescaleIntercept: -1024, marks: {} },
    { imagePositionPatient: [0, 0, 2], ...common, rescaleSlope: 3, rescaleIntercept: 5, marks: {} },
  ]);
  assert.deepEqual(
    [made.rescaleType, made.spacingBetweenSlices, made.windowCenter, made.convolutionKernel, made.imageLaterality],
    ['HU', 1.5, 40, 'I30f\\3', 'L'],
  );
});

test('WR-PIX-61 frames without groups of their own share what the image says', () => {
  const made = header({ '00280008': of('IS', '30'), '00281053': of('DS', 2) });
  assert.equal(made.frames.length, 30);
  assert.ok(made.frames.every((frame) => frame.rescaleSlope === 2 && frame.rescaleIntercept === 0));
  const tooFew = readImageHeader({ ...IMAGE, '00280008': of('IS', 3), '52009230': of('SQ', {}, {}) });
  assert.equal(codeOf(tooFew), 'data-set-invalid');
});

test('WR-PIX-62 padding is brought into the range of the stored values', () => {
  const signed = { '00280103': of('US', 1) };
  assert.deepEqual(header({ ...signed, '00280120': of('SS', -2000) }).pixelPadding, { low: -2000, high: -2000 });
  assert.deepEqual(header({ ...signed, '00280120': of('US', 63_536) }).pixelPadding, { low: -2000, high: -2000 });
  assert.deepEqual(header({ '00280120': of('SS', -1) }).pixelPadding, { low: 65_535, high: 65_535 });
  const range = { '00280120': of('US', 10), '00280121': of('US', 0) };
  assert.deepEqual(header(range).pixelPadding, { low: 0, high: 10 });
  assert.equal(header({}).pixelPadding, undefined);
});

test('WR-PIX-63 a modality LUT as numbers, as words and as packed bytes', () => {
  const lut = (data: DicomElement, entries = 3): ImageHeader['modalityLut'] =>
    header({
      '00280103': of('US', 1),
      '00283000': of('SQ', { '00283002': of('US', entries, 65_535, 16), '00283006': data }),
    }).modalityLut;
  const expected = { firstMapped: -1, values: Uint16Array.from([1, 2, 770]) };
  assert.deepEqual(lut(of('US', 1, 2, 770)), expected);
  assert.deepEqual(lut({ vr: 'OW', InlineBinary: Buffer.from([1, 0, 2, 0, 2, 3]).toString('base64') }), expected);
  const packed = { vr: 'OW', InlineBinary: Buffer.from([1, 2, 3, 0]).toString('base64') } as const;
  assert.deepEqual(lut(packed)?.values, Uint16Array.from([1, 2, 3]));
  assert.equal(lut({ vr: 'OW', InlineBinary: Buffer.alloc(2 ** 17).toString('base64') }, 0)?.values.length, 65_536);
  assert.equal(lut(of('US')), undefined);
});

test('WR-PIX-64 missing, empty and unusable attributes', () => {
  for (const tag of ['00280010', '00280011', '00280100']) {
    assert.equal(codeOf(readImageHeader({ ...IMAGE, [tag]: { vr: 'US' } })), 'no-pixel-data');
  }
  for (const tag of ['00080018', '0020000D', '0020000E']) {
    assert.equal(codeOf(readImageHeader({ ...IMAGE, [tag]: { vr: 'UI' } })), 'uid-missing');
    assert.equal(codeOf(readImageHeader({ ...IMAGE, [tag]: of('UI', '1.02') })), 'uid-missing');
  }
  assert.equal(codeOf(readImageHeader({ ...IMAGE, '00080016': { vr: 'UI' } })), 'data-set-invalid');
  assert.equal(codeOf(readImageHeader({ ...IMAGE, '00281053': of('DS', 0) })), 'data-set-invalid');
  assert.equal(codeOf(readImageHeader({ ...IMAGE, '00280008': of('IS', 2 ** 31) })), 'header-implausible');
  const bare = header({ '00280030': of('DS', 0, 1), '00200032': of('DS', 1, 2), '00280008': of('IS', 0) });
  assert.deepEqual(bare.frames, [{ rescaleSlope: 1, rescaleIntercept: 0, marks: {} }]);
  assert.deepEqual([bare.samplesPerPixel, bare.bitsStored, bare.highBit, bare.pixelRepresentation], [1, 16, 15, 0]);
  assert.equal('seriesDescription' in bare, false);
});

test('WR-PIX-65 orders come from the request attributes, completed by the study', () => {
  const accession = { '00080050': of('SH', 'A-1'), '00080051': of('SQ', { '00400031': of('UT', 'RIS') }) };
  assert.deepEqual(study(accession).requests, [{ accessionNumber: 'A-1', issuerOfAccessionNumber: 'RIS' }]);
  const requests = of(
    'SQ',
    { '00401001': of('SH', 'RP-1'), '00321060': of('LO', 'Chest CT'), '00402016': of('LO', 'P-1') },
    { '00080050': of('SH', 'A-2'), '00321064': of('SQ', { '00080104': of('LO', 'Abdomen CT') }) },
  );
  assert.deepEqual(study({ ...accession, '00400275': requests }).requests, [
    {
      accessionNumber: 'A-1',
      issuerOfAccessionNumber: 'RIS',
      requestedProcedureId: 'RP-1',
      requestedProcedureDescription: 'Chest CT',
      placerOrderNumber: 'P-1',
    },
    { accessionNumber: 'A-2', issuerOfAccessionNumber: 'RIS', requestedProcedureDescription: 'Abdomen CT' },
  ]);
  assert.deepEqual(study({}).requests, []);
  assert.deepEqual(study({ '00100010': { vr: 'PN' }, '00100020': of('LO', '') }), {
    studyInstanceUid: '1.2.3.2',
    requests: [],
  });
});

test('WR-PIX-65 what PET says instead of a rescale type', () => {
  assert.equal(header({ '00541001': of('CS', 'BQML') }).rescaleType, 'BQML');
  assert.equal(header({ '00281054': of('LO', 'HU'), '00541001': of('CS', 'BQML') }).rescaleType, 'HU');
});

test('WR-LOK-04 Patient Orientation is read in the letters of bipeds, also from one string, and nothing else is', () => {
  const orientation = (...values: readonly string[]): ImageHeader['patientOrientation'] =>
    header({ '00200020': of('CS', ...values) }).patientOrientation;
  assert.deepEqual(orientation('L', 'F'), ['L', 'F']);
  assert.deepEqual(orientation('PR\\FL'), ['PR', 'FL']);
  for (const unusable of [[], ['L'], ['L', ''], ['LE', 'V'], ['L', 'F', 'P']])
    assert.equal(orientation(...unusable), undefined, unusable.join());
});
