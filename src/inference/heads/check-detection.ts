/** What a detection output of a card must be beyond its schema: of itself, and of the graph. */
import type { GraphValue } from '../graph-facts.ts';
import type { DetectionOutput } from '../model-package.ts';
import { columnCount, dimensionsOf, isBox } from './box-order.ts';

/** Sentences that begin with the key of the card. @param dimensions 2 of images, 3 of volumes */
export function detectionContradictions(output: DetectionOutput, key: string, dimensions: 2 | 3): string[] {
  const { places, radius, scores, labels, suppression, classes } = output;
  const numbers = classes.flatMap(({ labels: own }) => own.map(({ label }) => label));
  const hasExtent = isBox(places.order) || radius !== undefined;
  return [
    ...unless(dimensionsOf(places.order) === dimensions, `${key}/places/order: the input has ${dimensions} dimensions`),
    ...unless(!(isBox(places.order) && radius !== undefined), `${key}/radius: boxes have no radius`),
    ...unless(dimensions === 3 || radius === undefined, `${key}/radius: spheres need a volume`),
    ...unless(
      suppression?.kind !== 'overlap' || hasExtent,
      `${key}/suppression: points do not overlap; name a distance`,
    ),
    ...unless(
      dimensions === 3 || suppression?.kind !== 'distance',
      `${key}/suppression: images have no millimetres; name an overlap`,
    ),
    ...unless(
      scores.columns === 1 || labels === undefined,
      `${key}/labels: scores already has a column for each label`,
    ),
    ...unless(
      scores.activation !== 'softmax' || scores.columns > 1,
      `${key}/scores/activation: softmax over one column is always 1`,
    ),
    ...unless(new Set(numbers).size === numbers.length, `${key}/classes: a label is declared twice`),
    ...unless(
      scores.columns === 1 || numbers.every((label) => label < scores.columns),
      `${key}/classes: a label has no column in scores`,
    ),
    ...unless(
      scores.columns > 1 || labels !== undefined || numbers.every((label) => label === 0),
      `${key}/classes: without labels every candidate has the label 0`,
    ),
  ];
}

/** Names, types and ranks of the tensors that the roles are read from. */
export function detectionGraphContradictions(
  { places, radius, scores, labels }: DetectionOutput,
  key: string,
  outputs: readonly GraphValue[],
): string[] {
  const roles = [
    { at: `${key}/places`, role: places, columns: columnCount(places.order), datatypes: FLOATS },
    { at: `${key}/scores`, role: scores, columns: scores.columns, datatypes: FLOATS },
    ...(radius === undefined ? [] : [{ at: `${key}/radius`, role: radius, columns: 1, datatypes: FLOATS }]),
    ...(labels === undefined ? [] : [{ at: `${key}/labels`, role: labels, columns: 1, datatypes: LABELS }]),
  ];
  return roles.flatMap(({ at, role, columns, datatypes }) => {
    const value = outputs.find(({ name }) => name === role.tensor);
    const names = outputs.map(({ name }) => name).join(', ') || 'none';
    if (value === undefined) return [`${at}/tensor: the graph has no output ${role.tensor}; it has ${names}`];
    return tableContradictions(value, `${at}/tensor`, (role.firstColumn ?? 0) + columns, datatypes);
  });
}

const FLOATS: readonly string[] = ['FP32', 'FP16', 'FP64'];
/** Fused rows hold labels as the floats that the rest is. */
const LABELS: readonly string[] = [...FLOATS, 'INT64', 'INT32', 'UINT8'];

function tableContradictions(
  { name, datatype, shape }: GraphValue,
  at: string,
  columns: number,
  datatypes: readonly string[],
): string[] {
  const width = shape?.at(-1);
  const isTable = shape === undefined || shape.length > 1 || (shape.length === 1 && columns === 1);
  const isWide = shape === undefined || shape.length < 2 || typeof width !== 'number' || width >= columns;
  return [
    ...unless(
      datatypes.includes(datatype),
      `${at}: ${name} is ${datatype} in the graph, not one of ${datatypes.join(', ')}`,
    ),
    ...unless(isTable && isWide, `${at}: ${name} is [${shape?.join(', ')}] in the graph, not [n, ${columns}] or wider`),
  ];
}

function unless(holds: boolean, sentence: string): readonly string[] {
  return holds ? [] : [sentence];
}
