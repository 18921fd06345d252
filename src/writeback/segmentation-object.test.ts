import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  OBLIQUE,
  sampleReport,
  sampleSegmentation,
  sampleStudyHeader,
  sampleVolume,
} from '../../test/support/sample-report.ts';
import type { Segmentation } from '../assembly/segmentation.ts';
import type { Volume } from '../assembly/volume.ts';
import { type DicomDataSet, itemsOf, numbersOf, stringOf, stringsOf } from '../dicom-json.ts';
import type { DicomObject } from './artifact.ts';
import { type Keyword, tagOf } from './data-set.ts';
import * as identity from './identity.ts';
import { recommendedDisplayCIELab } from './seg/cielab.ts';
import { segmentationObject } from './segmentation-object.ts';

const software = { name: 'Wetread', version: '0.1.0', deployment: 'ward-3' };

function build(volume: Volume, segmentation: Segmentation = sampleSegmentation(volume)): DicomObject {
  const report = sampleReport(sampleSegmentation(volume));
  return segmentationObject({
    report,
    study: sampleStudyHeader(volume),
    software,
    segmentation,
    findings: report.readings[0],
  });
}

function get(dataSet: DicomDataSet, keyword: Keyword): string | undefined {
  return stringOf(dataSet, tagOf(keyword));
}

/** The first item below each keyword in turn. */
function at(dataSet: DicomDataSet, ...path: readonly Keyword[]): DicomDataSet {
  return path.reduce<DicomDataSet>((item, keyword) => itemsOf(item, tagOf(keyword))[0]!, dataSet);
}

function near(actual: readonly number[], wanted: readonly number[], tolerance: number): void {
  assert.equal(actual.length, wanted.length);
  for (const [i, value] of actual.entries())
    assert.ok(Math.abs(value - wanted[i]!) <= tolerance, `${value} for ${wanted[i]}`);
}

/** Segment, slice and pixels of each frame, unpacked bit by bit as PS3.5 8.1.1 says, without the code under test. */
function unpack(
  volume: Volume,
  { dataSet, pixelData }: DicomObject,
): { segment: number; slice: number; on: number[] }[] {
  const size = volume.shape[1] * volume.shape[2];
  return itemsOf(dataSet, tagOf('perFrameFunctionalGroupsSequence')).map((group, frame) => {
    const source = get(at(group, 'derivationImageSequence', 'sourceImageSequence'), 'referencedSopInstanceUid');
    const on: number[] = [];
    for (let i = 0; i < size; i += 1) {
      const bit = frame * size + i;
      if ((pixelData![bit >> 3]! >> (bit & 7)) & 1) on.push(i);
    }
    return {
      segment: Number(get(at(group, 'segmentIdentificationSequence'), 'referencedSegmentNumber')),
      slice: volume.slices.findIndex((slice) => slice.sopInstanceUid === source),
      on,
    };
  });
}

/** The same, straight from the masks: every plane that has a voxel. */
function expected({ source: volume, bytesPerSlice, segments }: Segmentation): ReturnType<typeof unpack> {
  const [slices, rows, columns] = volume.shape;
  return segments.flatMap((segment) =>
    Array.from({ length: slices }, (_, slice) => {
      const on: number[] = [];
      for (let i = 0; i < rows * columns; i += 1)
        if ((segment.bits[slice * bytesPerSlice + (i >> 3)]! >> (i & 7)) & 1) on.push(i);
      return { segment: segment.number, slice, on };
    }).filter((frame) => frame.on.length > 0),
  );
}

test('WR-SEG-01 a BINARY segmentation in the space of its source', () => {
  const volume = sampleVolume();
  const { dataSet, ...object } = build(volume);
  assert.equal(object.sopClassUid, '1.2.840.10008.5.1.4.1.1.66.4');
  assert.equal(get(dataSet, 'modality'), 'SEG');
  assert.equal(get(dataSet, 'segmentationType'), 'BINARY');
  assert.deepEqual(stringsOf(dataSet, tagOf('imageType')), ['DERIVED', 'PRIMARY']);
  for (const [keyword, value] of [
    ['bitsAllocated', 1],
    ['bitsStored', 1],
    ['highBit', 0],
    ['rows', 9],
    ['columns', 7],
    ['numberOfFrames', 7],
  ] as const)
    assert.deepEqual(numbersOf(dataSet, tagOf(keyword)), [value], keyword);
  assert.equal(get(dataSet, 'frameOfReferenceUid'), volume.frameOfReferenceUid);
  assert.equal(get(dataSet, 'seriesDescription'), 'AI draft, unverified: ct-lung-density 1.0.0: Right lung, Left...');
  assert.equal(get(dataSet, 'deviceSerialNumber'), 'ward-3');
  assert.equal(get(dataSet, 'lossyImageCompression'), '00');
  const lossy: Volume = { ...volume, header: { ...volume.header, lossyImageCompression: '01' } };
  assert.equal(get(build(lossy).dataSet, 'lossyImageCompression'), '01');
});

