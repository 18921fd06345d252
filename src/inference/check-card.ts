/** What JSON Schema cannot say about a card: that its parts refer to each other. */
import type { ModelCard } from './model-package.ts';

/** Sentences about what contradicts; none where the card holds together. */
export function contradictions(card: ModelCard): string[] {
  const { input, output, findings, gates, intendedUse } = card;
  const labels = [...output.segments, ...output.otherLabels].map(({ label }) => label);
  const numbers = output.segments.map(({ number }) => number);
  const gated = [
    ...gates.labels.regions.map(({ label }) => label),
    ...(gates.labels.complete?.labels ?? []),
    ...(gates.labels.sides === undefined
      ? []
      : [gates.labels.sides.right, gates.labels.sides.left, gates.labels.sides.between]),
  ];
  const { low, high } = output.refine.range;
  const facts: readonly (readonly [boolean, string])[] = [
    [voxels(input.maximumShape) <= MOST_VOXELS, '/input/maximumShape: more than 2^30 voxels'],
    [isUnique(labels), '/output: a label is declared twice'],
    [numbers.every((number, i) => number === i + 1), '/output/segments: numbers do not run from 1 without gaps'],
    [isUnique(output.segments.map(({ key }) => key)), '/output/segments: a key is used twice'],
    [low < high, '/output/refine/range: low is not below high'],
    [isUnique(findings.map(({ key }) => key)), '/findings: a key is used twice'],
    [findings.every((rule) => rule.segments.every((n) => numbers.includes(n))), '/findings: a segment is not declared'],
    [findings.every((rule) => isUnique(rule.measures.map(({ key }) => key))), '/findings: a measure key is used twice'],
    [gated.every((label) => labels.includes(label)), '/gates/labels: a label is not declared'],
    [intendedUse.every(({ sliceThicknessMm: t }) => t.minimum <= t.maximum), '/intendedUse: no slice thickness fits'],
  ];
  return facts.filter(([holds]) => !holds).map(([, sentence]) => sentence);
}

/** 2 GiB of INT16: what one request to an inference service may hold. */
const MOST_VOXELS = 2 ** 30;

function voxels(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function isUnique(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}
