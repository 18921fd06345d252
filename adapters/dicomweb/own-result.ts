/** Which series of a study are results of Wetread: read or counted as images, they would be read for ever. */
import { type DicomDataSet, stringOf } from '../../src/dicom-json.ts';
import { MANUFACTURER } from '../../src/writeback/modules.ts';

/** SR and SEG that name Wetread as their manufacturer. */
export function isWetreadResult(series: DicomDataSet): boolean {
  return isDerived(series) && stringOf(series, '00080070') === MANUFACTURER;
}

/** The same, and SR and SEG of whom the archive does not tell the manufacturer. */
export function mayBeWetreadResult(series: DicomDataSet): boolean {
  return isDerived(series) && [MANUFACTURER, undefined].includes(stringOf(series, '00080070'));
}

function isDerived(series: DicomDataSet): boolean {
  const modality = stringOf(series, '00080060');
  return modality === 'SR' || modality === 'SEG';
}
