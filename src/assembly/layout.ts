/** How the points of a grid lie in a tensor: which axis is outermost, and how far apart neighbours are. */
import type { TensorLayout } from '../../contracts/generated/types.ts';

export type { TensorLayout } from '../../contracts/generated/types.ts';

/** Slices, rows, columns: a volume as Wetread holds it. An image on its own has no D. */
export const PLAIN_LAYOUT: TensorLayout = 'DHW';

/** Elements between neighbours along each axis of a tensor. */
export interface Strides {
  readonly channel: number;
  readonly slice: number;
  readonly row: number;
  readonly column: number;
}

type Shape3 = readonly [number, number, number];

/** Shape of the tensor that holds `channels` values for every point of a grid `[slices, rows, columns]`. */
export function tensorShape(layout: TensorLayout, shape: Shape3, channels: number): readonly number[] {
  return axesOf(layout).map((axis) => sizeOf(axis, shape, channels));
}

export function stridesOf(layout: TensorLayout, shape: Shape3, channels: number): Strides {
  const strides = new Map<string, number>();
  let stride = 1;
  for (const axis of axesOf(layout).toReversed()) {
    strides.set(axis, stride);
    stride *= sizeOf(axis, shape, channels);
  }
  // a tensor without a channel axis has one channel and that of an image one slice, which nobody steps along
  const along = (axis: string): number => strides.get(axis) ?? 0;
  return { channel: along('C'), slice: along('D'), row: along('H'), column: along('W') };
}

/** Letters of a layout, outermost first. */
export function axesOf(layout: TensorLayout): readonly string[] {
  return layout.split('');
}

/** Points of one channel lie as Wetread holds a volume: nothing is to be rearranged. */
export function isPlain({ slice, row, column }: Strides, [slices, rows, columns]: Shape3): boolean {
  return column === 1 && row === columns && (slices === 1 || slice === rows * columns);
}

function sizeOf(axis: string, [slices, rows, columns]: Shape3, channels: number): number {
  const sizes: Readonly<Record<string, number>> = { N: 1, C: channels, D: slices, H: rows, W: columns };
  return sizes[axis]!;
}
