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
  { places, radius, scores, labels, gate }: DetectionOutput,
  key: string,
  outputs: readonly GraphValue[],
): string[] {
  const column = ({ firstColumn = 0 }: { readonly firstColumn?: number }): number => firstColumn + 1;
  const tables: readonly Table[] = [
    { at: 'places', tensor: places.tensor, width: (places.firstColumn ?? 0) + columnCount(places.order) },
    { at: 'scores', tensor: scores.tensor, width: (scores.firstColumn ?? 0) + scores.columns },
    ...(radius === undefined ? [] : [{ at: 'radius', tensor: radius.tensor, width: column(radius) }]),
    ...(labels === undefined ? [] : [{ at: 'labels', tensor: labels.tensor, width: column(labels), whole: true }]),
    ...gate.map(({ tensor }, at) => ({ at: `gate/${at}`, tensor, width: 1 })),
  ];
  return tables.flatMap((table) => tableContradictions(table, `${key}/${table.at}/tensor`, outputs));
}

interface Table {
  readonly at: string;
  readonly tensor: string;
  /** Columns at least. */
  readonly width: number;
  /** May be whole numbers too. */
  readonly whole?: boolean;
}

const FLOATS: readonly string[] = ['FP32', 'FP16', 'FP64'];
/** Fused rows hold labels as the floats that the rest is. */
const LABELS: readonly string[] = [...FLOATS, 'INT64', 'INT32', 'UINT8'];

function tableContradictions({ tensor, width, whole }: Table, at: string, outputs: readonly GraphValue[]): string[] {
  const value = outputs.find(({ name }) => name === tensor);
  const names = outputs.map(({ name }) => name).join(', ') || 'none';
  if (value === undefined) return [`${at}: the graph has no output ${tensor}; it has ${names}`];
  const { datatype, shape } = value;
  const last = shape?.at(-1);
  const isTable = shape === undefined || shape.length > 1 || (shape.length === 1 && width === 1);
  const isWide = shape === undefined || shape.length < 2 || typeof last !== 'number' || last >= width;
  const types = whole === true ? LABELS : FLOATS;
  return [
    ...unless(types.includes(datatype), `${at}: ${tensor} is ${datatype} in the graph, not one of ${types.join(', ')}`),
    ...unless(isTable && isWide, `${at}: ${tensor} is [${shape?.join(', ')}] in the graph, not [n, ${width}] or wider`),
  ];
}

function unless(holds: boolean, sentence: string): readonly string[] {
  return holds ? [] : [sentence];
}