test('WR-MND-05 SEG series of several models differ in number and description, alike in every revision', () => {
  const volume = sampleVolume();
  const report = sampleReport(sampleSegmentation(volume));
  const [findings] = report.readings;
  const written = (name: string, revision: number, title: string): readonly (string | undefined)[] => {
    const { dataSet, seriesInstanceUid } = segmentationObject({
      report: { ...report, title, provenance: { ...report.provenance, revision } },
      study: sampleStudyHeader(volume),
      software,
      segmentation: sampleSegmentation(volume),
      findings: { ...findings, algorithm: { ...findings.algorithm, name } },
    });
    return [seriesInstanceUid, get(dataSet, 'seriesNumber'), get(dataSet, 'seriesDescription')];
  };
  const [uid, number, description] = written('lungs', 1, 'CT chest: lungs');
  assert.deepEqual(written('lungs', 2, 'CT chest: lungs, bones'), [uid, number, description], 'one series, one header');
  assert.equal(number, `9${uid!.slice(-5)}`);
  const bones = written('bones', 1, 'CT chest: lungs, bones');
  assert.notEqual(bones[1], number);
  assert.match(bones[2]!, /^AI draft, unverified: bones 1\.0\.0: Right lung, Left lung/);
});

test('WR-SEG-02 planes are those of the source images: axial, oblique, under gantry tilt', () => {
  for (const options of [{}, { orientation: OBLIQUE }, { shear: 3 }]) {
    const volume = sampleVolume(options);
    const { dataSet } = build(volume);
    const shared = at(dataSet, 'sharedFunctionalGroupsSequence');
    const orientation = numbersOf(at(shared, 'planeOrientationSequence'), tagOf('imageOrientationPatient'));
    const source = volume.header.frames[0]!.imageOrientationPatient!;
    near(orientation, source, 1e-13);
    const measures = at(shared, 'pixelMeasuresSequence');
    assert.deepEqual(numbersOf(measures, tagOf('pixelSpacing')), [20, 25]);
    assert.deepEqual(numbersOf(measures, tagOf('spacingBetweenSlices')), [10], 'along the normal, whatever the tilt');
    const frames = unpack(volume, build(volume));
    itemsOf(dataSet, tagOf('perFrameFunctionalGroupsSequence')).forEach((group, i) => {
      const position = numbersOf(at(group, 'planePositionSequence'), tagOf('imagePositionPatient'));
      const wanted = volume.slices[frames[i]!.slice]!.imagePositionPatient;
      near(position, wanted, 1e-10);
    });
  }
});

test('WR-SEG-03 every voxel of every mask, whether frames end on a byte or not', () => {
  const shapes = [
    [6, 9, 7],
    [5, 8, 8],
    [7, 11, 13],
    [4, 3, 5],
    [5, 16, 9],
  ] as const;
  for (const shape of shapes) {
    const volume = sampleVolume({ shape });
    const segmentation = sampleSegmentation(volume);
    const object = build(volume, segmentation);
    assert.deepEqual(unpack(volume, object), expected(segmentation), shape.join('×'));
    assert.equal(object.pixelData!.length % 2, 0);
  }
});

test('WR-SEG-03 bits behind the last pixel of a plane do not leak into the next frame', () => {
  const volume = sampleVolume();
  const clean = sampleSegmentation(volume);
  const { bytesPerSlice, segments } = clean;
  const dirty = segments.map((segment) => {
    const bits = segment.bits.slice();
    for (let last = bytesPerSlice - 1; last < bits.length; last += bytesPerSlice) bits[last]! |= 0x80;
    return { ...segment, bits };
  });
  const object = build(volume, { ...clean, segments: dirty });
  const found = unpack(volume, object).filter((frame) => frame.on.length > 0);
  assert.deepEqual(found, expected(clean));
});

test('WR-SEG-04 planes without a voxel are left out; a segment without any keeps one', () => {
  const volume = sampleVolume();
  const segmentation = sampleSegmentation(volume);
  const [right, left] = segmentation.segments;
  const empty = { ...left!, bits: new Uint8Array(left!.bits.length) };
  const frames = unpack(volume, build(volume, { ...segmentation, segments: [right!, empty] }));
  assert.deepEqual(
    frames.map(({ segment, slice }) => [segment, slice]),
    [
      [1, 1],
      [1, 2],
      [1, 3],
      [1, 4],
      [2, 0],
    ],
  );
});

