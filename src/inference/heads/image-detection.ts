/** Detections on one image: in its pixels. */
import type { ImageFrame } from '../../assembly/volume.ts';
import type { Skipped } from '../../reasons.ts';
import type { InstanceReference, Measurement } from '../findings.ts';
import { imageReference } from '../images/image-findings.ts';
import { type Placement, toImage } from '../images/resize.ts';
import type { DetectionOutput } from '../model-package.ts';
import type { OutputReading } from '../reading.ts';
import type { InferenceResponse } from '../tensor.ts';
import { type Candidate, centerOf } from './candidate.ts';
import { detectedFindings, type Located, regionSize } from './detection.ts';

/**
 * Boxes that reach beyond the image end at its edge.
 * @param shape of the model's input, `[rows, columns]`. @param placement of the image in it
 * @see detectedFindings
 */
export function imageDetections(
  response: InferenceResponse,
  output: DetectionOutput,
  shape: readonly [number, number],
  placement: Placement,
  image: ImageFrame,
): OutputReading | Skipped {
  const reference = imageReference(image);
  const locate = (candidate: Candidate): Located | undefined => locatedOn(candidate, placement, image, reference);
  return detectedFindings(response, output, { shape, spacingMm: [1, 1] }, locate, [reference]);
}

type Pair = readonly [number, number];

function locatedOn(
  candidate: Candidate,
  placement: Placement,
  { header, frameNumber }: ImageFrame,
  reference: InstanceReference,
): Located | undefined {
  const { rows, columns, frames } = header;
  const pixel = (index: readonly number[]): Pair => {
    const [row, column] = toImage(placement, index as Pair);
    // PS3.3 C.10.5.1.2: the centre of the first pixel is 0.5, 0.5
    return [toHundredth(column + 0.5), toHundredth(row + 0.5)];
  };
  const center = pixel(centerOf(candidate));
  const isInside = center[0] >= 0 && center[0] <= columns && center[1] >= 0 && center[1] <= rows;
  if (!isInside) return undefined;
  const evidence = [reference];
  const { low, high } = candidate;
  if (low.every((start, axis) => start === high[axis]))
    return { region: { kind: 'image-point', image: reference, point: [...center] }, measurements: [], evidence };
  const [from, to] = [pixel(low), pixel(high)];
  const minimum: [number, number] = [Math.max(0, from[0]), Math.max(0, from[1])];
  const maximum: [number, number] = [Math.min(columns, to[0]), Math.min(rows, to[1])];
  const spacing = frames[frameNumber - 1]?.pixelSpacing;
  const measurements = spacing === undefined ? [] : [sizeOf(minimum, maximum, spacing)];
  return { region: { kind: 'image-box', image: reference, minimum, maximum }, measurements, evidence };
}

/** @param spacing between rows, between columns, mm; the longer edge of the box in them */
function sizeOf(minimum: Pair, maximum: Pair, [betweenRows, betweenColumns]: Pair): Measurement {
  const [width, height] = [(maximum[0] - minimum[0]) * betweenColumns, (maximum[1] - minimum[1]) * betweenRows];
  return regionSize(Math.max(width, height));
}

function toHundredth(pixels: number): number {
  return Number(pixels.toFixed(2)) + 0;
}
