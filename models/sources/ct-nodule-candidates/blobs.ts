/**
 * How much every voxel looks like the middle of a ball: the dot enhancement of Li, Sone and Doi (Medical Physics 30(8),
 * 2003). The curvatures of the smoothed image along its three principal axes are all strong in a ball, and one of them
 * is nearly none in a vessel.
 */
import type { Value } from '../../../adapters/onnx-writer/graph-builder.ts';
import { floats } from '../../../adapters/onnx-writer/tensor-literal.ts';
import type { Morphology } from '../ct-lung-density/morphology.ts';

type Order = 0 | 1 | 2;
type Derivatives = readonly [slice: Order, row: Order, column: Order];

/** Standard deviations of the Gaussian to which a kernel reaches. */
const REACH = 3;
/** HU squared: far below any structure, so that a flat region divides by more than 0. */
const FLAT = 1e-6;

/**
 * Dot enhancement at one scale: HU, 0 where the middle is not brighter than all that is around.
 * @param values HU, `[1, 1, slices, rows, columns]`
 * @param sigma of the Gaussian, in voxels
 */
export function dotEnhancement(m: Morphology, values: Value, sigma: number): Value {
  const derivative = derivatives(m, values, sigma);
  const second = {
    zz: derivative([2, 0, 0]),
    yy: derivative([0, 2, 0]),
    xx: derivative([0, 0, 2]),
    zy: derivative([1, 1, 0]),
    zx: derivative([1, 0, 1]),
    yx: derivative([0, 1, 1]),
  };
  const [largest, smallest] = curvatures(m, second);
  const weakest = m.graph.node('Max', [m.graph.node('Neg', [largest]), m.number(0)]);
  const strongest = m.graph.node('Max', [m.graph.node('Neg', [smallest]), m.number(FLAT)]);
  return m.graph.node('Div', [m.graph.node('Mul', [weakest, weakest]), strongest]);
}

/** Normalised for scale by `sigma²`; each pass along an axis is made once, however many derivatives share it. */
function derivatives(m: Morphology, values: Value, sigma: number): (orders: Derivatives) => Value {
  const known = new Map<string, Value>();
  const pass = (orders: readonly Order[]): Value => {
    if (orders.length === 0) return values;
    const key = orders.join('');
    const before = pass(orders.slice(0, -1));
    const made = known.get(key) ?? along(m, before, orders.length - 1, gaussian(sigma, orders.at(-1)!));
    known.set(key, made);
    return made;
  };
  return pass;
}

/** Beyond the volume the last voxel goes on, so that its end is no edge. */
function along(m: Morphology, values: Value, axis: number, kernel: readonly number[]): Value {
  const half = (kernel.length - 1) / 2;
  const shape = [1, 1, 1].map((_, at) => (at === axis ? kernel.length : 1));
  const ends = [0, 0, ...shape.map((size) => (size > 1 ? half : 0))];
  const padded = m.graph.node('Pad', [values, m.index(...ends, ...ends)], { mode: 'edge' });
  return m.graph.node('Conv', [padded, m.graph.constant(floats(kernel, [1, 1, ...shape]))]);
}

/** A Gaussian or its derivative, times `sigma` for each order, sampled on whole voxels. */
function gaussian(sigma: number, order: Order): readonly number[] {
  const half = Math.ceil(REACH * sigma);
  const places = Array.from({ length: 2 * half + 1 }, (_, i) => (i - half) / sigma);
  const weights = places.map((place) => Math.exp(-(place * place) / 2));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const factors = [(): number => 1, (place: number): number => -place, (place: number): number => place * place - 1];
  const kernel = weights.map((weight, i) => (factors[order]!(places[i]!) * weight) / sum);
  // sampling leaves a second derivative of a flat region that is not 0
  const mean = order === 2 ? kernel.reduce((total, value) => total + value, 0) / kernel.length : 0;
  return kernel.map((value) => value - mean);
}

/**
 * The largest and the smallest eigenvalue of a symmetric 3 × 3 matrix at every voxel, in closed form (O. K. Smith,
 * Communications of the ACM 4(4), 1961).
 */
function curvatures(
  m: Morphology,
  { zz, yy, xx, zy, zx, yx }: Readonly<Record<'zz' | 'yy' | 'xx' | 'zy' | 'zx' | 'yx', Value>>,
): readonly [largest: Value, smallest: Value] {
  const sum = (...values: readonly Value[]): Value => m.graph.node('Sum', values);
  const times = (...values: readonly Value[]): Value => values.reduce((a, b) => m.graph.node('Mul', [a, b]));
  const minus = (a: Value, b: Value): Value => m.graph.node('Sub', [a, b]);
  const square = (value: Value): Value => times(value, value);
  const mean = times(sum(zz, yy, xx), m.number(1 / 3));
  const [dz, dy, dx] = [minus(zz, mean), minus(yy, mean), minus(xx, mean)];
  const beside = sum(square(zy), square(zx), square(yx));
  const spread = sum(square(dz), square(dy), square(dx), times(beside, m.number(2)));
  const radius = m.graph.node('Sqrt', [sum(times(spread, m.number(1 / 6)), m.number(FLAT))]);
  const determinant = minus(
    sum(times(dz, dy, dx), times(m.number(2), zy, zx, yx)),
    sum(times(dz, square(yx)), times(dy, square(zx)), times(dx, square(zy))),
  );
  const half = m.graph.node('Div', [times(determinant, m.number(0.5)), times(radius, radius, radius)]);
  const angle = times(m.graph.node('Acos', [m.graph.node('Clip', [half, m.number(-1), m.number(1)])]), m.number(1 / 3));
  const eigenvalue = (turn: number): Value =>
    sum(mean, times(m.number(2), radius, m.graph.node('Cos', [sum(angle, m.number(turn))])));
  return [eigenvalue(0), eigenvalue((2 * Math.PI) / 3)];
}