test('WR-SEG-05 segments: property, side, algorithm, and the tracking identity that the SR uses', () => {
  const volume = sampleVolume();
  const report = sampleReport(sampleSegmentation(volume));
  const segments = itemsOf(build(volume).dataSet, tagOf('segmentSequence'));
  assert.deepEqual(
    segments.map((s) => [get(s, 'segmentLabel'), get(s, 'trackingId'), get(s, 'trackingUid')]),
    [
      ['Right lung', 'lung-right', identity.trackingUid(report, report.readings[0].algorithm, 'lung-right')],
      ['Left lung', 'lung-left', identity.trackingUid(report, report.readings[0].algorithm, 'lung-left')],
    ],
  );
  const sides = segments.map((s) =>
    get(at(s, 'segmentedPropertyTypeCodeSequence', 'segmentedPropertyTypeModifierCodeSequence'), 'codeMeaning'),
  );
  assert.deepEqual(sides, ['Right', 'Left']);
  const first = segments[0]!;
  assert.equal(get(at(first, 'segmentedPropertyCategoryCodeSequence'), 'codeValue'), '91723000');
  assert.equal(get(at(first, 'segmentedPropertyTypeCodeSequence'), 'codeValue'), '39607008');
  assert.equal(get(first, 'segmentAlgorithmType'), 'AUTOMATIC');
  const algorithm = at(first, 'segmentationAlgorithmIdentificationSequence');
  assert.equal(get(algorithm, 'algorithmName'), 'ct-lung-density');
  assert.match(get(algorithm, 'algorithmParameters') ?? '', /^digest=sha256:[0-9a-f]{64}\r\nprovider=cpu/);
});

test('WR-SEG-06 every source image is referenced; dimensions count segments, then planes', () => {
  const volume = sampleVolume();
  const { dataSet } = build(volume);
  const series = at(dataSet, 'referencedSeriesSequence');
  assert.equal(get(series, 'seriesInstanceUid'), volume.seriesInstanceUid);
  assert.deepEqual(
    itemsOf(series, tagOf('referencedInstanceSequence')).map((i) => get(i, 'referencedSopInstanceUid')),
    volume.slices.map((slice) => slice.sopInstanceUid),
  );
  const index = itemsOf(dataSet, tagOf('perFrameFunctionalGroupsSequence')).map((group) =>
    numbersOf(at(group, 'frameContentSequence'), tagOf('dimensionIndexValues')),
  );
  assert.deepEqual(index, [
    [1, 1],
    [1, 2],
    [1, 3],
    [1, 4],
    [2, 2],
    [2, 3],
    [2, 4],
  ]);
  const pointers = itemsOf(dataSet, tagOf('dimensionIndexSequence')).map((i) => get(i, 'dimensionIndexPointer'));
  assert.deepEqual(pointers, ['0062000B', '00200032']);
});

test('WR-SEG-06 frames of a multi-frame source are named by number, single-frame sources are not', () => {
  const single = sampleVolume();
  const frameOf = (volume: Volume): (string | undefined)[] =>
    itemsOf(build(volume).dataSet, tagOf('perFrameFunctionalGroupsSequence')).map((group) =>
      get(at(group, 'derivationImageSequence', 'sourceImageSequence'), 'referencedFrameNumber'),
    );
  assert.ok(frameOf(single).every((number) => number === undefined));
  const [first] = single.slices;
  const enhanced: Volume = {
    ...single,
    header: { ...single.header, numberOfFrames: 6 },
    slices: single.slices.map((slice, k) => ({ ...slice, ...first, ...{ frameNumber: k + 1 } })),
  };
  assert.deepEqual(frameOf(enhanced), ['2', '3', '4', '5', '3', '4', '5']);
});

test('WR-SEG-07 colours as CIELab under D50, 16 bits', () => {
  assert.deepEqual(recommendedDisplayCIELab([255, 255, 255]), [65535, 32896, 32896]);
  assert.deepEqual(recommendedDisplayCIELab([0, 0, 0]), [0, 32896, 32896]);
  // L* 54.29, a* 80.81, b* 69.89: sRGB red under D50
  const red = recommendedDisplayCIELab([255, 0, 0]);
  const wanted = [(54.29 / 100) * 65535, ((80.81 + 128) / 255) * 65535, ((69.89 + 128) / 255) * 65535];
  near(red, wanted, 8);
});

test('WR-SEG-08 the same masks and report give the same object', () => {
  assert.deepEqual(build(sampleVolume()), build(sampleVolume()));
});
