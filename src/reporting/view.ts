/** The volume as the page shows it: geometry, reading order, outlines by name, histograms, windows. No patient data. */
import type {
  View,
  ViewAlgorithm,
  ViewEdges,
  ViewExtent,
  ViewHistogram,
  ViewMark,
  ViewSegment,
  ViewSet,
  ViewSlice,
  ViewWindow,
} from '../../contracts/generated/types.ts';
import type { Point3 } from '../arrival/study.ts';
import { sliceVoxels, type Volume } from '../assembly/volume.ts';
import type { SegmentStatistics } from '../inference/model-package.ts';
import type { Outlines } from '../inference/reading.ts';
import { isReadBackwards, readingPlace } from './reading-order.ts';

export type { View, ViewSegment, ViewSet, ViewSlice, ViewWindow } from '../../contracts/generated/types.ts';

/** Window centres and widths in HU, as reading rooms set them. */
const CT_WINDOWS: readonly ViewWindow[] = [
  { key: 'lung', label: 'Lung', center: -600, width: 1500 },
  { key: 'soft-tissue', label: 'Soft tissue', center: 40, width: 400 },
  { key: 'bone', label: 'Bone', center: 400, width: 1800 },
];

/** The smallest direction cosine that earns a letter of its own: tilts of less than 15° are called straight. */
const LETTER_COSINE = Math.sin((15 * Math.PI) / 180);

/** A view and the document that holds its outlines, where there is one. */
export interface NamedView {
  readonly view: View;
  readonly segmentation: string | undefined;
}

/** `view.json`. */
export function viewSetOf(views: readonly NamedView[]): ViewSet {
  return {
    schemaVersion: 1,
    views: views.map(({ view, segmentation }) => ({ ...view, ...(segmentation !== undefined && { segmentation }) })),
  };
}

/**
 * The volume as one model read it.
 * @param outlines with statistics of its segments; a segment without them has neither extent nor histogram
 * @param marks where its findings lie
 */
export function viewOf(
  volume: Volume,
  { name, version, title }: ViewAlgorithm,
  outlines?: Outlines,
  marks: readonly ViewMark[] = [],
): View {
  const [, rows, columns] = volume.shape;
  const [betweenSlices, betweenRows, betweenColumns] = volume.spacing;
  const place = (k: number): number => readingPlace(volume, k);
  const statisticsOf = (number: number): SegmentStatistics | undefined =>
    outlines?.statistics.find((s) => s.segmentNumber === number && s.voxels > 0);
  const segments = outlines?.segmentation.segments ?? [];
  const viewSlices = viewSlicesOf(volume);
  return {
    algorithm: { name, version, title },
    seriesInstanceUid: volume.seriesInstanceUid,
    modality: volume.modality,
    units: volume.units,
    rows,
    columns,
    pixelSpacing: [betweenRows, betweenColumns],
    spacingBetweenSlices: betweenSlices,
    edges: edgesOf(volume),
    slices: (isReadBackwards(volume) ? viewSlices.reverse() : viewSlices) as View['slices'],
    segments: segments.map(({ number, key, label, color }): ViewSegment => {
      const extent = extentOf(statisticsOf(number), place);
      return { number, key, label, color: [...color], ...(extent === undefined ? {} : { extent }) };
    }),
    ...(marks.length === 0 ? {} : { marks: [...marks] }),
    histograms: segments.flatMap(({ number, key }) => histogramOf(key, statisticsOf(number))),
    windows: windowsOf(volume) as View['windows'],
  };
}

function viewSlicesOf(volume: Volume): ViewSlice[] {
  const normal = cross(direction(volume, 2), direction(volume, 1));
  return volume.slices.map(({ sopInstanceUid, frameNumber, imagePositionPatient }) => ({
    sopInstanceUid,
    frameNumber,
    positionMm: round(dot(imagePositionPatient, normal), 3),
  }));
}

function extentOf(statistics: SegmentStatistics | undefined, place: (k: number) => number): ViewExtent | undefined {
  if (statistics === undefined) return undefined;
  const ends = [place(statistics.firstSlice), place(statistics.lastSlice)];
  return { first: Math.min(...ends), last: Math.max(...ends), largest: place(statistics.largestSlice) };
}

/** Without the empty bins at both ends. */
function histogramOf(segmentKey: string, statistics: SegmentStatistics | undefined): ViewHistogram[] {
  if (statistics === undefined) return [];
  const { histogram, histogramLow } = statistics;
  const from = histogram.findIndex((count) => count > 0);
  const to = histogram.findLastIndex((count) => count > 0) + 1;
  return [{ segmentKey, low: histogramLow + from, counts: [...histogram.subarray(from, to)] }];
}

/** Unit vector of an axis of the volume in LPS: 0 slice, 1 row index, 2 column index. */
function direction({ affine }: Volume, axis: 0 | 1 | 2): Point3 {
  const [x, y, z] = [affine[axis], affine[(4 + axis) as 4], affine[(8 + axis) as 8]];
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}

function edgesOf(volume: Volume): ViewEdges {
  const [right, bottom] = [direction(volume, 2), direction(volume, 1)];
  return {
    left: letters(opposite(right)),
    right: letters(right),
    top: letters(opposite(bottom)),
    bottom: letters(bottom),
  };
}

/** Patient Orientation (0020,0020): `R`, or `RA` where the direction lies between two axes, the stronger one first. */
function letters(vector: Point3): string {
  const names: readonly (readonly [string, string])[] = [
    ['L', 'R'],
    ['P', 'A'],
    ['H', 'F'],
  ];
  return vector
    .map((cosine, axis) => ({ strength: Math.abs(cosine), letter: names[axis]![cosine > 0 ? 0 : 1] }))
    .filter(({ strength }) => strength > LETTER_COSINE)
    .sort((a, b) => b.strength - a.strength)
    .map(({ letter }) => letter)
    .join('');
}

function windowsOf(volume: Volume): readonly ViewWindow[] {
  if (volume.modality === 'CT' && volume.units === 'HU') return CT_WINDOWS;
  const { windowCenter, windowWidth } = volume.header;
  const automatic = automaticWindow(volume);
  if (windowCenter === undefined || windowWidth === undefined || windowWidth <= 0) return [automatic];
  return [{ key: 'acquired', label: 'As acquired', center: windowCenter, width: windowWidth }, automatic];
}

/** Of the slice in the middle. */
function automaticWindow(volume: Volume): ViewWindow {
  const k = Math.floor(volume.shape[0] / 2);
  const { slope, intercept } = volume.slices[k]!;
  return percentileWindow(Float64Array.from(sliceVoxels(volume, k), (voxel) => voxel * slope + intercept));
}

/** From the 1st to the 99th percentile. */
export function percentileWindow(values: Float64Array): ViewWindow {
  const sorted = values.sort();
  const at = (share: number): number => sorted[Math.round((sorted.length - 1) * share)]!;
  const [low, high] = [at(0.01), at(0.99)];
  return { key: 'automatic', label: 'Automatic', center: (low + high) / 2, width: high > low ? high - low : 1 };
}

function cross(a: Point3, b: Point3): Point3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function dot(a: Point3, b: Point3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function opposite([x, y, z]: Point3): Point3 {
  return [-x, -y, -z];
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
