/**
 * Solids that a phantom is painted from. A solid answers one question: which stretch of x lies inside it on the line
 * of given y and z? Painting stretches row by row is what makes a slice of 512 × 512 cheap, and it makes a tilted
 * slice as easy as a straight one. Millimetres, LPS.
 */

export interface Box {
  readonly yMin: number;
  readonly yMax: number;
  readonly zMin: number;
  readonly zMax: number;
}

/** A stretch along x, overwritten by every call: nothing is allocated in the innermost loop. */
export interface Span {
  low: number;
  high: number;
}

export interface Solid extends Box {
  /** Writes the stretch inside the solid into `span`; false where the line misses it. */
  span(y: number, z: number, span: Span): boolean;
}

export type Triple = readonly [number, number, number];

export function ellipsoid(center: Triple, radii: Triple): Solid {
  const [cx, cy, cz] = center;
  const [rx, ry, rz] = radii;
  return {
    yMin: cy - ry,
    yMax: cy + ry,
    zMin: cz - rz,
    zMax: cz + rz,
    span(y, z, span) {
      const rest = 1 - ((y - cy) / ry) ** 2 - ((z - cz) / rz) ** 2;
      if (rest <= 0) return false;
      return setSpan(span, cx, rx * Math.sqrt(rest));
    },
  };
}

/** A cuboid along the axes. */
export function block(low: Triple, high: Triple): Solid {
  return {
    yMin: low[1],
    yMax: high[1],
    zMin: low[2],
    zMax: high[2],
    span(_y, _z, span) {
      span.low = low[0];
      span.high = high[0];
      return true;
    },
  };
}

/** A rod with round ends. */
export function capsule(from: Triple, to: Triple, radius: number): Solid {
  const [ax, ay, az] = from;
  const [dx, dy, dz] = [to[0] - ax, to[1] - ay, to[2] - az];
  const squaredLength = dx * dx + dy * dy + dz * dz;
  const squaredRadius = radius * radius;
  /** Whether the point is inside, by its distance from the rod's axis. */
  const contains = (x: number, y: number, z: number): boolean => {
    const along = ((x - ax) * dx + (y - ay) * dy + (z - az) * dz) / squaredLength;
    const t = Math.min(1, Math.max(0, along));
    return (x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2 + (z - az - t * dz) ** 2 <= squaredRadius + 1e-9;
  };
  return {
    yMin: Math.min(ay, to[1]) - radius,
    yMax: Math.max(ay, to[1]) + radius,
    zMin: Math.min(az, to[2]) - radius,
    zMax: Math.max(az, to[2]) + radius,
    span(y, z, span) {
      span.low = Number.POSITIVE_INFINITY;
      span.high = Number.NEGATIVE_INFINITY;
      widenBySphere(span, ax, squaredRadius - (y - ay) ** 2 - (z - az) ** 2);
      widenBySphere(span, to[0], squaredRadius - (y - to[1]) ** 2 - (z - to[2]) ** 2);
      // The cylinder between the ends: |p - a|² - ((p - a)·d)² / |d|² = r² is a quadratic in x.
      const [py, pz] = [y - ay, z - az];
      const across = py * dy + pz * dz;
      const a = 1 - (dx * dx) / squaredLength;
      const b = (-dx * across) / squaredLength;
      const c = py * py + pz * pz - (across * across) / squaredLength - squaredRadius;
      const discriminant = b * b - a * c;
      if (a > 1e-9 && discriminant >= 0) {
        const root = Math.sqrt(discriminant);
        for (const x of [(-b - root) / a + ax, (-b + root) / a + ax]) if (contains(x, y, z)) widen(span, x);
      }
      return span.low < span.high;
    },
  };
}

/** Cross-sections are superellipses `|x/rx|ⁿ + |y/ry|ⁿ ≤ 1` whose radii and centre may change with z. */
export interface ColumnSection {
  readonly x: number;
  readonly y: number;
  readonly rx: number;
  readonly ry: number;
}

export function column(
  zRange: readonly [number, number],
  exponent: number,
  section: (z: number) => ColumnSection,
): Solid {
  return {
    yMin: Number.NEGATIVE_INFINITY,
    yMax: Number.POSITIVE_INFINITY,
    zMin: zRange[0],
    zMax: zRange[1],
    span(y, z, span) {
      const { x, y: centerY, rx, ry } = section(z);
      const rest = 1 - (Math.abs(y - centerY) / ry) ** exponent;
      if (!(rest > 0)) return false;
      return setSpan(span, x, rx * rest ** (1 / exponent));
    },
  };
}

function setSpan(span: Span, center: number, half: number): boolean {
  span.low = center - half;
  span.high = center + half;
  return true;
}

function widen(span: Span, x: number): void {
  if (x < span.low) span.low = x;
  if (x > span.high) span.high = x;
}

function widenBySphere(span: Span, center: number, squaredHalf: number): void {
  if (squaredHalf <= 0) return;
  const half = Math.sqrt(squaredHalf);
  widen(span, center - half);
  widen(span, center + half);
}
