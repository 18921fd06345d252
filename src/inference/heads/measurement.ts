/** The measurement head: numbers of a whole image or volume, in the units and within the limits that the card declares. */

import type { Code } from '../../codes.ts';
import { conceptOf } from '../finding-concept.ts';
import type { InstanceReference, Measurement } from '../findings.ts';
import { rounded } from '../measures.ts';
import type { MeasurementOutput } from '../model-package.ts';
import type { OutputReading } from '../reading.ts';
import type { InferenceResponse } from '../tensor.ts';
import { vectorOf } from './vector.ts';

type RegressedFinding = MeasurementOutput['findings'][number];
type RegressedMeasure = RegressedFinding['measures'][number];

/** Why there is no value: PS3.16 CID 42. */
const NOT_A_NUMBER: Code = { value: '114000', scheme: 'DCM', meaning: 'Not a number' };
const OUT_OF_RANGE: Code = { value: '114009', scheme: 'DCM', meaning: 'Value out of range' };

/**
 * @param evidence the image that the numbers are of; empty for a volume
 * @throws WetreadError `inference-failed` where name, datatype or shape is not what the card declares
 */
export function measurement(
  response: InferenceResponse,
  output: MeasurementOutput,
  evidence: readonly InstanceReference[],
): OutputReading {
  const numbers = vectorOf(response, output);
  const findings = output.findings.map((finding) => ({
    key: finding.key,
    ...conceptOf(finding),
    measurements: finding.measures.map((rule) => regressed(rule, numbers[rule.index]!)),
    evidence: [...evidence],
  }));
  const notes = output.findings.flatMap(({ concept, measures }) =>
    measures.flatMap((rule) => noteOn(concept, rule, numbers[rule.index]!)),
  );
  const rules = output.findings.flatMap(({ key, measures }) =>
    measures.map((rule): readonly [string, string] => [`plausible-${key}-${rule.key}`, limitsText(rule)]),
  );
  return { findings, notes, parameters: Object.fromEntries(rules) };
}

function regressed(rule: RegressedMeasure, number: number): Measurement {
  const { key, concept, name, tolerance, derivation, unit } = rule;
  const value = valueIn(rule, number);
  return {
    key,
    concept,
    ...(name && { name }),
    ...(tolerance && { tolerance }),
    ...(derivation && { derivation }),
    unit,
    ...(isCode(value) ? { qualifier: value } : { value }),
  };
}

/** In the unit of the rule, or why there is none. Rounded first: FP32 is not to decide at the end of the range. */
function valueIn({ scale, offset, plausible, decimals }: RegressedMeasure, number: number): number | Code {
  const value = rounded(number * scale + offset, decimals);
  if (!Number.isFinite(value)) return NOT_A_NUMBER;
  return value < plausible.minimum || value > plausible.maximum ? OUT_OF_RANGE : value;
}

function isCode(value: number | Code): value is Code {
  return typeof value !== 'number';
}

/** What is implausible is not told, lest a reader take it for a measurement; that there was something is. */
function noteOn(concept: Code, rule: RegressedMeasure, number: number): readonly string[] {
  const why = valueIn(rule, number);
  if (!isCode(why)) return [];
  const what = `${concept.meaning}, ${rule.concept.meaning.toLowerCase()}`;
  return why === NOT_A_NUMBER
    ? [`${what}: the model gave no number.`]
    : [`${what}: the model's value is not plausible (${limitsText(rule)}) and is not told.`];
}

function limitsText({ plausible: { minimum, maximum }, unit }: RegressedMeasure): string {
  return `${minimum} to ${maximum} ${unit.value}`;
}
