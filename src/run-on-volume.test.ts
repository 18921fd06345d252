/** A mark at known millimetres, through grid, network, labels and outlines into a DICOM Segmentation, and back. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { voxelWorkers } from '../adapters/voxel-workers/voxel-workers.ts';
import { lungCard } from '../test/support/model-card.ts';
import {
  OBLIQUE,
  type SampleVolumeOptions,
  sampleReport,
  sampleSegmentation,
  sampleStudyHeader,
  sampleVolume,
} from '../test/support/sample-report.ts';
import { type LocalEngine, localEngine, threshold } from '../test/support/tiny-networks.ts';
import type { Point3 } from './arrival/study.ts';
import { add, applyAffine, indexOf, scale } from './assembly/geometry.ts';
import type { Segmentation } from './assembly/segmentation.ts';
import { sliceVoxels, type Volume } from './assembly/volume.ts';
import { itemsOf, numbersOf } from './dicom-json.ts';
import type { CardOf, LabelMapOutput, SlidingWindow, VolumeInput } from './inference/model-package.ts';
import { outline, refineRule } from './outline.ts';
import { runOnVolume } from './run-on-volume.ts';
import { tagOf } from './writeback/data-set.ts';
import { segmentationObject } from './writeback/segmentation-object.ts';

const workers = voxelWorkers();
const never = new AbortController().signal;
/** Half way between the air around and the mark, as 0 to 1. */
const LIMIT = 0.5;
let engine: LocalEngine;
before(async () => {
  engine = await localEngine(threshold(LIMIT));
});
after(async () => {
  await engine.close();
  await workers.close();
});

/** A sphere in air, in memory that the workers read; edges are as soft as a scanner makes them. */
function marked(options: SampleVolumeOptions, centre: Point3, radiusMm: number): Volume {
  const sample = sampleVolume(options);
  const voxels = new Int16Array(workers.acquire(sample.voxels.byteLength), 0, sample.voxels.length);
  const volume: Volume = { ...sample, voxels };
  const [slices, rows, columns] = volume.shape;
  for (let k = 0; k < slices; k++) {
    const slice = sliceVoxels(volume, k);
    for (let j = 0; j < rows; j++)
      for (let i = 0; i < columns; i++) {
        const away = Math.hypot(...applyAffine(volume.affine, [k, j, i]).map((x, axis) => x - centre[axis]!));
        const share = Math.min(1, Math.max(0, radiusMm - away + 0.5));
        slice[j * columns + i] = Math.round(share * 1000) - 1000 + 1024;
      }
  }
  return volume;
}

function cardWith(
  input: Partial<VolumeInput>,
  layout: string,
): CardOf<'volume'> & { readonly outputs: readonly [LabelMapOutput] } {
  const card = lungCard();
  const [first] = card.outputs;
  const [segment] = first.segments;
  return {
    ...card,
    input: {
      ...card.input,
      tensor: 'image',
      layout,
      fill: -1000,
      intensity: {
        datatype: 'FP32',
        channels: [{ clip: { kind: 'units', low: -1000, high: 0 }, to: { low: 0, high: 1 } }],
      },
      ...input,
    },
    outputs: [
      {
        ...first,
        tensor: 'scores',
        encoding: { kind: 'logits', layout },
        segments: [segment],
        otherLabels: [],
        refine: {},
      },
    ],
  };
}

async function outlined(volume: Volume, card: ReturnType<typeof cardWith>): Promise<Segmentation> {
  const ports = { voxels: workers, inference: engine };
  const [output] = card.outputs;
  const answer = await runOnVolume(ports, card, volume, never);
  const rule = await refineRule(workers, volume, output, never);
  return (await outline(workers, volume, await answer.labels(output), rule, never)).segmentation;
}

