/** Pictures that the classifier is learned from and tried on: phantoms as radiographs, and what is no frontal chest. */

import { type Radiograph, type RadiographOptions, radiograph } from '../../../adapters/phantom/radiograph.ts';
import { uniform } from '../../../adapters/phantom/random.ts';

/** Brightness, any scale; square. */
export interface Picture {
  readonly size: number;
  readonly pixels: Float64Array;
}

/** What a picture shows: a frontal chest with its cardiothoracic ratio, or something else. */
export interface Example {
  readonly picture: Picture;
  readonly ratio?: number;
}

const MATRIX = 128;

/** @param seed examples of different seeds have nothing in common */
export function chests(count: number, seed: number): readonly Example[] {
  const random = uniform(seed);
  return Array.from({ length: count }, (_, at) => {
    const shown = radiograph({ ...anyDetector(random), ...anyChest(random), seed: seed * 1000 + at });
    return { picture: pictureOf(shown), ratio: shown.cardiothoracicRatio! };
  });
}

/** Laterals, other parts of the body, chests that stand on their head or lie, negatives, noise, ramps and flat fields. */
export function others(count: number, seed: number): readonly Example[] {
  const random = uniform(seed);
  return Array.from({ length: count }, (_, at) => {
    const make = KINDS[at % KINDS.length]!;
    return { picture: make(random, seed * 1000 + at) };
  });
}

function between(random: () => number, low: number, high: number): number {
  return low + (high - low) * random();
}

function anyDetector(random: () => number): RadiographOptions {
  return {
    matrix: MATRIX,
    fieldOfView: between(random, 340, 440),
    shift: between(random, -25, 25),
    noise: between(random, 0.002, 0.02),
    gamma: between(random, 0.75, 1.35),
  };
}

function anyChest(random: () => number): RadiographOptions {
  return {
    scale: between(random, 0.85, 1.08),
    heart: between(random, 0.85, 1.55),
    touchingLungs: random() < 0.3,
  };
}

type Maker = (random: () => number, seed: number) => Picture;

const KINDS: readonly Maker[] = [
  (random, seed) => pictureOf(radiograph({ ...anyDetector(random), ...anyChest(random), view: 'lateral', seed })),
  (random, seed) => pictureOf(radiograph({ ...anyDetector(random), part: 'abdomen', seed })),
  (random, seed) =>
    pictureOf(radiograph({ ...anyDetector(random), part: 'head', fieldOfView: between(random, 220, 320), seed })),
  (random, seed) => turned(frontal(random, seed), 2),
  (random, seed) => turned(frontal(random, seed), random() < 0.5 ? 1 : 3),
  (random, seed) => negative(frontal(random, seed)),
  (random) => drawn(() => random()),
  (random) => {
    const [x, y] = [between(random, -1, 1), between(random, -1, 1)];
    return drawn((row, column) => x * column + y * row + 0.05 * random());
  },
  (random, seed) => partOf(frontal(random, seed), Math.floor(4 * random())),
  (random, seed) => partOf(frontal(random, seed), Math.floor(4 * random())),
  (random, seed) => partOf(frontal(random, seed), Math.floor(4 * random())),
];

function frontal(random: () => number, seed: number): Picture {
  return pictureOf(radiograph({ ...anyDetector(random), ...anyChest(random), seed }));
}

function pictureOf({ rows, pixels }: Radiograph): Picture {
  return { size: rows, pixels: Float64Array.from(pixels) };
}

/** By quarters, to the right. */
function turned({ size, pixels }: Picture, quarters: number): Picture {
  if (quarters === 0) return { size, pixels };
  const quarter = pixels.map((_, at) => pixels[(size - 1 - (at % size)) * size + Math.floor(at / size)]!);
  return turned({ size, pixels: quarter }, quarters - 1);
}

function negative({ size, pixels }: Picture): Picture {
  const most = pixels.reduce((largest, value) => Math.max(largest, value), 0);
  return { size, pixels: pixels.map((value) => most - value) };
}

/** A quarter of the field, enlarged: a lung without the other, or half a body. */
function partOf({ size, pixels }: Picture, corner: number): Picture {
  const half = size / 2;
  const [top, left] = [Math.floor(corner / 2) * half, (corner % 2) * half];
  return {
    size: half,
    pixels: Float64Array.from({ length: half * half }, (_, at) => {
      return pixels[(top + Math.floor(at / half)) * size + left + (at % half)]!;
    }),
  };
}

function drawn(value: (row: number, column: number) => number): Picture {
  const pixels = Float64Array.from({ length: MATRIX * MATRIX }, (_, at) =>
    value(Math.floor(at / MATRIX) / MATRIX, (at % MATRIX) / MATRIX),
  );
  return { size: MATRIX, pixels };
}
