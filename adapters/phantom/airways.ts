/** Trachea, main bronchi and the airways down to segments: air inside a thin wall. */
import { type Paint, TISSUE } from './raster.ts';
import { capsule, type Triple } from './shapes.ts';

interface Branch {
  readonly from: Triple;
  readonly to: Triple;
  /** Of the lumen, mm. */
  readonly radius: number;
}

const CARINA: Triple = [0, 24, 0];
const RIGHT_HILUM: Triple = [-30, 24, -30];
const RIGHT_INTERMEDIATE: Triple = [-36, 26, -58];
const RIGHT_LOWER: Triple = [-58, 38, -98];
const LEFT_HILUM: Triple = [40, 24, -36];
const LEFT_LOWER: Triple = [56, 40, -82];
const LEFT_UPPER: Triple = [62, 2, -24];
const RIGHT_UPPER: Triple = [-54, 18, -4];

const TREE: readonly Branch[] = [
  { from: [0, 20, 230], to: CARINA, radius: 9 },
  { from: CARINA, to: RIGHT_HILUM, radius: 7 },
  { from: CARINA, to: LEFT_HILUM, radius: 6 },
  { from: [-24, 24, -22], to: RIGHT_UPPER, radius: 4.6 },
  { from: RIGHT_HILUM, to: RIGHT_INTERMEDIATE, radius: 5.2 },
  { from: RIGHT_INTERMEDIATE, to: RIGHT_LOWER, radius: 4 },
  { from: RIGHT_INTERMEDIATE, to: [-60, -12, -78], radius: 3 },
  { from: LEFT_HILUM, to: LEFT_UPPER, radius: 4.6 },
  { from: LEFT_HILUM, to: LEFT_LOWER, radius: 4.4 },
  ...fan(RIGHT_UPPER, 2.4, [
    [-82, 0, 36],
    [-96, 30, 14],
    [-80, -40, 0],
  ]),
  ...fan(RIGHT_LOWER, 2.4, [
    [-92, 60, -84],
    [-104, 20, -96],
    [-72, 70, -108],
  ]),
  ...fan(LEFT_UPPER, 2.4, [
    [80, 0, 30],
    [100, -20, -10],
    [88, -42, -40],
  ]),
  ...fan(LEFT_LOWER, 2.2, [
    [96, 56, -92],
    [80, 74, -112],
    [104, 24, -98],
  ]),
];

function fan(from: Triple, radius: number, ends: readonly Triple[]): readonly Branch[] {
  return ends.map((to) => ({ from, to, radius }));
}

/** All walls first, then all lumens, so that branches open into each other. */
export function airwayPaints(scale: number): readonly Paint[] {
  const rods = (extra: (radius: number) => number, value: number, tissue: Paint['tissue'] & number): Paint[] =>
    TREE.map(({ from, to, radius }) => ({
      solid: capsule(scaled(from, scale), scaled(to, scale), (radius + extra(radius)) * scale),
      value,
      tissue,
    }));
  return [...rods((radius) => 0.6 + radius / 8, 20, TISSUE.other), ...rods(() => 0, -1000, TISSUE.airway)];
}

function scaled([x, y, z]: Triple, scale: number): Triple {
  return [x * scale, y * scale, z * scale];
}
