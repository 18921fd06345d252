/**
 * The golden case of the package: a trunk of ellipses on the model's own grid, with skin of nothing, fat, muscle, a spine,
 * two lungs and a bubble of gas. Nothing but sums and products, so that every machine makes the same voxels.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { GoldenCase, GoldenTensor } from '../../../src/inference/golden.ts';
import { jsonText, packed } from '../ct-lung-density/golden.ts';

/** Slices to the head, rows to the back, columns to the left; 2 mm. */
const SHAPE = [48, 100, 140] as const;
const [AIR, FAT, MUSCLE, BONE] = [-1000, -100, 45, 400] as const;

/** Squared distance from a centre, 1 on the ellipse. */
function ellipse(
  row: number,
  column: number,
  center: readonly [number, number],
  radii: readonly [number, number],
): number {
  return ((row - center[0]) / radii[0]) ** 2 + ((column - center[1]) / radii[1]) ** 2;
}

function density(slice: number, row: number, column: number): number {
  if (ellipse(row, column, [50, 70], [44, 64]) >= 1) return AIR;
  if (ellipse(row, column, [50, 70], [38, 58]) >= 1) return FAT;
  if (ellipse(row, column, [76, 70], [8, 9]) < 1) return BONE;
  if (ellipse(row, column, [46, 44], [24, 18]) < 1 || ellipse(row, column, [46, 96], [24, 18]) < 1) return -850;
  const bubble = ellipse(row, column, [34, 70], [5, 5]) + ((slice - 20) / 6) ** 2;
  return bubble < 1 ? AIR : MUSCLE;
}

function trunk(): Int16Array {
  const [slices, rows, columns] = SHAPE;
  const voxels = new Int16Array(slices * rows * columns);
  let at = 0;
  for (let k = 0; k < slices; k++)
    for (let j = 0; j < rows; j++) for (let i = 0; i < columns; i++) voxels[at++] = density(k, j, i);
  return voxels;
}

/** Files of the folder `golden`, by name. */
export async function tissueGolden(graph: Uint8Array): Promise<ReadonlyMap<string, Uint8Array | string>> {
  const voxels = trunk();
  const session = await InferenceSession.create(graph);
  const { labels } = await session.run({ volume: new Tensor('int16', voxels, SHAPE) });
  await session.release();
  const tensor = (name: string, datatype: 'INT16' | 'UINT8'): GoldenTensor => {
    return { name, datatype, shape: [...SHAPE], file: `trunk.${name}.gz` };
  };
  const golden: GoldenCase = {
    description: 'A trunk of ellipses: fat around muscle, a spine, two lungs and a bubble of gas, air around',
    inputs: [tensor('volume', 'INT16')],
    outputs: [{ tensor: tensor('labels', 'UINT8'), tolerance: { absolute: 0, differingPercent: 0 } }],
  };
  return new Map<string, Uint8Array | string>([
    ['trunk.json', jsonText(golden)],
    ['trunk.volume.gz', packed(voxels)],
    ['trunk.labels.gz', packed(labels!.data as Uint8Array)],
  ]);
}
