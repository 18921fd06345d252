/** One frame of a CT, MR or PET series: what its header says about its place, its values and its time point. */
import type { FrameHeader, ImageHeader, Point3 } from '../arrival/study.ts';
import type { EncodedInstance } from '../ports.ts';
import { type Reason, reason } from '../reasons.ts';
import { type Frame, type Placed, rescaleOf, shiftOf } from './arrivals.ts';
import { classifySlice } from './classify.ts';
import { norm, type PlaneAxes, planeAxes } from './geometry.ts';

/** Row and column direction may miss the right angle or unit length by rounding of decimal strings, unitless. */
const DIRECTION_TOLERANCE = 1e-3;

/** The facts of a frame before it has a slot. */
export interface SliceFacts extends Frame {
  readonly position: Point3;
  readonly axes: PlaneAxes;
  /** `[between rows, between columns]` in mm. */
  readonly pixelSpacing: readonly [number, number];
  readonly slope: number;
  readonly intercept: number;
  readonly units: string;
  /** Voxel values without image, as stored in the volume. */
  readonly padding?: { readonly low: number; readonly high: number };
  /** What could tell this frame's time point, echo or acquisition from another's; names are for notes. */
  readonly marks: Readonly<Record<string, string>>;
}

export type SliceFrame = Placed<SliceFacts>;

/** The facts of every frame, or why the instance has no place in a volume. */
export function sliceFacts({ header }: EncodedInstance): readonly SliceFacts[] | Reason {
  const notASlice = classifySlice(header);
  if (notASlice !== undefined) return notASlice;
  if (header.frameOfReferenceUid === undefined) return reason('geometry-missing', 'no Frame of Reference UID');
  if (header.frames.length !== header.numberOfFrames) return reason('geometry-missing', 'frames without position');
  const shift = shiftOf(header);
  const common = { header, shift, units: unitsOf(header), ...paddingOf(header, shift) };
  const facts: SliceFacts[] = [];
  for (const [index, frame] of header.frames.entries()) {
    const place = placeOf(frame);
    if ('code' in place) return place;
    const frameNumber = index + 1;
    facts.push({
      ...common,
      ...place,
      ...rescaleOf(header, frameNumber, shift),
      frameNumber,
      marks: marksOf(header, frame),
    });
  }
  return facts;
}

function placeOf(frame: FrameHeader): Pick<SliceFacts, 'position' | 'axes' | 'pixelSpacing'> | Reason {
  const { imagePositionPatient: position, imageOrientationPatient: orientation, pixelSpacing } = frame;
  if (position === undefined) return reason('geometry-missing', 'no Image Position (Patient)');
  if (orientation === undefined) return reason('geometry-missing', 'no Image Orientation (Patient)');
  if (pixelSpacing === undefined) return reason('geometry-missing', 'no Pixel Spacing');
  if (!(pixelSpacing[0] > 0 && pixelSpacing[1] > 0)) return reason('geometry-missing', 'Pixel Spacing is not positive');
  const row: Point3 = [orientation[0], orientation[1], orientation[2]];
  const column: Point3 = [orientation[3], orientation[4], orientation[5]];
  const cosine = row[0] * column[0] + row[1] * column[1] + row[2] * column[2];
  const worst = Math.max(Math.abs(norm(row) - 1), Math.abs(norm(column) - 1), Math.abs(cosine));
  // written so that a value that is not a number is refused too
  if (!(worst <= DIRECTION_TOLERANCE)) return reason('geometry-missing', 'Image Orientation is not two unit vectors');
  return { position, axes: planeAxes(orientation), pixelSpacing };
}

/** Pixel Padding (PS3.3 C.7.5.1.1.2) as voxel values. A modality LUT may map it onto image values: then it is lost. */
function paddingOf(header: ImageHeader, shift: number): Pick<SliceFacts, 'padding'> {
  const { pixelPadding, modalityLut } = header;
  if (pixelPadding === undefined || modalityLut !== undefined) return {};
  const low = Math.max(-32768, Math.min(pixelPadding.low, pixelPadding.high) + shift);
  const high = Math.min(32767, Math.max(pixelPadding.low, pixelPadding.high) + shift);
  return low <= high ? { padding: { low, high } } : {};
}

/**
 * What voxel × slope + intercept is measured in: Rescale Type, for PET its Units such as `BQML`; HU where a CT says
 * nothing (PS3.3 C.8.2.1.1.2). `US` is the standard's "unspecified".
 */
function unitsOf({ rescaleType, modality }: ImageHeader): string {
  if (rescaleType === undefined) return modality === 'CT' ? 'HU' : 'none';
  return rescaleType === 'US' ? 'none' : rescaleType;
}

/** Acquisition, time point and others, best first; the type and the instance itself tell apart what nothing else does. */
function marksOf(header: ImageHeader, frame: FrameHeader): Readonly<Record<string, string>> {
  return {
    ...(header.acquisitionNumber === undefined ? {} : { acquisition: String(header.acquisitionNumber) }),
    ...frame.marks,
    'image type': header.imageType.join(' '),
    instance: `${String(header.instanceNumber ?? 0).padStart(8, '0')} ${header.sopInstanceUid}`,
  };
}
