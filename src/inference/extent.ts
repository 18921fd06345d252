/** Boxes along axes, in whatever unit both have. */

export interface Extent {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** Intersection over union; 0 where neither has an extent. */
export function overlap(a: Extent, b: Extent): number {
  const shared = a.low.map((low, axis) =>
    Math.max(0, Math.min(a.high[axis]!, b.high[axis]!) - Math.max(low, b.low[axis]!)),
  );
  const intersection = product(shared);
  const union = content(a) + content(b) - intersection;
  return union > 0 ? intersection / union : 0;
}

function content({ low, high }: Extent): number {
  return product(low.map((start, axis) => high[axis]! - start));
}

function product(values: readonly number[]): number {
  return values.reduce((total, value) => total * value, 1);
}
