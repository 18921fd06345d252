/** Which frames of a series belong together: one orientation, one matrix, one pixel spacing, one frame of reference. */
import { type Reason, type ReasonCode, reason } from '../reasons.ts';
import { angleBetween } from './geometry.ts';
import type { SliceFrame } from './slice-frame.ts';

/** Directions of slices of one volume differ by no more than this, degrees: 0.4 mm at the edge of a 500 mm field. */
export const ORIENTATION_TOLERANCE_DEGREES = 0.1;
/** Pixel spacings of slices of one volume differ by no more than this part: half a pixel over 500 columns. */
export const PIXEL_SPACING_TOLERANCE = 1e-3;
/** The largest group is read where it holds more than this part of the frames; otherwise nobody can say which is meant. */
export const MAJORITY = 0.5;

/** Frames set aside, with the reason. */
export interface SetAside {
  readonly frame: SliceFrame;
  readonly reason: Reason;
}

export interface Choice {
  readonly frames: readonly SliceFrame[];
  readonly setAside: readonly SetAside[];
}

/**
 * The largest group of frames that fit together, the others set aside; refused where no group is the majority.
 * @param frames at least one, ordered by `byInstance`.
 */
export function largestConsistentGroup(frames: readonly SliceFrame[]): Choice | Reason {
  const groups: SliceFrame[][] = [];
  for (const frame of frames) {
    const group = groups.find(([first]) => difference(first!, frame) === undefined);
    if (group === undefined) groups.push([frame]);
    else group.push(frame);
  }
  // sort is stable: of two equal groups the one with the lowest instance number comes first
  groups.sort((a, b) => b.length - a.length);
  const [largest, second] = groups;
  if (second !== undefined && largest!.length <= frames.length * MAJORITY) {
    const sizes = groups.map((group) => group.length);
    return reason(difference(largest![0]!, second[0]!)!, `groups of ${sizes.slice(0, 6).join(', ')} slices`);
  }
  const setAside = groups.slice(1).flatMap((group) => {
    const code = difference(largest![0]!, group[0]!)!;
    return group.map((frame) => ({ frame, reason: reason(code) }));
  });
  return { frames: largest!, setAside };
}

/** The first thing in which two frames differ, undefined where they fit. */
function difference(a: SliceFrame, b: SliceFrame): ReasonCode | undefined {
  if (a.header.frameOfReferenceUid !== b.header.frameOfReferenceUid) return 'frame-of-reference-mixed';
  const turned = Math.max(angleBetween(a.axes.row, b.axes.row), angleBetween(a.axes.column, b.axes.column));
  if (turned > ORIENTATION_TOLERANCE_DEGREES) return 'orientation-mixed';
  const sameMatrix = a.header.rows === b.header.rows && a.header.columns === b.header.columns;
  const stretch = Math.max(
    Math.abs(a.pixelSpacing[0] / b.pixelSpacing[0] - 1),
    Math.abs(a.pixelSpacing[1] / b.pixelSpacing[1] - 1),
  );
  if (!sameMatrix || stretch > PIXEL_SPACING_TOLERANCE) return 'matrix-mixed';
  return a.units === b.units ? undefined : 'pixel-format-unsupported';
}
