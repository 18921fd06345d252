/** What JSON Schema cannot say about outputs that are numbers: regressions, embeddings, and what is measured of regions. */
import type { Code } from '../../codes.ts';
import { type MeasureRule, needsShape } from '../measures.ts';
import type { EmbeddingOutput, LabelMapOutput, MeasurementOutput, ReferenceVectors } from '../model-package.ts';
import { normalised } from './embedding.ts';

type FindingRule = LabelMapOutput['findings'][number];

/** Units that a measure is in whatever the card says: another one would be a wrong number. */
export function regionContradictions({ key, measures, components }: FindingRule, at: string): readonly string[] {
  const all = [...measures, ...(components?.measures ?? [])];
  const counts = measures.some(({ kind }) => kind === 'count');
  return [
    ...all.flatMap((measure) => wrongUnit(measure, `${at}/${key}/${measure.key}`)),
    ...(counts && components === undefined ? [`${at}/${key}: a count needs components to be looked for`] : []),
    ...(!counts && components !== undefined
      ? [`${at}/${key}: components are described up to a number only, so a count belongs to the measures`]
      : []),
    ...(components?.measures.some(({ kind }) => kind === 'count')
      ? [`${at}/${key}/components: a component is one, there is nothing to count`]
      : []),
  ];
}

function wrongUnit(measure: MeasureRule, at: string): readonly string[] {
  const expected = unitsOf(measure);
  return expected.length === 0 || expected.some((unit) => isUcum(measure.unit, unit))
    ? []
    : [`${at}: ${measure.kind} is in ${expected.join(' or ')} (UCUM), not in ${measure.unit.value}`];
}

/** Of values in the image's units, none is fixed. */
function unitsOf(measure: MeasureRule): readonly string[] {
  if (needsShape(measure)) return ['mm'];
  return UNITS[measure.kind] ?? [];
}

const UNITS: Partial<Readonly<Record<MeasureRule['kind'], readonly string[]>>> = {
  volume: ['ml'],
  area: ['mm2', 'cm2'],
  'area-share': ['%'],
  'fraction-below': ['%'],
  count: ['1'],
};

function isUcum({ value, scheme }: Code, unit: string): boolean {
  return scheme === 'UCUM' && value === unit;
}

export function measurementContradictions({ length, findings }: MeasurementOutput, key: string): readonly string[] {
  const measures = findings.flatMap((finding) => finding.measures);
  return [
    ...(measures.every(({ index }) => index < length) ? [] : [`${key}/findings: an index is not below the length`]),
    ...(measures.every(({ plausible }) => plausible.minimum < plausible.maximum)
      ? []
      : [`${key}/findings: no value is plausible`]),
    ...(measures.every(({ scale }) => scale !== 0) ? [] : [`${key}/findings: a scale of 0 leaves no number`]),
    ...(findings.every((finding) => areUnique(finding.measures.map((measure) => measure.key)))
      ? []
      : [`${key}/findings: a measure key is used twice`]),
  ];
}

function areUnique(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}

export function embeddingContradictions({ findings }: EmbeddingOutput, key: string): readonly string[] {
  return findings.every(({ thresholds: { present, absent } }) => absent < present)
    ? []
    : [`${key}/findings: absent is not below present`];
}

/** Whether a file of references has what an output compares with. */
export function referenceContradictions(
  { length, references, findings }: EmbeddingOutput,
  { vectors }: ReferenceVectors,
): readonly string[] {
  const unfit = Object.entries(vectors).filter(
    ([, vector]) => vector.length !== length || normalised(vector) === undefined,
  );
  const missing = findings.filter(({ reference }) => vectors[reference] === undefined);
  return [
    ...unfit.map(([name]) => `${references}: ${name} is no vector of length ${length} with a direction`),
    ...missing.map(({ reference }) => `${references}: ${reference} is missing`),
  ];
}
