/** Which air lies inside the body: everything but the room, the gap under a blanket and the table. */
import type { Value } from '../../../adapters/onnx-writer/graph-builder.ts';
import { AXIS, type Morphology } from './morphology.ts';

/** Half way between lung and soft tissue. */
export const AIR_LIMIT = -400;
/** Below any CT number of air with noise: padding outside the scanner's field of view. */
const PADDING_LIMIT = -1300;
const CUBE = [3, 3, 3];

export interface Scene {
  /** Air anywhere. */
  readonly air: Value;
  /** Air inside the body: lungs, airways, bowel gas. */
  readonly insideAir: Value;
  /** Between the outer surfaces of the body, tissue and air alike. */
  readonly inside: Value;
  /** Columns from the middle of the body, in every slice; to the right negative. */
  readonly fromMiddle: Value;
}

/**
 * Blankets and table shells are thin, so opening removes them and leaves the body. A voxel is inside when the body lies
 * in front of, behind, to the right and to the left of it. Where the field of view cuts the body off, padding stands in
 * for the chest wall at the sides only; in front and behind it would enclose the room.
 */
export function findInside(m: Morphology, hu: Value): Scene {
  const padding = m.dilate(m.below(hu, PADDING_LIMIT), CUBE);
  const air = m.and(m.below(hu, AIR_LIMIT), m.not(padding));
  const body = m.open(m.above(hu, AIR_LIMIT), CUBE);
  const sideways = m.between(m.or(body, padding), AXIS.column);
  const inside = m.and(sideways, m.between(body, AXIS.row));
  return { air, inside, insideAir: m.and(air, inside), fromMiddle: fromMiddle(m, inside) };
}

function fromMiddle(m: Morphology, inside: Value): Value {
  const column = m.toMask(m.positions(inside, AXIS.column));
  const inSlice = m.index(AXIS.row, AXIS.column);
  const weight = m.graph.node('ReduceSum', [inside, inSlice]);
  const moment = m.graph.node('ReduceSum', [m.and(inside, column), inSlice]);
  const middle = m.graph.node('Div', [moment, m.or(weight, m.number(1))]);
  return m.graph.node('Sub', [column, middle]);
}