/** The centre of gravity of a DICOM Segmentation, mm, from its own attributes and bits alone (PS3.3 C.7.6.2.1.1). */
function centreOf(volume: Volume, segmentation: Segmentation): Point3 {
  const report = sampleReport(sampleSegmentation(sampleVolume()));
  const { dataSet, pixelData } = segmentationObject({
    report,
    study: sampleStudyHeader(volume),
    software: { name: 'Wetread', version: '0.1.0', deployment: 'test' },
    segmentation,
    findings: report.readings[0],
  });
  const [shared] = itemsOf(dataSet, tagOf('sharedFunctionalGroupsSequence'));
  const [plane] = itemsOf(shared!, tagOf('planeOrientationSequence'));
  const [measures] = itemsOf(shared!, tagOf('pixelMeasuresSequence'));
  const cosines = numbersOf(plane!, tagOf('imageOrientationPatient'));
  const [row, column] = [cosines.slice(0, 3), cosines.slice(3)] as unknown as [Point3, Point3];
  const [betweenRows, betweenColumns] = numbersOf(measures!, tagOf('pixelSpacing'));
  const [, rows, columns] = volume.shape;
  let sum: Point3 = [0, 0, 0];
  let count = 0;
  for (const [frame, group] of itemsOf(dataSet, tagOf('perFrameFunctionalGroupsSequence')).entries()) {
    const [position] = itemsOf(group, tagOf('planePositionSequence'));
    const first = numbersOf(position!, tagOf('imagePositionPatient')) as unknown as Point3;
    for (let p = 0; p < rows * columns; p++) {
      const bit = frame * rows * columns + p;
      if (((pixelData![bit >> 3]! >> (bit & 7)) & 1) === 0) continue;
      const along = add(
        scale(row, (p % columns) * betweenColumns!),
        scale(column, Math.floor(p / columns) * betweenRows!),
      );
      sum = add(sum, add(first, along));
      count++;
    }
  }
  assert.ok(count > 0, 'nothing is outlined');
  return scale(sum, 1 / count);
}

const SPACE = { shape: [24, 44, 48], spacing: [2.5, 1.1, 1.3], origin: [-31.3, 12.7, -402.9] } as const;
const VOLUMES: Readonly<Record<string, SampleVolumeOptions>> = {
  axial: SPACE,
  oblique: { ...SPACE, orientation: OBLIQUE },
  'under gantry tilt': { ...SPACE, shear: 0.8 },
};
const WINDOW: SlidingWindow = { shape: [24, 24, 24], overlap: 0.5, blend: 'gaussian' };
const CARDS: Readonly<Record<string, readonly [Partial<VolumeInput>, string]>> = {
  'LPS, 1.5 mm, NCDHW': [{ spacingMm: 1.5 }, 'NCDHW'],
  'RAS, NCWHD, in windows, in multiples': [
    { orientation: 'RAS', spacingMm: [2, 1.5, 1.25], window: WINDOW, multipleOf: [16, 16, 16] },
    'NCWHD',
  ],
  'as acquired, cropped and padded': [
    { orientation: 'as-acquired', spacingMm: 'as-acquired', fit: { shape: [30, 40, 64], anchor: 'centre' } },
    'NCHWD',
  ],
};

for (const [where, options] of Object.entries(VOLUMES))
  for (const [how, [input, layout]] of Object.entries(CARDS))
    test(`WR-PRE-12 a mark returns to its millimetres within half a voxel: ${where}; ${how}`, async () => {
      const empty = sampleVolume(options);
      const centre = applyAffine(empty.affine, [12.3, 21.6, 25.2]);
      const volume = marked(options, centre, 9);
      const found = centreOf(volume, await outlined(volume, cardWith(input, layout)));
      const [k, j, i] = indexOf(volume, found);
      for (const [axis, off] of [k - 12.3, j - 21.6, i - 25.2].entries())
        assert.ok(Math.abs(off) < 0.5, `axis ${axis}: ${off.toFixed(3)} voxels off`);
      workers.release(volume.voxels.buffer);
    });

test('WR-PRE-06 a voxel of two structures is in both segments, and each is counted', async () => {
  const volume = marked(SPACE, applyAffine(sampleVolume(SPACE).affine, [12, 22, 24]), 9);
  const card = cardWith({ spacingMm: 1.5 }, 'NCDHW');
  const [output] = card.outputs;
  const [segment] = output.segments;
  const both: LabelMapOutput = {
    ...output,
    // the network's second channel is above 0 in the mark, its first is 0 everywhere: a half
    encoding: { kind: 'sigmoid', of: 'logits', layout: 'NCDHW', thresholds: [0.5, 0.5] },
    segments: [
      { ...segment, label: 2, number: 1, key: 'mark' },
      { ...segment, label: 1, number: 2, key: 'everything' },
    ],
  };
  const ports = { voxels: workers, inference: engine };
  const answer = await runOnVolume(ports, card, volume, never);
  const maps = await answer.labels(both);
  const rule = await refineRule(workers, volume, both, never);
  const { segmentation, statistics } = await outline(workers, volume, maps, rule, never);
  assert.deepEqual(
    segmentation.segments.map(({ key }) => key),
    ['mark', 'everything'],
  );
  const [mark, everything] = statistics.map(({ voxels }) => voxels);
  assert.equal(everything, 24 * 44 * 48);
  const milliliters = (mark! * 2.5 * 1.1 * 1.3) / 1000;
  const truth = (4 / 3) * Math.PI * 0.9 ** 3;
  assert.ok(Math.abs(milliliters / truth - 1) < 0.05, `${milliliters} ml, ${truth} ml`);
  workers.release(volume.voxels.buffer);
});
