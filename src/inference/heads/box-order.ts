/** What the columns of a box or a point are: every order that a card can name. */
import type { DetectionOutput } from '../model-package.ts';

export type BoxOrder = DetectionOutput['places']['order'];

/** Of an axis: `[low, high]`, `[low, size]`, `[center, size]` of a box, or `[center]` of a point. */
type Column = `${'x' | 'y' | 'z'}-${'low' | 'high' | 'center' | 'size'}`;

const COLUMNS: Readonly<Record<BoxOrder, readonly Column[]>> = {
  xy: ['x-center', 'y-center'],
  yx: ['y-center', 'x-center'],
  xyxy: ['x-low', 'y-low', 'x-high', 'y-high'],
  yxyx: ['y-low', 'x-low', 'y-high', 'x-high'],
  xxyy: ['x-low', 'x-high', 'y-low', 'y-high'],
  xywh: ['x-low', 'y-low', 'x-size', 'y-size'],
  cxcywh: ['x-center', 'y-center', 'x-size', 'y-size'],
  xyz: ['x-center', 'y-center', 'z-center'],
  zyx: ['z-center', 'y-center', 'x-center'],
  xyzxyz: ['x-low', 'y-low', 'z-low', 'x-high', 'y-high', 'z-high'],
  zyxzyx: ['z-low', 'y-low', 'x-low', 'z-high', 'y-high', 'x-high'],
  xyxyzz: ['x-low', 'y-low', 'x-high', 'y-high', 'z-low', 'z-high'],
  xxyyzz: ['x-low', 'x-high', 'y-low', 'y-high', 'z-low', 'z-high'],
  xyzwhd: ['x-low', 'y-low', 'z-low', 'x-size', 'y-size', 'z-size'],
  zyxdhw: ['z-low', 'y-low', 'x-low', 'z-size', 'y-size', 'x-size'],
  cxcyczwhd: ['x-center', 'y-center', 'z-center', 'x-size', 'y-size', 'z-size'],
  czcycxdhw: ['z-center', 'y-center', 'x-center', 'z-size', 'y-size', 'x-size'],
};

export function columnCount(order: BoxOrder): number {
  return COLUMNS[order].length;
}

/** 2 on images, 3 in volumes. */
export function dimensionsOf(order: BoxOrder): 2 | 3 {
  return COLUMNS[order].some((column) => column.startsWith('z')) ? 3 : 2;
}

/** Whether the columns say how large a candidate is. */
export function isBox(order: BoxOrder): boolean {
  return COLUMNS[order].length > dimensionsOf(order);
}

/** One axis of a candidate, in the unit of its columns; `low` and `high` are the same of a point. */
export interface Span {
  readonly low: number;
  readonly high: number;
}

/** Spans along `[y, x]` or `[z, y, x]`. @param row the columns of one candidate */
export function spansOf(order: BoxOrder, row: ArrayLike<number>): readonly Span[] {
  const columns = COLUMNS[order];
  const axes = dimensionsOf(order) === 3 ? (['z', 'y', 'x'] as const) : (['y', 'x'] as const);
  return axes.map((axis) => {
    const value = (what: 'low' | 'high' | 'center' | 'size'): number | undefined =>
      row[columns.indexOf(`${axis}-${what}`)];
    const size = value('size') ?? 0;
    const low = value('low') ?? value('center')! - size / 2;
    return { low, high: value('high') ?? low + size };
  });
}
