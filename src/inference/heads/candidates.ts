/** Candidates from the tensors of a detection model: roles found in columns, scores made probabilities. */
import { answeredTensor, wrongAnswer } from '../answered-tensor.ts';
import type { DetectionOutput } from '../model-package.ts';
import type { InferenceResponse } from '../tensor.ts';
import { columnCount, isBox, spansOf } from './box-order.ts';
import type { Candidate } from './candidate.ts';
import { calibrated, probabilitiesFrom } from './probability.ts';

/**
 * Every row that reaches the threshold, in the order of the rows and then of the labels.
 * @param shape of the model's input: `[rows, columns]` or `[slices, rows, columns]`
 * @throws WetreadError `inference-failed` where a tensor is not what the card declares, a score is no number, or a
 * candidate of enough probability lies nowhere.
 */
export function candidatesOf(
  response: InferenceResponse,
  output: DetectionOutput,
  shape: readonly number[],
): readonly Candidate[] {
  const { places, scores, labels, radius } = output;
  const placeRows = rowsOf(response, places, columnCount(places.order));
  const scoreRows = rowsOf(response, scores, scores.columns);
  const labelRows = labels && rowsOf(response, labels, 1);
  const radiusRows = radius && rowsOf(response, radius, 1);
  const tables = [scoreRows, ...(labelRows ? [labelRows] : []), ...(radiusRows ? [radiusRows] : [])];
  if (tables.some(({ count }) => count !== placeRows.count))
    throw wrongAnswer('it has tensors of different numbers of rows');

  const candidates: Candidate[] = [];
  for (let row = 0; row < placeRows.count; row++) {
    const probabilities = probabilitiesOf(scoreRows.at(row), output);
    for (const [column, probability] of probabilities.entries()) {
      if (probability < output.threshold) continue;
      const label = scores.columns > 1 ? column : (labelRows?.at(row)[0] ?? 0);
      const at = output.classes.findIndex(({ labels: own }) => own.some((one) => one.label === label));
      if (at < 0) continue;
      const place = placeOf(placeRows.at(row), output, shape);
      const radiusMm = radiusRows?.at(row)[0];
      if (radiusMm !== undefined && !(radiusMm > 0)) throw wrongAnswer(`it has a radius of ${radiusMm}`);
      candidates.push({ class: at, label, probability, ...place, ...(radiusMm === undefined ? {} : { radiusMm }) });
    }
  }
  return candidates;
}

interface Rows {
  readonly count: number;
  at(row: number): readonly number[];
}

/** A role's columns of a tensor `[n, columns]`, or `[n]` where it has one; leading axes of size 1 are passed over. */
function rowsOf(
  response: InferenceResponse,
  { tensor: name, firstColumn = 0 }: DetectionOutput['places' | 'scores'] | { tensor: string; firstColumn?: number },
  columns: number,
): Rows {
  const { data, shape } = answeredTensor(response, name);
  const width = shape.length > 1 ? shape.at(-1)! : 1;
  const count = shape.length > 1 ? shape.at(-2)! : (shape[0] ?? 0);
  const isTable = shape.slice(0, -2).every((size) => size === 1) && data.length === count * width;
  if (!isTable || firstColumn + columns > width)
    throw wrongAnswer(`${name} has shape [${shape.join(', ')}], declared [n, ${firstColumn + columns}]`);
  return {
    count,
    at(row) {
      const start = row * width + firstColumn;
      return Array.from({ length: columns }, (_, column) => Number(data[start + column]));
    },
  };
}

function probabilitiesOf(scores: readonly number[], { scores: rule, calibration }: DetectionOutput): readonly number[] {
  return probabilitiesFrom(scores, rule.activation).map((probability) => calibrated(probability, calibration));
}

function placeOf(
  row: readonly number[],
  { places: { order, unit, origin } }: DetectionOutput,
  shape: readonly number[],
): Pick<Candidate, 'low' | 'high'> {
  const spans = spansOf(order, row);
  const indexAlong = (value: number, axis: number): number => {
    const steps = origin === 'voxel-corner' ? shape[axis]! : shape[axis]! - 1;
    return (unit === 'normalised' ? value * steps : value) - (origin === 'voxel-corner' ? 0.5 : 0);
  };
  const low = spans.map((span, axis) => indexAlong(span.low, axis));
  const high = spans.map((span, axis) => indexAlong(span.high, axis));
  const hasPlace = low.every((start, axis) => {
    const end = high[axis]!;
    return Number.isFinite(start) && Number.isFinite(end) && (isBox(order) ? start < end : true);
  });
  if (!hasPlace)
    throw wrongAnswer(`it has a candidate at [${row.join(', ')}], which is no ${isBox(order) ? 'box' : 'point'}`);
  return { low, high };
}
