/**
 * The DICOM JSON Model (PS3.18 Annex F) is the form in which data sets move through the core: the Part 10 reader and
 * DICOMweb metadata both produce it, the writers of SR and SEG both return it.
 */
export type ValueRepresentation =
  | 'AE'
  | 'AS'
  | 'AT'
  | 'CS'
  | 'DA'
  | 'DS'
  | 'DT'
  | 'FD'
  | 'FL'
  | 'IS'
  | 'LO'
  | 'LT'
  | 'OB'
  | 'OD'
  | 'OF'
  | 'OL'
  | 'OV'
  | 'OW'
  | 'PN'
  | 'SH'
  | 'SL'
  | 'SQ'
  | 'SS'
  | 'ST'
  | 'SV'
  | 'TM'
  | 'UC'
  | 'UI'
  | 'UL'
  | 'UN'
  | 'UR'
  | 'US'
  | 'UT'
  | 'UV';

export interface PersonName {
  readonly Alphabetic?: string;
  readonly Ideographic?: string;
  readonly Phonetic?: string;
}
export type DicomValue = string | number | null | PersonName | DicomDataSet;

export interface DicomElement {
  readonly vr: ValueRepresentation;
  readonly Value?: readonly DicomValue[];
  /** base64 (PS3.18 F.2.7). */
  readonly InlineBinary?: string;
  readonly BulkDataURI?: string;
}

/** Keys are eight upper-case hexadecimal digits, such as `00100020`. */
export interface DicomDataSet {
  readonly [tag: string]: DicomElement;
}

export function stringOf(dataSet: DicomDataSet, tag: string): string | undefined {
  const value = dataSet[tag]?.Value?.[0];
  if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim();
  if (typeof value === 'number') return String(value);
  return undefined;
}

export function stringsOf(dataSet: DicomDataSet, tag: string): readonly string[] {
  const values = dataSet[tag]?.Value ?? [];
  return values.flatMap((v) => (typeof v === 'string' ? [v.trim()] : typeof v === 'number' ? [String(v)] : []));
}

/** The first value as a finite number; some servers send DS and IS as strings (Orthanc before DICOMweb 1.18). */
export function numberOf(dataSet: DicomDataSet, tag: string): number | undefined {
  return numbersOf(dataSet, tag)[0];
}

export function numbersOf(dataSet: DicomDataSet, tag: string): readonly number[] {
  const values = dataSet[tag]?.Value ?? [];
  return values.flatMap((v) => {
    const parsed = typeof v === 'number' ? v : typeof v === 'string' && v.trim() !== '' ? Number(v) : Number.NaN;
    return Number.isFinite(parsed) ? [parsed] : [];
  });
}

export function itemsOf(dataSet: DicomDataSet, tag: string): readonly DicomDataSet[] {
  const values = dataSet[tag]?.Value ?? [];
  return values.filter((v): v is DicomDataSet => typeof v === 'object' && v !== null && dataSet[tag]?.vr === 'SQ');
}

/** Alphabetic, ideographic and phonetic groups joined with `=`, as PS3.5 section 6.2.1 writes them. */
export function personNameOf(dataSet: DicomDataSet, tag: string): string | undefined {
  const value = dataSet[tag]?.Value?.[0];
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const { Alphabetic = '', Ideographic = '', Phonetic = '' } = value as PersonName;
  const joined = [Alphabetic, Ideographic, Phonetic].join('=').replace(/=+$/, '');
  return joined === '' ? undefined : joined;
}
