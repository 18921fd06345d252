/** What JSON Schema cannot say about a card: that its parts refer to each other. */
import type { LabelMapOutput, ModelCard } from './model-package.ts';

/** Sentences about what contradicts; none where the card holds together. */
export function contradictions({ input, outputs, intendedUse }: ModelCard): string[] {
  const keys = outputs.flatMap(({ findings }) => findings.map(({ key }) => key));
  return [
    ...unless(voxels(input.maximumShape) <= MOST_VOXELS, '/input/maximumShape: more than 2^30 voxels'),
    ...unless(isUnique(keys), '/outputs: a finding key is used twice'),
    ...unless(isUnique(outputs.map(({ tensor }) => tensor)), '/outputs: a tensor is read twice'),
    ...unless(outputs.filter(({ kind }) => kind === 'label-map').length <= 1, '/outputs: more than one label map'),
    ...unless(
      intendedUse.every(({ sliceThicknessMm: t }) => t.minimum <= t.maximum),
      '/intendedUse: no slice thickness fits',
    ),
    ...outputs.flatMap((output, at) => labelMapContradictions(output, `/outputs/${at}`)),
  ];
}

function labelMapContradictions(
  { segments, otherLabels, refine, findings, gate }: LabelMapOutput,
  key: string,
): string[] {
  const labels = [...segments, ...otherLabels].map(({ label }) => label);
  const numbers = segments.map(({ number }) => number);
  const { regions, complete, sides } = gate;
  const gated = [
    ...regions.map(({ label }) => label),
    ...(complete?.labels ?? []),
    ...(sides === undefined ? [] : [sides.right, sides.left, sides.between]),
  ];
  const { low, high } = refine.range;
  return [
    ...unless(isUnique(labels), `${key}: a label is declared twice`),
    ...unless(
      numbers.every((number, i) => number === i + 1),
      `${key}/segments: numbers do not run from 1 without gaps`,
    ),
    ...unless(isUnique(segments.map((segment) => segment.key)), `${key}/segments: a key is used twice`),
    ...unless(low < high, `${key}/refine/range: low is not below high`),
    ...unless(
      findings.every((rule) => rule.segments.every((n) => numbers.includes(n))),
      `${key}/findings: a segment is not declared`,
    ),
    ...unless(
      findings.every((rule) => isUnique(rule.measures.map((measure) => measure.key))),
      `${key}/findings: a measure key is used twice`,
    ),
    ...unless(
      gated.every((label) => labels.includes(label)),
      `${key}/gate: a label is not declared`,
    ),
  ];
}

function unless(holds: boolean, sentence: string): readonly string[] {
  return holds ? [] : [sentence];
}

/** 2 GiB of INT16: what one request to an inference service may hold. */
const MOST_VOXELS = 2 ** 30;

function voxels(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function isUnique(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}
