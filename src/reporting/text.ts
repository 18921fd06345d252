/** Numbers and units as a radiologist reads them. */
import type { Measurement } from '../inference/findings.ts';

const UNIT_TEXT: Readonly<Record<string, string>> = {
  ml: 'ml',
  "[hnsf'U]": 'HU',
  '%': '%',
  mm: 'mm',
  mm2: 'mm\u00b2',
  cm2: 'cm\u00b2',
  '1': '',
};

/** Decimals by UCUM unit: a percentage to one place, millilitres and Hounsfield units to whole numbers. */
const DECIMALS: Readonly<Record<string, number>> = { ml: 0, "[hnsf'U]": 0, '%': 1, mm: 1 };

export function unitText(ucum: string): string {
  return UNIT_TEXT[ucum] ?? ucum;
}

/** `4,820 ml`, `−912 HU`, `3.4 %`; a value that could not be computed says why. */
export function measurementText(measurement: Measurement): string {
  if (measurement.value === undefined) return measurement.qualifier?.meaning.toLowerCase() ?? 'not measured';
  const { value, unit } = measurement;
  return `${numberText(value, DECIMALS[unit.value] ?? decimalsOf(value))} ${unitText(unit.value)}`.trim();
}

/** Those that the number has, at most two: a count has none, and 12.6 years are not 12.60. */
function decimalsOf(value: number): number {
  return [0, 1].find((decimals) => Number(value.toFixed(decimals)) === Number(value.toFixed(2))) ?? 2;
}

/** Grouped thousands and a true minus sign, so that a copied number cannot lose its sign to a line break. */
export function numberText(value: number, decimals: number): string {
  const fixed = Math.abs(value).toFixed(decimals);
  const [whole = '0', fraction] = fixed.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  const sign = value < 0 && Number(fixed) !== 0 ? '\u2212' : '';
  return `${sign}${grouped}${fraction === undefined ? '' : `.${fraction}`}`;
}

/** Two decimals, and never 1.00 or 0.00: no model is certain, and rounding must not make it so. */
export function probabilityText(probability: number): string {
  if (probability > 0.99) return 'above 0.99';
  return probability < 0.01 ? 'below 0.01' : numberText(probability, 2);
}
