/** The two points of a set that are farthest apart: exact, and far below comparing all with all. */

/** Coordinates one behind the other: x, y, z, x, y, z … in mm. */
export type PointList = Float64Array<ArrayBuffer>;

export interface Pair {
  /** Places in the list, as points and not as numbers. */
  readonly first: number;
  readonly second: number;
  readonly distance: number;
}

/**
 * After Malandain and Boissonnat, Computing the diameter of a point set: a pair of which each is the other's farthest is
 * found by walking; a longer one has an end outside the ball over it, and there are few such points to try.
 *
 * @param points at least one; of one point alone the distance is 0
 */
export function farthestPair(points: PointList): Pair {
  let best: Pair = { first: 0, second: 0, distance: 0 };
  for (let start = 0; start >= 0; start = farthestOutside(points, best)) {
    const walked = walk(points, start);
    if (walked.distance <= best.distance) break;
    best = walked;
  }
  return amongOutside(points, best);
}

/** From a point to its farthest, and on from there, for as long as the distance grows. */
function walk(points: PointList, start: number): Pair {
  let pair = farthestFrom(points, start);
  for (;;) {
    const next = farthestFrom(points, pair.second);
    if (next.distance <= pair.distance) return pair;
    pair = next;
  }
}

function farthestFrom(points: PointList, at: number): Pair {
  const [second, squared] = farthestOf(points, points[3 * at]!, points[3 * at + 1]!, points[3 * at + 2]!);
  return { first: at, second, distance: Math.sqrt(squared) };
}

/** The innermost loop. */
function farthestOf(points: PointList, x: number, y: number, z: number): readonly [place: number, squared: number] {
  let [place, most] = [0, -1];
  for (let i = 0; i < points.length; i += 3) {
    const [dx, dy, dz] = [points[i]! - x, points[i + 1]! - y, points[i + 2]! - z];
    const squared = dx * dx + dy * dy + dz * dz;
    if (squared > most) [place, most] = [i / 3, squared];
  }
  return [place, most];
}

type Ball = readonly [x: number, y: number, z: number, radius: number];

function ballOver(points: PointList, { first, second, distance }: Pair): Ball {
  const middle = (axis: number): number => (points[3 * first + axis]! + points[3 * second + axis]!) / 2;
  return [middle(0), middle(1), middle(2), distance / 2];
}

/** The point farthest outside the ball over a pair; -1 where all are inside. */
function farthestOutside(points: PointList, pair: Pair): number {
  const [x, y, z, radius] = ballOver(points, pair);
  const [place, squared] = farthestOf(points, x, y, z);
  return Math.sqrt(squared) > radius ? place : -1;
}

/** Every point outside the ball as an end, from the outermost on, until none can reach farther than the best. */
function amongOutside(points: PointList, start: Pair): Pair {
  const [x, y, z, radius] = ballOver(points, start);
  const fromCenter = (place: number): number =>
    Math.hypot(points[3 * place]! - x, points[3 * place + 1]! - y, points[3 * place + 2]! - z);
  const outside: { readonly place: number; readonly reach: number }[] = [];
  for (let place = 0; place < points.length / 3; place++) {
    const reach = fromCenter(place);
    if (reach > radius) outside.push({ place, reach });
  }
  outside.sort((a, b) => b.reach - a.reach);
  const farthest = outside[0]?.reach ?? 0;
  let best = start;
  for (const { place, reach } of outside) {
    if (reach + farthest <= best.distance) break;
    const pair = farthestFrom(points, place);
    if (pair.distance > best.distance) best = pair;
  }
  return best;
}
