/** Labels that a model gave for one image: where they lie on it, whether they are plausible, and what is found. */
import type { Grid } from '../../assembly/grid.ts';
import { type ImagePlane, planeAffine } from '../../assembly/image-plane.ts';
import { imageScale } from '../../assembly/image-scale.ts';
import { type Reason, reason, type Skipped } from '../../reasons.ts';
import { conceptOf } from '../finding-concept.ts';
import type { Finding, InstanceReference, Region } from '../findings.ts';
import { cutShort, statisticsTogether } from '../findings-from.ts';
import { expected, outside } from '../gate-labels.ts';
import type { CoarseLabels, LabelMapOutput, SegmentStatistics } from '../model-package.ts';
import type { OutputReading } from '../reading.ts';
import type { MeasuredComponent, MeasuredRegion } from '../regions/measure-regions.ts';
import { imageReference } from './image-findings.ts';
import { imageMeasurement, isSize, type MeasuredOnImage } from './image-measures.ts';
import { type Placement, toImage } from './resize.ts';

type FindingRule = LabelMapOutput['findings'][number];
type ComponentRule = NonNullable<FindingRule['components']>;

/**
 * The model's input as a grid on the image: every point where the inverse of its preparation puts it.
 * @param shape of the model's input, `[rows, columns]`. @param placement of the image in it
 */
export function imageGrid(
  { spacing: [, betweenRows, betweenColumns] }: Pick<ImagePlane, 'spacing'>,
  [rows, columns]: readonly [number, number],
  placement: Placement,
): Grid {
  const millimetres = ([row, column]: readonly [number, number]): readonly [number, number] => {
    return [row * betweenRows, column * betweenColumns];
  };
  const first = millimetres(toImage(placement, [0, 0]));
  const step = millimetres([placement.size[0] / placement.shape[0], placement.size[1] / placement.shape[1]]);
  return { shape: [1, rows, columns], affine: planeAffine(first, step), spacing: [1, step[0], step[1]] };
}

/** Does the answer look like what it must be? Of points outside the image none counts. Undefined where it may be measured. */
export function gateImageLabels(
  maps: readonly CoarseLabels[],
  plane: ImagePlane,
  placement: Placement,
  { gate }: LabelMapOutput,
): Skipped | undefined {
  for (const { label, meaning, percent: limits } of gate.regions) {
    const percent = percentOf(label, maps, plane, placement);
    if (limits !== undefined && outside(percent, limits))
      return { skipped: implausible(`${meaning}: ${percent.toFixed(1)} % of the image, ${expected(limits)}`) };
  }
  return undefined;
}

function implausible(fact: string): Reason {
  return reason('wrong-body-part', fact);
}

function percentOf(
  label: number,
  maps: readonly CoarseLabels[],
  { shape: [, rows, columns] }: ImagePlane,
  { to, shape, size }: Placement,
): number {
  let points = 0;
  for (const { grid, labels } of maps)
    for (let row = to[0]; row < to[0] + shape[0]; row++) {
      const start = row * grid.shape[2] + to[1];
      for (let at = start; at < start + shape[1]; at++) if (labels[at] === label) points++;
    }
  const pixelsOfPoint = (size[0] * size[1]) / (shape[0] * shape[1]);
  return (100 * points * pixelsOfPoint) / (rows * columns);
}

/** How many pixels a component has at least. */
export function smallestOnImage({ shape: [, rows, columns] }: ImagePlane): (rule: ComponentRule) => number {
  return ({ minimumPercent = 0 }) => (minimumPercent / 100) * rows * columns;
}

/** What was counted and measured over one image. */
export interface OutlinedImage {
  readonly plane: ImagePlane;
  /** One per segment number of the card. */
  readonly statistics: readonly SegmentStatistics[];
  /** One per finding of the card. */
  readonly regions: readonly MeasuredRegion[];
}

