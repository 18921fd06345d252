/** One frame of a CT, MR or PET series: what its header says about its place, its values and its time point. */
import type { FrameHeader, ImageHeader, Point3 } from '../arrival/study.ts';
import { type DicomDataSet, itemsOf, stringOf, stringsOf } from '../dicom-json.ts';
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
export function sliceFacts(instance: EncodedInstance): readonly SliceFacts[] | Reason {
  const { header, dataSet } = instance;
  const notASlice = classifySlice(header, dataSet);
  if (notASlice !== undefined) return notASlice;
  if (header.frameOfReferenceUid === undefined) return reason('geometry-missing', 'no Frame of Reference UID');
  if (header.frames.length !== header.numberOfFrames) return reason('geometry-missing', 'frames without position');
  const shift = shiftOf(header);
  const common = { header, shift, units: unitsOf(instance), ...paddingOf(header, shift) };
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
      marks: marksOf(instance, index),
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
 * What voxel × slope + intercept is measured in: for CT HU, unless Rescale Type (0028,1054) says otherwise (PS3.3
 * C.8.2.1); for PET Units (0054,1001), such as `BQML`; else Rescale Type. `US` is the standard's "unspecified".
 */
function unitsOf({ header, dataSet }: EncodedInstance): string {
  const said = stringOf(dataSet, '00541001') ?? header.rescaleType;
  if (said === undefined) return header.modality === 'CT' ? 'HU' : 'none';
  return said === 'US' ? 'none' : said;
}

/** Attributes of single-frame objects that separate volumes at the same positions: tag, and its name in notes. */
const INSTANCE_MARKS: readonly (readonly [tag: string, name: string])[] = [
  ['00200100', 'time point'],
  ['00180086', 'echo'],
  ['00189087', 'b-value'],
  ['00181060', 'trigger time'],
  ['00540300', 'radionuclide'],
  ['00541330', 'image index'],
];

/** The same for frames of enhanced objects: functional group sequence, tag in it, name. */
const FRAME_MARKS: readonly (readonly [sequence: string, tag: string, name: string])[] = [
  ['00209111', '00209128', 'time point'],
  ['00189114', '00189082', 'echo'],
  ['00189117', '00189087', 'b-value'],
  ['00189118', '00209241', 'cardiac phase'],
  ['00209111', '00209156', 'acquisition'],
  ['00189226', '00089007', 'frame type'],
];

function marksOf({ header, dataSet }: EncodedInstance, index: number): Readonly<Record<string, string>> {
  const marks: Record<string, string> = {};
  if (header.acquisitionNumber !== undefined) marks['acquisition'] = String(header.acquisitionNumber);
  for (const [tag, name] of INSTANCE_MARKS) {
    const value = stringOf(dataSet, tag);
    if (value !== undefined) marks[name] = value;
  }
  const groups = itemsOf(dataSet, '52009230')[index];
  if (groups !== undefined) Object.assign(marks, frameMarks(groups));
  marks['image type'] = header.imageType.join(' ');
  marks['instance'] = `${String(header.instanceNumber ?? 0).padStart(8, '0')} ${header.sopInstanceUid}`;
  return marks;
}

/** Each dimension of Dimension Index Values (0020,9157) is a mark of its own (PS3.3 C.7.6.17). */
function frameMarks(groups: DicomDataSet): Record<string, string> {
  const marks: Record<string, string> = {};
  for (const [sequence, tag, name] of FRAME_MARKS) {
    const value = stringsOf(itemsOf(groups, sequence)[0] ?? {}, tag).join(' ');
    if (value !== '') marks[name] = value;
  }
  const content = itemsOf(groups, '00209111')[0] ?? {};
  for (const [dimension, value] of stringsOf(content, '00209157').entries()) {
    marks[`dimension ${dimension + 1}`] = value;
  }
  return marks;
}
