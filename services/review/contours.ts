/** Outlines of masks, exactly along the pixel edges: what is drawn is what was counted. */

export interface Contour {
  /** True for the edge of a hole, such as a vessel inside a lung. */
  readonly hole: boolean;
  /** Corners `[x0, y0, x1, y1, …]` in pixel edges: column 0 reaches from x = 0 to x = 1; closed, without repetition. */
  readonly points: readonly number[];
}

/** Directions of an edge, clockwise: right, down, left, up. */
const STEPS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const;

/**
 * @param inside whether a pixel belongs to the mask; asked only within the image
 * @returns every closed edge; pixels that touch only at a corner get edges of their own
 */
export function contoursOf(
  rows: number,
  columns: number,
  inside: (row: number, column: number) => boolean,
): readonly Contour[] {
  const width = columns + 1;
  const edges = edgesOf(rows, columns, inside);
  const contours: Contour[] = [];
  for (let corner = 0; corner < edges.length; corner += 1) {
    while (edges[corner] !== 0) contours.push(trace(edges, corner, width));
  }
  return contours;
}

/** For every pixel corner the directions in which an edge leaves it, one bit each, with the mask on the right hand. */
function edgesOf(rows: number, columns: number, inside: (row: number, column: number) => boolean): Uint8Array {
  const width = columns + 1;
  const edges = new Uint8Array(width * (rows + 1));
  const at = (row: number, column: number): boolean =>
    row >= 0 && column >= 0 && row < rows && column < columns && inside(row, column);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      if (!inside(row, column)) continue;
      const corner = row * width + column;
      if (!at(row - 1, column)) edges[corner]! |= 1;
      if (!at(row, column + 1)) edges[corner + 1]! |= 2;
      if (!at(row + 1, column)) edges[corner + width + 1]! |= 4;
      if (!at(row, column - 1)) edges[corner + width]! |= 8;
    }
  }
  return edges;
}

/** Follows one edge back to its start, erasing it; keeps the corners where it turns. */
function trace(edges: Uint8Array, start: number, width: number): Contour {
  const points: number[] = [];
  let corner = start;
  let direction = firstOf(edges[start]!);
  let doubledArea = 0;
  const startDirection = direction;
  do {
    edges[corner]! &= ~(1 << direction);
    const [dx, dy] = STEPS[direction]!;
    const [x, y] = [corner % width, Math.floor(corner / width)];
    corner += dx + dy * width;
    doubledArea += x * (y + dy) - (x + dx) * y;
    const next = turnOf(edges[corner]!, direction, corner === start ? startDirection : undefined);
    if (next !== direction) points.push(corner % width, Math.floor(corner / width));
    direction = next;
  } while (corner !== start || edges[corner]! & (1 << direction));
  return { hole: doubledArea < 0, points };
}

function firstOf(directions: number): number {
  return 31 - Math.clz32(directions & -directions);
}

/** Turns right before straight before left, so that pixels that touch only at a corner stay apart. */
function turnOf(directions: number, direction: number, closing: number | undefined): number {
  for (const turn of [1, 0, 3]) {
    const next = (direction + turn) & 3;
    if (directions & (1 << next)) return next;
    if (next === closing) return next;
  }
  throw new RangeError('An edge of a mask has no continuation');
}
