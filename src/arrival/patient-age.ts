/** How old a patient was when the images were made: what a card's age limits are compared with. */
import { type DicomDataSet, stringOf } from '../dicom-json.ts';

/** Of an Age String (PS3.5 table 6.2-1): D days, W weeks, M months, Y years. */
const YEARS_IN: Readonly<Record<string, number>> = { D: 1 / 365.25, W: 7 / 365.25, M: 1 / 12, Y: 1 };

/** Completed years, from Patient's Age (0010,1010), else from birth date (0010,0030) to Study Date (0008,0020). */
export function patientAgeYears(dataSet: DicomDataSet): number | undefined {
  const [, count, unit] = /^(\d{3})([DWMY])$/.exec(stringOf(dataSet, '00101010')?.trim() ?? '') ?? [];
  if (count !== undefined && unit !== undefined) return Math.floor(Number(count) * YEARS_IN[unit]!);
  const born = dateOf(stringOf(dataSet, '00100030'));
  const seen = dateOf(stringOf(dataSet, '00080020'));
  if (born === undefined || seen === undefined || seen < born) return undefined;
  return Math.floor((seen - born) / 10_000);
}

/** `YYYYMMDD` as a number: whole years lie 10,000 apart, and a birthday that is yet to come makes the difference smaller. */
function dateOf(text: string | undefined): number | undefined {
  return /^\d{8}$/.test(text ?? '') ? Number(text) : undefined;
}
