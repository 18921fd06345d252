/**
 * The golden case of the package: a chest of ellipsoids and cylinders on the model's own grid. Nothing but sums and
 * products, so that every machine makes the same voxels; coarse in shape, and all that the model decides by is in it.
 */
import { gzipSync } from 'node:zlib';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { GoldenCase, GoldenTensor } from '../../../src/inference/golden.ts';

/** Slices to the head, rows to the back, columns to the left; 2.5 mm. */
export const GOLDEN_SHAPE = [104, 80, 112] as const;
const [AIR, SOFT, LUNG] = [-1000, 30, -850] as const;

type Point = readonly [slice: number, row: number, column: number];

interface Ellipsoid {
  readonly center: Point;
  readonly radii: Point;
}

const BODY: Ellipsoid = { center: [52, 40, 56], radii: [1000, 34, 50] };
const RIGHT: Ellipsoid = { center: [48, 38, 34], radii: [40, 24, 17] };
const LEFT: Ellipsoid = { center: [48, 38, 78], radii: [40, 24, 17] };
/** From the neck to the level where the bronchi leave. */
const TRACHEA: Ellipsoid = { center: [104, 38, 56], radii: [1000, 4, 4] };
const CARINA = 62;
const BRONCHI: readonly Ellipsoid[] = [
  { center: [CARINA, 38, 48], radii: [3, 3, 12] },
  { center: [CARINA, 38, 64], radii: [3, 3, 12] },
];

function isInside({ center, radii }: Ellipsoid, point: Point): boolean {
  return center.reduce((sum, middle, axis) => sum + ((point[axis]! - middle) / radii[axis]!) ** 2, 0) < 1;
}

/** HU at a voxel. Lungs are a little denser towards the back, as they are. */
function density(point: Point): number {
  if (!isInside(BODY, point)) return AIR;
  if (point[0] >= CARINA && isInside(TRACHEA, point)) return AIR;
  if (BRONCHI.some((bronchus) => isInside(bronchus, point))) return AIR;
  return isInside(RIGHT, point) || isInside(LEFT, point) ? LUNG + point[1] : SOFT;
}

export function goldenChest(): Int16Array {
  const [slices, rows, columns] = GOLDEN_SHAPE;
  const voxels = new Int16Array(slices * rows * columns);
  let at = 0;
  for (let k = 0; k < slices; k++)
    for (let j = 0; j < rows; j++) for (let i = 0; i < columns; i++) voxels[at++] = density([k, j, i]);
  return voxels;
}

/** Files of the folder `golden`, by name. */
export async function lungGolden(graph: Uint8Array): Promise<ReadonlyMap<string, Uint8Array | string>> {
  const voxels = goldenChest();
  const session = await InferenceSession.create(graph);
  const { labels } = await session.run({ volume: new Tensor('int16', voxels, GOLDEN_SHAPE) });
  await session.release();
  const tensor = (name: string, datatype: 'INT16' | 'UINT8'): GoldenTensor => ({
    name,
    datatype,
    shape: [...GOLDEN_SHAPE],
    file: `chest.${name}.gz`,
  });
  const golden: GoldenCase = {
    description: 'A chest of ellipsoids and cylinders: body, two lungs, trachea and main bronchi, air around',
    inputs: [tensor('volume', 'INT16')],
    outputs: [{ tensor: tensor('labels', 'UINT8'), tolerance: { absolute: 0, differingPercent: 0 } }],
  };
  return new Map<string, Uint8Array | string>([
    ['chest.json', jsonText(golden)],
    ['chest.volume.gz', packed(voxels)],
    ['chest.labels.gz', packed(labels!.data as Uint8Array)],
  ]);
}

/** Lists of numbers on one line, as the formatter of this repository wants them. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2).replace(/\[[\d\s,]+\]/g, (list) => JSON.stringify(JSON.parse(list)).replaceAll(',', ', '))}\n`;
}

export function packed(values: Int16Array | Uint8Array | Float32Array): Uint8Array {
  return gzipSync(Buffer.from(values.buffer, values.byteOffset, values.byteLength), { level: 9 });
}
