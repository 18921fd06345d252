/**
 * A chest from solids: millimetres in patient coordinates (LPS), carina at the origin's height (z = 0), front is -y.
 * Proportions follow an adult in deep inspiration; `scale` makes a small or a large patient.
 */
import { airwayPaints } from './airways.ts';
import { type Paint, TISSUE } from './raster.ts';
import { block, type ColumnSection, capsule, column, ellipsoid, type Solid, type Triple } from './shapes.ts';
import { vesselPaints } from './vessels.ts';

/** HU of what the chest is made of. */
export const DENSITY = {
  air: -1000,
  parenchyma: -875,
  /** HU per millimetre towards the back. */
  parenchymaGradient: 0.35,
  emphysema: -1005,
  soft: 40,
  blood: 45,
  fat: -100,
  bone: 320,
  blanket: -350,
  foam: -930,
  tableShell: -60,
} as const;

export interface ChestAnatomy {
  /** 1 is an adult of 5 to 6 litres; 0.7 a child or a small woman. */
  readonly scale: number;
  /** The lungs meet in front of the heart, 1.6 mm of tissue between them. */
  readonly touchingLungs: boolean;
  /** mm from the skin of the back to the table. */
  readonly tableGap: number;
  /** The patient lies on the front: table and blanket change sides. */
  readonly prone: boolean;
  readonly seed: number;
  /** Size of the heart by that of an ordinary one; 1 where absent. */
  readonly heart?: number;
}

const LUNG_EXPONENT = 2.3;
/** Of lungs that reach far to the middle in front. */
const BLUNT_EXPONENT = 3.6;
const LUNG_TOP = 100;
const LUNG_FLOOR = -172;

/** Everything but emphysema, in painting order. */
export function chestPaints(anatomy: ChestAnatomy): readonly Paint[] {
  return [...surroundings(anatomy), ...patientPaints(anatomy)];
}

/** Without table and blanket: as a patient stands before a detector. */
export function patientPaints(anatomy: ChestAnatomy): readonly Paint[] {
  const s = anatomy.scale;
  return [
    ...chestWall(s),
    lungPaint(anatomy, -1),
    lungPaint(anatomy, 1),
    ...vesselPaints(s, anatomy.seed),
    ...mediastinum(anatomy),
    ...airwayPaints(s),
    paint(capsule(at(s, [0, 72, 300]), at(s, [0, 72, -400]), 17 * s), DENSITY.bone),
    ...bowelGas(s),
  ];
}

/** Superellipse section of one lung; side -1 is the patient's right, +1 the left, which the heart makes narrower. */
function lungSection({ scale: s, touchingLungs }: ChestAnatomy, side: -1 | 1): (z: number) => ColumnSection {
  const width = (touchingLungs ? 74 : 70) - (side === 1 ? 3 : 0);
  const middle = touchingLungs ? 66 : 73;
  return (z) => {
    const height = z / s;
    const profile = height > 0 ? Math.sqrt(Math.max(0, 1 - (height / LUNG_TOP) ** 2)) : 1 - height / 4000;
    const center = middle - 22 * Math.max(0, 1 - profile);
    return { x: side * center * s, y: 5 * s, rx: width * profile * s, ry: 86 * profile * s };
  };
}

/** Lies on the left half of the diaphragm. */
const HEART = { center: [22, -28, -82], radii: [62, 46, 62] } as const;

/**
 * Width of the heart by the inner width of the chest, both where they are widest, as a frontal radiograph shows them.
 * The outer edges of both lungs are where they are at the height of the carina.
 */
export function cardiothoracicRatio({ heart = 1, ...anatomy }: ChestAnatomy): number {
  const unscaled = { ...anatomy, scale: 1 };
  const [right, left] = [lungSection(unscaled, -1)(0), lungSection(unscaled, 1)(0)];
  const chest = left.x + left.rx - (right.x - right.rx);
  return (2 * HEART.radii[0] * heart) / chest;
}

function lungPaint(anatomy: ChestAnatomy, side: -1 | 1): Paint {
  const zRange = [LUNG_FLOOR * anatomy.scale, LUNG_TOP * anatomy.scale] as const;
  const exponent = anatomy.touchingLungs ? BLUNT_EXPONENT : LUNG_EXPONENT;
  return {
    solid: column(zRange, exponent, lungSection(anatomy, side)),
    value: DENSITY.parenchyma,
    gradient: DENSITY.parenchymaGradient,
    tissue: side === -1 ? TISSUE.rightLung : TISSUE.leftLung,
  };
}

