/** Numbers and units as a radiologist reads them. */
import type { Measurement } from '../inference/findings.ts';

const UNIT_TEXT: Readonly<Record<string, string>> = { ml: 'ml', "[hnsf'U]": 'HU', '%': '%', mm: 'mm', '1': '' };

/** Decimals by UCUM unit: a percentage to one place, millilitres and Hounsfield units to whole numbers. */
const DECIMALS: Readonly<Record<string, number>> = { ml: 0, "[hnsf'U]": 0, '%': 1, mm: 1 };

export function unitText(ucum: string): string {
  return UNIT_TEXT[ucum] ?? ucum;
}

/** `4,820 ml`, `−912 HU`, `3.4 %`; a value that could not be computed says why. */
export function measurementText(measurement: Measurement): string {
  if (measurement.value === undefined) return measurement.qualifier?.meaning.toLowerCase() ?? 'not measured';
  return `${numberText(measurement.value, DECIMALS[measurement.unit.value] ?? 2)} ${unitText(measurement.unit.value)}`.trim();
}

/** Grouped thousands and a true minus sign, so that a copied number cannot lose its sign to a line break. */
export function numberText(value: number, decimals: number): string {
  const fixed = Math.abs(value).toFixed(decimals);
  const [whole = '0', fraction] = fixed.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  const sign = value < 0 && Number(fixed) !== 0 ? '\u2212' : '';
  return `${sign}${grouped}${fraction === undefined ? '' : `.${fraction}`}`;
}
