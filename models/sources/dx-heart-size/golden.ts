/** The golden case of the package: body, lungs and heart as ellipses, by sums and products alone. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { GoldenCase } from '../../../src/inference/golden.ts';
import { jsonText, packed } from '../ct-lung-density/golden.ts';
import { SIZE } from './graph.ts';

/** Middle and radii `[row, column]`, in pixels of the input, painted one over the other. */
const ELLIPSES = [
  { center: [12, 12], radii: [40, 11], value: 0.5 },
  { center: [10, 7], radii: [8, 4], value: -0.5 },
  { center: [10, 17], radii: [8, 4], value: -0.5 },
  { center: [15, 13], radii: [4, 4], value: 0.9 },
] as const;

function chest(): Float32Array {
  const pixels = new Float32Array(SIZE * SIZE).fill(-1);
  for (const { center, radii, value } of ELLIPSES) {
    for (let at = 0; at < pixels.length; at++) {
      const point = [Math.floor(at / SIZE), at % SIZE];
      const distance = center.reduce((sum, middle, axis) => sum + ((point[axis]! - middle) / radii[axis]!) ** 2, 0);
      if (distance < 1) pixels[at] = value;
    }
  }
  return pixels;
}

/** Files of the folder `golden`, by name. */
export async function heartGolden(graph: Uint8Array): Promise<ReadonlyMap<string, Uint8Array | string>> {
  const pixels = chest();
  const shape: [number, number, number, number] = [1, 1, SIZE, SIZE];
  const session = await InferenceSession.create(graph);
  const { scores } = await session.run({ image: new Tensor('float32', pixels, shape) });
  await session.release();
  const golden: GoldenCase = {
    description:
      'A body of ellipses with two lungs and a heart; the scores are what the graph made of it, right or wrong',
    inputs: [{ name: 'image', datatype: 'FP32', shape, file: 'ellipses.image.gz' }],
    outputs: [
      {
        tensor: { name: 'scores', datatype: 'FP32', shape: [1, 2], file: 'ellipses.scores.gz' },
        // sums of 576 products in whatever order a machine adds them
        tolerance: { absolute: 0.01, differingPercent: 0 },
      },
    ],
  };
  return new Map<string, Uint8Array | string>([
    ['ellipses.json', jsonText(golden)],
    ['ellipses.image.gz', packed(pixels)],
    ['ellipses.scores.gz', packed(scores!.data as Float32Array)],
  ]);
}
