/**
 * Which attributes a study, a series and an instance have, and which of them a search returns unasked
 * (PS3.18 tables 10.6.3-3 to 10.6.3-5, PS3.3 annex A.1.3).
 */
import type { DicomDataSet, DicomElement, ValueRepresentation } from '../../src/dicom-json.ts';

export type Level = 'study' | 'series' | 'instance';

type Keys = Readonly<Record<string, ValueRepresentation>>;

/** Returned without being asked for; those that the objects do not hold come back empty. */
export const DEFAULT_KEYS: Readonly<Record<Level, Keys>> = {
  study: {
    '00080020': 'DA',
    '00080030': 'TM',
    '00080050': 'SH',
    '00080056': 'CS',
    '00080061': 'CS',
    '00080090': 'PN',
    '00081190': 'UR',
    '00100010': 'PN',
    '00100020': 'LO',
    '00100030': 'DA',
    '00100040': 'CS',
    '0020000D': 'UI',
    '00200010': 'SH',
    '00201206': 'IS',
    '00201208': 'IS',
  },
  series: {
    '00080060': 'CS',
    '0008103E': 'LO',
    '00081190': 'UR',
    '0020000D': 'UI',
    '0020000E': 'UI',
    '00200011': 'IS',
    '00201209': 'IS',
    '00400244': 'DA',
    '00400245': 'TM',
    '00400275': 'SQ',
  },
  instance: {
    '00080016': 'UI',
    '00080018': 'UI',
    '00080056': 'CS',
    '00081190': 'UR',
    '0020000D': 'UI',
    '0020000E': 'UI',
    '00200013': 'IS',
    '00083002': 'UI',
    '00280008': 'IS',
    '00280010': 'US',
    '00280011': 'US',
    '00280100': 'US',
  },
};

/** Default ones that are left out where the objects do not hold them. */
export const CONDITIONAL_KEYS: ReadonlySet<string> = new Set(
  '0008103E 00400244 00400245 00400275 00280008 00280010 00280011 00280100'.split(' '),
);

/** Attributes that the archive computes; objects do not hold them, or not truthfully. */
export const COMPUTED_KEYS: Keys = {
  '00080056': 'CS',
  '00080061': 'CS',
  '00080062': 'UI',
  '00081190': 'UR',
  '00083002': 'UI',
  '00201206': 'IS',
  '00201208': 'IS',
  '00201209': 'IS',
};

/** Clinical Trial Study, General Study and Patient Study modules; the patient's own group 0010 is tested by number. */
const STUDY_TAGS = new Set(
  `00080005 00080020 00080030 00080050 00080051 00080056 00080061 00080062 00080090 00080096 0008009C 0008009D 00080201
  00081030 00081032 00081048 00081049 00081060 00081062 00081080 00081084 00081110 00081120 00120010 00120020 00120021
  00120030 00120031 00120040 00120042 00120050 00120051 00120052 00120081 00120082 0020000D 00200010 00201206 00201208
  00321032 00321034 00321060 00324000 00380010 00380014 00380060 00380062 00380064 00380500 00401012`.split(/\s+/),
);

/** General Series, Clinical Trial Series and General Equipment modules. */
const SERIES_TAGS = new Set(
  `00080021 00080031 00080060 00080070 00080080 00080081 00080082 0008103E 0008103F 00081010 00081040 00081041 00081050
  00081052 00081070 00081072 00081090 00081111 00081250 00120060 00120071 00120072 00180015 00181000 00181002 00181008
  0018100B 00181020 00181030 00181050 00181200 00181201 00185100 0020000E 00200011 00200052 00200060 00201040 00201209
  00280108 00280109 00280120 00400244 00400245 00400250 00400251 00400253 00400254 00400260 00400275 00400280`.split(
    /\s+/,
  ),
);

/** What the index holds of an instance: the returned keys and those that people search for. */
const INDEXED_INSTANCE_TAGS = new Set([
  ...Object.keys(DEFAULT_KEYS.instance),
  ...`00080008 00080012 00080013 00080022 00080023 00080032 00080033 00180050 00200012 00200032 00200037 00201041 00280002
  00280004 00280030 00280101 00280103 00281050 00281051 00281052 00281053 0040A043 0040A491 0040A493`.split(/\s+/),
]);

export function levelOf(tag: string): Level {
  if (tag.startsWith('0010') || STUDY_TAGS.has(tag)) return 'study';
  return SERIES_TAGS.has(tag) ? 'series' : 'instance';
}

/** Whether a search can match or return the attribute without reading the files. */
export function isIndexed(tag: string): boolean {
  return levelOf(tag) !== 'instance' || INDEXED_INSTANCE_TAGS.has(tag);
}

/** The part of a data set that one level of the index keeps. */
export function attributesAt(level: Level, dataSet: DicomDataSet): DicomDataSet {
  const kept = (tag: string): boolean =>
    levelOf(tag) === level && !(tag in COMPUTED_KEYS) && isIndexed(tag) && tag !== '00080005';
  return Object.fromEntries(Object.entries(dataSet).filter(([tag]) => kept(tag)));
}

/** Whether a level above also holds the attribute, seen from a search at `level`. */
export function isVisibleAt(level: Level, tag: string): boolean {
  const order: readonly Level[] = ['study', 'series', 'instance'];
  return order.indexOf(levelOf(tag)) <= order.indexOf(level);
}

export function element(vr: ValueRepresentation, ...values: readonly (string | number)[]): DicomElement {
  return values.length === 0 ? { vr } : { vr, Value: values };
}