/** Findings of outlined regions: of every rule, and then of its components. A region without a pixel is stated as absent. */
export function imageOutlinedFindings(
  outlined: OutlinedImage,
  { findings }: LabelMapOutput,
): Pick<OutputReading, 'findings' | 'notes'> {
  const image = imageReference(outlined.plane.image);
  const told = findings.map((rule, at) => {
    const region = outlined.regions[at]!;
    const parts = region.components?.listed.map((one, order) => componentFinding(outlined, rule, one, order, image));
    return { findings: [wholeFinding(outlined, rule, region, image), ...(parts ?? [])], notes: cutShort(rule, region) };
  });
  return {
    findings: told.flatMap((one) => one.findings),
    notes: [...scaleNotes(outlined.plane, findings), ...told.flatMap(({ notes }) => notes)],
  };
}

/** What a reader of sizes must know, once for all of them. */
function scaleNotes({ image }: ImagePlane, findings: readonly FindingRule[]): readonly string[] {
  const measures = findings.flatMap((rule) => [...rule.measures, ...(rule.components?.measures ?? [])]);
  if (!measures.some(isSize)) return [];
  const scale = imageScale(image);
  if (scale === undefined) return ['Sizes were not measured: the image does not state the spacing of its pixels.'];
  switch (scale.at) {
    case 'patient':
      return [];
    case 'detector':
      return ['Sizes on the image are those at the detector; in the patient they are smaller.'];
    case 'unstated':
      return ['The image does not say whether its pixel spacing is that at the detector or in the patient.'];
  }
}

function wholeFinding(
  { plane, statistics }: OutlinedImage,
  rule: FindingRule,
  { shape, components }: MeasuredRegion,
  image: InstanceReference,
): Finding {
  const { voxels } = statisticsTogether(rule.segments, statistics);
  const measured: MeasuredOnImage = {
    ...pixelsOn(plane, statistics),
    pixels: voxels,
    ...(shape && { shape }),
    ...(components && { count: components.count }),
  };
  const presence = presenceOf(voxels, components?.count);
  return {
    ...conceptOf(rule),
    key: rule.key,
    ...(presence && { presence }),
    ...(rule.segments.length === 1 ? { segmentNumber: rule.segments[0] } : {}),
    measurements: rule.measures.map((measure) => imageMeasurement(measure, measured)),
    evidence: [image],
  };
}

/** Undefined of a region that is outlined and was not looked for in parts: its outline says it. */
function presenceOf(pixels: number, components: number | undefined): Finding['presence'] {
  if (components !== undefined) return components > 0 ? 'present' : 'absent';
  return pixels === 0 ? 'absent' : undefined;
}

function pixelsOn(
  { image, shape: [, rows, columns] }: ImagePlane,
  statistics: readonly SegmentStatistics[],
): Pick<MeasuredOnImage, 'image' | 'pixelsOf'> {
  const pixelsOf = (segments: readonly number[] | undefined): number =>
    segments === undefined ? rows * columns : statisticsTogether(segments, statistics).voxels;
  return { image, pixelsOf };
}

/** @param order from 0, the largest first */
function componentFinding(
  { plane, statistics }: OutlinedImage,
  rule: FindingRule,
  { statistics: { voxels }, shape }: MeasuredComponent,
  order: number,
  image: InstanceReference,
): Finding {
  const { key, measures } = rule.components!;
  const measured: MeasuredOnImage = { ...pixelsOn(plane, statistics), pixels: voxels, shape };
  return {
    ...conceptOf(rule),
    key: `${key}-${order + 1}`,
    region: boxOnImage(plane, shape.box, image),
    component: { number: order + 1, segmentNumbers: rule.segments },
    measurements: measures.map((measure) => imageMeasurement(measure, measured)),
    evidence: [image],
  };
}

/** In columns and rows from the outer corner of the first pixel (PS3.3 C.10.5.1.2). */
function boxOnImage(
  { spacing: [, betweenRows, betweenColumns] }: ImagePlane,
  { center: [x, y], edges: [, down, along] }: MeasuredComponent['shape']['box'],
  image: InstanceReference,
): Region {
  const corner = (side: number): [number, number] => [
    Math.round((x + side * along[0]) / betweenColumns + 0.5),
    Math.round((y + side * down[1]) / betweenRows + 0.5),
  ];
  return { kind: 'image-box', image, minimum: corner(-0.5), maximum: corner(0.5) };
}
