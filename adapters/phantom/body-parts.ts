/** Bodies that are no chest, made to tempt a lung finder: air in sinuses, a gap behind the head, bowel full of gas. */
import { DENSITY } from './chest-anatomy.ts';
import type { Paint } from './raster.ts';
import { block, capsule, column, ellipsoid, type Solid } from './shapes.ts';

export function headPaints(): readonly Paint[] {
  return [
    paint(block([-140, 112, -2000], [140, 116, 2000]), DENSITY.tableShell),
    paint(
      column([-400, 70], 2, () => ({ x: 0, y: 30, rx: 60, ry: 60 })),
      DENSITY.soft,
    ),
    paint(ellipsoid([0, 0, 10], [78, 100, 95]), DENSITY.soft),
    paint(ellipsoid([0, 0, 10], [74, 96, 91]), DENSITY.bone * 3),
    paint(ellipsoid([0, 0, 10], [67, 89, 84]), 35),
    paint(ellipsoid([-18, -70, -45], [14, 16, 16]), DENSITY.air),
    paint(ellipsoid([18, -70, -45], [14, 16, 16]), DENSITY.air),
    paint(ellipsoid([0, -88, 5], [20, 6, 12]), DENSITY.air),
    paint(capsule([-50, 25, -45], [-55, 30, -40], 9), -700),
    paint(capsule([50, 25, -45], [55, 30, -40], 9), -700),
    paint(capsule([0, -20, -60], [0, 0, -400], 10), DENSITY.air),
  ];
}

export function abdomenPaints(): readonly Paint[] {
  const body = (grow: number): Solid =>
    column([-600, 600], 2.3, () => ({ x: 0, y: 0, rx: 175 + grow, ry: 120 + grow }));
  return [
    paint(block([-210, 128, -2000], [210, 158, 2000]), DENSITY.tableShell),
    paint(block([-208, 130, -2000], [208, 156, 2000]), DENSITY.foam),
    paint(body(0), DENSITY.soft),
    paint(body(-2), DENSITY.fat),
    paint(body(-20), DENSITY.soft),
    paint(capsule([0, 70, -600], [0, 70, 600], 19), DENSITY.bone),
    paint(ellipsoid([-75, 0, 120], [75, 85, 80]), 60),
    paint(ellipsoid([65, -30, 130], [50, 45, 40]), DENSITY.air),
    // the colon, blown up
    paint(capsule([-115, 10, -130], [-112, -10, 30], 26), DENSITY.air),
    paint(capsule([-95, -60, 40], [95, -60, 60], 26), DENSITY.air),
    paint(capsule([118, 0, 70], [116, 25, -130], 24), DENSITY.air),
  ];
}

function paint(solid: Solid, value: number): Paint {
  return { solid, value, tissue: 0 };
}
