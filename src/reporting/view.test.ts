import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateViewSet } from '../../contracts/generated/validators.js';
import { OBLIQUE, SAMPLE_HU, sampleSegmentation, sampleVolume } from '../../test/support/sample-report.ts';
import type { Segmentation } from '../assembly/segmentation.ts';
import type { Volume } from '../assembly/volume.ts';
import type { SegmentStatistics } from '../inference/model-package.ts';
import { viewOf, viewSetOf } from './view.ts';

const MODEL = { name: 'ct-lung-density', version: '1.0.0', title: 'Lung density on chest CT' };

function statistics(segmentNumber: number, changes: Partial<SegmentStatistics> = {}): SegmentStatistics {
  const histogram = new Uint32Array(200);
  histogram[44] = 7;
  histogram[174] = 5;
  return {
    segmentNumber,
    voxels: 12,
    sum: 0,
    sumOfSquares: 0,
    histogramLow: -1024,
    histogram,
    largestSlice: 2,
    firstSlice: 1,
    lastSlice: 4,
    ...changes,
  };
}

function sample(changes: Partial<Volume> = {}): { volume: Volume; segmentation: Segmentation } {
  const volume = { ...sampleVolume(), ...changes };
  return { volume, segmentation: sampleSegmentation(volume) };
}

test('WR-PAGE-01 the view follows its contract and shows axial slices from head to feet', () => {
  const { volume, segmentation } = sample();
  const view = viewOf(volume, MODEL, { segmentation, statistics: [statistics(1), statistics(2)] });
  assert.ok(validateViewSet(viewSetOf([{ view, segmentation: 'seg.dcm' }])), JSON.stringify(validateViewSet.errors));
  assert.equal(view.slices[0]!.sopInstanceUid, volume.slices.at(-1)!.sopInstanceUid);
  assert.deepEqual(
    view.slices.map((s) => s.positionMm),
    [-1150, -1160, -1170, -1180, -1190, -1200],
  );
  assert.deepEqual(view.segments[0]!.extent, { first: 1, last: 4, largest: 3 });
  assert.deepEqual(view.edges, { left: 'R', right: 'L', top: 'A', bottom: 'P' });
});

test('WR-PAGE-01 an axial stack whose normal points to the feet is already in reading order', () => {
  const volume = sampleVolume({ orientation: [-1, 0, 0, 0, 1, 0] });
  const view = viewOf(volume, MODEL, { segmentation: sampleSegmentation(volume), statistics: [statistics(1)] });
  assert.equal(view.slices[0]!.sopInstanceUid, volume.slices[0]!.sopInstanceUid);
  assert.deepEqual(view.segments[0]!.extent, { first: 1, last: 4, largest: 2 });
  assert.deepEqual(view.edges, { left: 'L', right: 'R', top: 'A', bottom: 'P' });
});

test('coronal slices keep their order; oblique edges carry two letters', () => {
  const coronal = sampleVolume({ orientation: [1, 0, 0, 0, 0, -1] });
  const view = viewOf(coronal, MODEL, { segmentation: sampleSegmentation(coronal), statistics: [] });
  assert.deepEqual(view.edges, { left: 'R', right: 'L', top: 'H', bottom: 'F' });
  assert.equal(view.slices[0]!.sopInstanceUid, coronal.slices[0]!.sopInstanceUid);
  const oblique = sampleVolume({ orientation: OBLIQUE });
  assert.equal(
    viewOf(oblique, MODEL, { segmentation: sampleSegmentation(oblique), statistics: [] }).edges.bottom,
    'PH',
  );
});

test('a histogram loses its empty ends and keeps its values; an empty segment has none', () => {
  const { volume, segmentation } = sample();
  const view = viewOf(volume, MODEL, { segmentation, statistics: [statistics(1), statistics(2, { voxels: 0 })] });
  assert.equal(view.histograms.length, 1);
  const [histogram] = view.histograms;
  assert.equal(histogram!.low, SAMPLE_HU.emphysema);
  assert.equal(histogram!.counts.length, 131);
  assert.equal(histogram!.counts[0], 7);
  assert.equal(histogram!.counts[SAMPLE_HU.lung - SAMPLE_HU.emphysema], 5);
  assert.equal(view.segments[1]!.extent, undefined);
});

test('windows: presets for CT, the acquired one and an automatic one elsewhere', () => {
  const { volume } = sample();
  assert.deepEqual(
    viewOf(volume, MODEL, { segmentation: sampleSegmentation(volume), statistics: [] }).windows.map((w) => w.key),
    ['lung', 'soft-tissue', 'bone'],
  );
  const mr: Volume = {
    ...volume,
    modality: 'MR',
    units: 'none',
    header: { ...volume.header, windowCenter: 300, windowWidth: 600 },
  };
  const [acquired, automatic] = viewOf(mr, MODEL, { segmentation: sampleSegmentation(mr), statistics: [] }).windows;
  assert.deepEqual(acquired, { key: 'acquired', label: 'As acquired', center: 300, width: 600 });
  assert.equal(automatic!.center - automatic!.width / 2, SAMPLE_HU.emphysema);
  assert.equal(automatic!.center + automatic!.width / 2, SAMPLE_HU.body);
});
