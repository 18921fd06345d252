/**
 * Resizing of one image: bilinear, and where it shrinks every pixel of the result is the weighted mean of all pixels that
 * it covers, so that nothing aliases. The rule of Pillow's `Image.resize(…, BILINEAR, box)` for 32-bit floats, which
 * torchvision's `antialias=True` shares; one axis after the other, columns first.
 */
import type { ImageFrame } from '../../assembly/volume.ts';
import { FIRST_PLACE } from './brightness.ts';

/** Where a part of the image lands in the model's input. Pixel `i` reaches from `i` to `i + 1`. */
export interface Placement {
  /** Upper left corner of the part and its size, `[row, column]`, in pixels of the image, with fractions. */
  readonly from: readonly [number, number];
  readonly size: readonly [number, number];
  /** Upper left corner in the input, and the size there, in whole pixels. */
  readonly to: readonly [number, number];
  readonly shape: readonly [number, number];
}

/** `[row, column]` in the input, as an index with fractions (the centre of pixel 0 is 0), to the same in the image. */
export function toImage(
  { from, size, to, shape }: Placement,
  [row, column]: readonly [number, number],
): readonly [number, number] {
  const along = (axis: 0 | 1, index: number): number =>
    from[axis] + ((index + 0.5 - to[axis]) * size[axis]) / shape[axis] - 0.5;
  return [along(0, row), along(1, column)];
}

/** How a card wants images of one size in its own shape. @param aspect height of a pixel by its width */
export function placementOf(
  image: readonly [number, number],
  shape: readonly [number, number],
  resize: 'stretch' | 'fit' | 'cover',
  aspect: number,
): Placement {
  if (resize === 'stretch') return { from: [0, 0], size: image, to: [0, 0], shape };
  const scales = [shape[0] / (image[0] * aspect), shape[1] / image[1]] as const;
  if (resize === 'cover') {
    const scale = Math.max(...scales);
    const size = [Math.min(image[0], shape[0] / (scale * aspect)), Math.min(image[1], shape[1] / scale)] as const;
    return { from: [(image[0] - size[0]) / 2, (image[1] - size[1]) / 2], size, to: [0, 0], shape };
  }
  const scale = Math.min(...scales);
  const fitted = (length: number, most: number): number => Math.min(most, Math.max(1, Math.round(length * scale)));
  const inside = [fitted(image[0] * aspect, shape[0]), fitted(image[1], shape[1])] as const;
  const to = [Math.floor((shape[0] - inside[0]) / 2), Math.floor((shape[1] - inside[1]) / 2)] as const;
  return { from: [0, 0], size: image, to, shape: inside };
}

/** @param table what each pixel is worth. @returns `placement.shape`, row by row */
export function resized(image: ImageFrame, table: Float64Array, { from, size, shape }: Placement): Float32Array {
  const { rows, columns } = image.header;
  const [height, width] = shape;
  const across = weightsOf(columns, from[1], size[1], width);
  const down = weightsOf(rows, from[0], size[0], height);
  const first = down[0]!.first;
  const last = down.at(-1)!;
  const narrowed = new Float32Array((last.first + last.weights.length - first) * width);
  const line = new Float64Array(columns);
  for (let row = 0; row * width < narrowed.length; row++) {
    const start = (row + first) * columns;
    for (let column = 0; column < columns; column++) line[column] = table[image.pixels[start + column]! + FIRST_PLACE]!;
    for (let column = 0; column < width; column++) narrowed[row * width + column] = weighted(across[column]!, line);
  }
  const result = new Float32Array(height * width);
  const upright = new Float64Array(narrowed.length / width);
  for (let column = 0; column < width; column++) {
    for (let row = 0; row < upright.length; row++) upright[row] = narrowed[row * width + column]!;
    for (let row = 0; row < height; row++) {
      const { first: top, weights } = down[row]!;
      result[row * width + column] = weighted({ first: top - first, weights }, upright);
    }
  }
  return result;
}

function weighted({ first, weights }: Weights, line: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i]! * line[first + i]!;
  return sum;
}

/** The pixels that one pixel of the result is made of. */
interface Weights {
  readonly first: number;
  readonly weights: Float64Array;
}

/** A triangle as wide as two pixels of the result, or of the image where that is larger. */
function weightsOf(length: number, from: number, size: number, count: number): readonly Weights[] {
  const scale = size / count;
  const reach = Math.max(1, scale);
  return Array.from({ length: count }, (_, at) => {
    const center = from + (at + 0.5) * scale;
    const first = Math.max(0, Math.floor(center - reach + 0.5));
    const end = Math.min(length, Math.floor(center + reach + 0.5));
    const weights = Float64Array.from({ length: end - first }, (_value, i) =>
      Math.max(0, 1 - Math.abs(first + i - center + 0.5) / reach),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}
