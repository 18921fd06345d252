/** Geometry and rescale per frame: attributes of the image itself, or functional groups (PS3.3 C.7.6.16). */
import { type DicomDataSet, itemsOf, numberOf, numbersOf, stringOf } from '../dicom-json.ts';
import { reason, type Skipped } from '../reasons.ts';
import { FRAME_MARK_TAGS, readFrameMarks } from './frame-marks.ts';
import type { FrameHeader, Point3 } from './study.ts';
import { present } from './study-header.ts';

const SHARED_FUNCTIONAL_GROUPS = '52009229';
const PER_FRAME_FUNCTIONAL_GROUPS = '52009230';

/** Tags that {@link readFrameHeaders} and {@link functionalGroup} read at the top level. */
export const FRAME_HEADER_TAGS: readonly string[] = [
  '00180050',
  '00200032',
  '00200037',
  '00280030',
  '00281052',
  '00281053',
  SHARED_FUNCTIONAL_GROUPS,
  PER_FRAME_FUNCTIONAL_GROUPS,
  ...FRAME_MARK_TAGS,
];

/** One header per frame; groups beyond the last frame, left by tools that cut frames out, are ignored. Frames without groups of their own share one object. */
export function readFrameHeaders(dataSet: DicomDataSet, numberOfFrames: number): readonly FrameHeader[] | Skipped {
  const perFrame = itemsOf(dataSet, PER_FRAME_FUNCTIONAL_GROUPS);
  if (perFrame.length > 0 && perFrame.length < numberOfFrames) {
    return {
      skipped: reason('data-set-invalid', `${numberOfFrames} frames, but functional groups for ${perFrame.length}`),
    };
  }
  const shared = itemsOf(dataSet, SHARED_FUNCTIONAL_GROUPS)[0];
  const headers =
    perFrame.length > 0
      ? perFrame.slice(0, numberOfFrames).map((groups) => frameHeader([groups, shared], dataSet))
      : sharedByAll(frameHeader([shared], dataSet), numberOfFrames);
  if (headers.some((header) => header.rescaleSlope === 0)) {
    return { skipped: reason('data-set-invalid', 'Rescale Slope is 0') };
  }
  return headers;
}

function sharedByAll(header: FrameHeader, numberOfFrames: number): readonly FrameHeader[] {
  return Array.from({ length: numberOfFrames }, () => header);
}

/** First item of a functional group of the first frame, or of the shared ones. */
export function functionalGroup(dataSet: DicomDataSet, tag: string): DicomDataSet | undefined {
  const first = itemsOf(dataSet, PER_FRAME_FUNCTIONAL_GROUPS)[0];
  const shared = itemsOf(dataSet, SHARED_FUNCTIONAL_GROUPS)[0];
  return groupOf([first, shared], tag);
}

type Groups = readonly (DicomDataSet | undefined)[];

function groupOf(groups: Groups, tag: string): DicomDataSet | undefined {
  for (const group of groups) {
    const item = group === undefined ? undefined : itemsOf(group, tag)[0];
    if (item !== undefined) return item;
  }
  return undefined;
}

function frameHeader(groups: Groups, dataSet: DicomDataSet): FrameHeader {
  const position = groupOf(groups, '00209113') ?? dataSet;
  const orientation = groupOf(groups, '00209116') ?? dataSet;
  const measures = groupOf(groups, '00289110') ?? dataSet;
  const transformation = groupOf(groups, '00289145') ?? dataSet;
  return {
    ...present({
      imagePositionPatient: exactly<Point3>(numbersOf(position, '00200032'), 3),
      imageOrientationPatient: exactly<NonNullable<FrameHeader['imageOrientationPatient']>>(
        numbersOf(orientation, '00200037'),
        6,
      ),
      pixelSpacing: positivePair(numbersOf(measures, '00280030')),
      sliceThickness: positive(numberOf(measures, '00180050')),
    }),
    rescaleSlope: numberOf(transformation, '00281053') ?? 1,
    rescaleIntercept: numberOf(transformation, '00281052') ?? 0,
    marks: readFrameMarks(groups.length > 1 ? groups[0] : undefined, dataSet),
  };
}

/** `[between rows, between columns]`; other than two positive lengths is no spacing. */
export function positivePair(values: readonly number[]): readonly [number, number] | undefined {
  return values.every((value) => value > 0) ? exactly<readonly [number, number]>(values, 2) : undefined;
}

export function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

function exactly<T extends readonly number[]>(values: readonly number[], length: number): T | undefined {
  return values.length === length ? (values as unknown as T) : undefined;
}

/** Rescale Type (0028,1054), or what PET says instead: Units (0054,1001). */
export function rescaleTypeOf(dataSet: DicomDataSet): string | undefined {
  const transformation = functionalGroup(dataSet, '00289145') ?? dataSet;
  return stringOf(transformation, '00281054') ?? stringOf(dataSet, '00541001');
}