/** Heart, great vessels, the tissue between the lungs, and both domes of the diaphragm with what lies under them. */
function mediastinum({ scale: s, touchingLungs, heart = 1 }: ChestAnatomy): readonly Paint[] {
  const septum = (touchingLungs ? 0.8 : 9) * s;
  const between = column([-400 * s, 400 * s], 2, (z) => ({
    x: 0,
    y: 20 * s,
    rx: (z > 60 * s ? 26 : 31) * s,
    ry: 58 * s,
  }));
  return [
    paint(block([-septum, -110 * s, LUNG_FLOOR * s], [septum, -20 * s, LUNG_TOP * s]), DENSITY.soft),
    paint(block([-19 * s, 60 * s, -400 * s], [19 * s, 110 * s, 400 * s]), DENSITY.soft),
    paint(between, DENSITY.soft),
    paint(ellipsoid(at(s, HEART.center), at(s * heart, HEART.radii)), DENSITY.blood),
    paint(capsule(at(s, [24, 50, 30]), at(s, [18, 52, -400]), 13 * s), DENSITY.blood),
    paint(ellipsoid(at(s, [-76, 5, -192]), at(s, [84, 100, 96])), DENSITY.soft),
    paint(ellipsoid(at(s, [76, 5, -202]), at(s, [80, 96, 92])), DENSITY.soft),
  ];
}

/** Gas in the stomach and in the bend of the colon, a few millimetres below the left dome. */
function bowelGas(s: number): readonly Paint[] {
  return [
    paint(ellipsoid(at(s, [62, -20, -140]), at(s, [30, 28, 18])), DENSITY.air),
    paint(capsule(at(s, [108, -8, -164]), at(s, [116, 10, -230]), 15 * s), DENSITY.air),
  ];
}

function bodySolid(s: number, grow: number): Solid {
  return column([-600 * s, 320 * s], 2.4, (z) => {
    const neck = Math.min(1, Math.max(0, (z / s - 120) / 70));
    return { x: 0, y: 0, rx: (186 - 110 * neck) * s + grow, ry: (122 - 55 * neck) * s + grow };
  });
}

/** Blanket with air beneath it, and a table of a thin shell around foam. */
function surroundings({ scale: s, tableGap, prone }: ChestAnatomy): readonly Paint[] {
  const facing = prone ? -1 : 1;
  const top = 122 * s + tableGap;
  const slab = (inset: number): Solid => {
    const [near, far] = [facing * (top + inset), facing * (top + 30 - inset)];
    return block([-210 + inset, Math.min(near, far), -2000], [210 - inset, Math.max(near, far), 2000]);
  };
  return [
    paint(slab(0), DENSITY.tableShell),
    paint(slab(2), DENSITY.foam),
    paint(bodySolid(s, Math.min(8, tableGap)), DENSITY.blanket),
    paint(bodySolid(s, Math.min(5, tableGap)), DENSITY.air),
  ];
}

function chestWall(s: number): readonly Paint[] {
  const sternum = capsule(at(s, [0, -100, 50]), at(s, [0, -98, -70]), 8 * s);
  return [
    paint(bodySolid(s, 0), DENSITY.soft - 20),
    paint(bodySolid(s, -2), DENSITY.fat),
    paint(bodySolid(s, -11 * s), DENSITY.soft),
    paint(sternum, DENSITY.bone),
    ...ribs(s),
  ];
}

/** Ten pairs of ribs, each a chain of rods around its lung, falling towards the front. */
function ribs(s: number): readonly Paint[] {
  return [-1, 1].flatMap((side) =>
    Array.from({ length: 10 }, (_, i) => ribPath(80 - 25 * i, side)).flatMap((path) =>
      path.slice(1).map((point, i) => paint(capsule(at(s, path[i]!), at(s, point), 4.5 * s), DENSITY.bone)),
    ),
  );
}

function ribPath(top: number, side: number): readonly Triple[] {
  const around = Array.from({ length: 11 }, (_, step): Triple => {
    const angle = (step / 10) * 0.95 * Math.PI;
    const z = top - 5 * step;
    const profile = z > 0 ? Math.sqrt(Math.max(0.1, 1 - (z / 106) ** 2)) : 1;
    const round = (value: number): number => Math.sign(value) * Math.abs(value) ** (2 / LUNG_EXPONENT);
    const [rx, ry] = [(71 * profile + 9) * round(Math.sin(angle)), (86 * profile + 8) * round(Math.cos(angle))];
    return [side * (73 - 22 * (1 - profile) + rx), 5 + ry, z];
  });
  return [[side * 15, 80, top + 4], ...around];
}

function paint(solid: Solid, value: number): Paint {
  return { solid, value, tissue: TISSUE.other };
}

function at(scale: number, [x, y, z]: Triple): Triple {
  return [x * scale, y * scale, z * scale];
}
