/** Convex hulls in a plane: what the diameters of a region need of it. */

export type Point2 = readonly [number, number];

/**
 * The corners of a hull on the side of small second coordinates.
 *
 * @param points ascending by the first coordinate, then by the second
 */
export function lowerChain(points: readonly Point2[]): readonly Point2[] {
  const chain: Point2[] = [];
  for (const point of points) {
    while (chain.length >= 2 && !turns(chain.at(-2)!, chain.at(-1)!, point)) chain.pop();
    chain.push(point);
  }
  return chain;
}

/** Is `b` a corner between `a` and `c`? */
function turns(a: Point2, b: Point2, c: Point2): boolean {
  return (b[1] - a[1]) * (c[0] - a[0]) < (c[1] - a[1]) * (b[0] - a[0]);
}

/** The longest chord of the hull of some points along the second coordinate. */
export function longestChord(points: readonly Point2[]): number {
  const lower = lowerChain(points.toSorted(byBoth));
  const upper = lowerChain(points.map(([x, y]): Point2 => [x, -y]).toSorted(byBoth));
  // the difference of two chains of straight lines is largest at a corner of either
  const corners = [...lower, ...upper].map(([x]) => x);
  return Math.max(...corners.map((x) => -heightAt(upper, x) - heightAt(lower, x)));
}

function byBoth(a: Point2, b: Point2): number {
  return a[0] - b[0] || a[1] - b[1];
}

function heightAt(chain: readonly Point2[], x: number): number {
  const after = chain.findIndex((corner) => corner[0] >= x);
  const right = chain[after]!;
  if (right[0] === x || after === 0) return right[1];
  const left = chain[after - 1]!;
  return left[1] + ((right[1] - left[1]) * (x - left[0])) / (right[0] - left[0]);
}
