/** The golden case of the package: the chest of ellipsoids of `ct-lung-density`, with a ball in each lung. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { GoldenCase } from '../../../src/inference/golden.ts';
import { GOLDEN_SHAPE, goldenChest, jsonText, packed } from '../ct-lung-density/golden.ts';
import { CANDIDATES } from './graph.ts';

/** Voxels of 2.5 mm: middle `[slice, row, column]` and radius. */
const BALLS = [
  { center: [50, 36, 33], radius: 2.4 },
  { center: [40, 44, 80], radius: 1.8 },
] as const;
const SOLID = 30;

function chestWithBalls(): Int16Array {
  const [, rows, columns] = GOLDEN_SHAPE;
  return goldenChest().map((value, at) => {
    const point = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
    const isInside = BALLS.some(({ center, radius }) => {
      const squared = center.reduce((sum, middle, axis) => sum + (point[axis]! - middle) ** 2, 0);
      return squared < radius ** 2;
    });
    return isInside ? SOLID : value;
  });
}

/** Files of the folder `golden`, by name. */
export async function noduleGolden(graph: Uint8Array): Promise<ReadonlyMap<string, Uint8Array | string>> {
  const voxels = chestWithBalls();
  const session = await InferenceSession.create(graph);
  const { candidates, searched } = await session.run({ volume: new Tensor('int16', voxels, GOLDEN_SHAPE) });
  await session.release();
  const golden: GoldenCase = {
    description: 'A chest of ellipsoids and cylinders with a ball in each lung',
    inputs: [{ name: 'volume', datatype: 'INT16', shape: [...GOLDEN_SHAPE], file: 'balls.volume.gz' }],
    outputs: [
      {
        tensor: { name: 'candidates', datatype: 'FP32', shape: [CANDIDATES, 6], file: 'balls.candidates.gz' },
        tolerance: { absolute: 0.001, differingPercent: 0 },
      },
      {
        tensor: { name: 'searched', datatype: 'FP32', shape: [2], file: 'balls.searched.gz' },
        tolerance: { absolute: 0.1, differingPercent: 0 },
      },
    ],
  };
  return new Map<string, Uint8Array | string>([
    ['balls.json', jsonText(golden)],
    ['balls.volume.gz', packed(voxels)],
    ['balls.candidates.gz', packed(candidates!.data as Float32Array)],
    ['balls.searched.gz', packed(searched!.data as Float32Array)],
  ]);
}
