/** What tells frames at one position apart: time point, echo, b-value … of the image or of its functional groups. */
import { type DicomDataSet, itemsOf, stringOf, stringsOf } from '../dicom-json.ts';

/** Attributes of single-frame objects: tag, and its name in notes. */
const IMAGE_MARKS: readonly (readonly [tag: string, name: string])[] = [
  ['00200100', 'time point'],
  ['00180086', 'echo'],
  ['00189087', 'b-value'],
  ['00181060', 'trigger time'],
  ['00541300', 'frame reference time'],
];

/** The same for frames of enhanced objects (PS3.3 C.7.6.16, C.8.13.5): functional group, tag in it, name. */
const FRAME_MARKS: readonly (readonly [group: string, tag: string, name: string])[] = [
  ['00209111', '00209156', 'acquisition'],
  ['00209111', '00209128', 'time point'],
  ['00189114', '00189082', 'echo'],
  ['00189117', '00189087', 'b-value'],
  ['00189118', '00209241', 'cardiac phase'],
  ['00189226', '00089007', 'frame type'],
  ['00189329', '00089007', 'frame type'],
];

const FRAME_CONTENT = '00209111';
const DIMENSION_INDEX_VALUES = '00209157';

/** Tags that {@link readFrameMarks} reads at the top level. */
export const FRAME_MARK_TAGS: readonly string[] = IMAGE_MARKS.map(([tag]) => tag);

/** @param groups functional groups of the frame, its own or undefined; every dimension index is a mark of its own. */
export function readFrameMarks(groups: DicomDataSet | undefined, dataSet: DicomDataSet): Record<string, string> {
  const marks: Record<string, string> = {};
  for (const [tag, name] of IMAGE_MARKS) {
    const value = stringOf(dataSet, tag);
    if (value !== undefined) marks[name] = value;
  }
  if (groups === undefined) return marks;
  for (const [group, tag, name] of FRAME_MARKS) {
    const value = stringsOf(itemsOf(groups, group)[0] ?? {}, tag).join(' ');
    if (value !== '') marks[name] = value;
  }
  const dimensions = stringsOf(itemsOf(groups, FRAME_CONTENT)[0] ?? {}, DIMENSION_INDEX_VALUES);
  for (const [index, value] of dimensions.entries()) marks[`dimension ${index + 1}`] = value;
  return marks;
}
