/**
 * Fits the calibration of the card: a logistic curve through the scores of planted nodules and of everything else that
 * the graph proposes, by Platt's method (Advances in Large Margin Classifiers, 1999), whose targets stay off 0 and 1
 * where the two do not overlap. Run by hand: `node models/sources/ct-nodule-candidates/fit.ts`. Takes some minutes.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { writeModel } from '../../../adapters/onnx-writer/write-model.ts';
import { chestCt } from '../../../adapters/phantom/chest-ct.ts';
import { voxelWorkers } from '../../../adapters/voxel-workers/voxel-workers.ts';
import { applyAffine } from '../../../src/assembly/geometry.ts';
import { isotropicGrid } from '../../../src/assembly/grid-axes.ts';
import { phantomVolume } from '../../../test/support/phantom-volume.ts';
import { noduleGraph } from './graph.ts';
import { fittingPhantoms, matches } from './phantoms.ts';

interface Scored {
  readonly score: number;
  readonly isNodule: boolean;
}

const never = new AbortController().signal;
const facts = { opset: 18, producerName: 'wetread', producerVersion: '0.0.0', description: 'Being fitted' };
const session = await InferenceSession.create(writeModel(noduleGraph(), facts));
const workers = voxelWorkers();
const scored: Scored[] = [];
for (const options of fittingPhantoms()) {
  const ct = chestCt(options);
  const volume = phantomVolume(ct, (byteLength) => workers.acquire(byteLength));
  const grid = isotropicGrid(volume, 2.5);
  const voxels = await workers.resample(volume, grid, { datatype: 'INT16', fill: -1024 }, never);
  const { candidates } = await session.run({ volume: new Tensor('int16', voxels as Int16Array, grid.shape) });
  const rows = candidates!.data as Float32Array;
  for (let at = 0; at < rows.length; at += 6) {
    const [slice, row, column, , score] = rows.subarray(at, at + 6) as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    if (score <= 0) continue;
    const place = applyAffine(grid.affine, [slice, row, column]);
    scored.push({ score, isNodule: ct.nodules.some((nodule) => matches(nodule, place)) });
  }
  workers.release(volume.voxels.buffer);
}
await workers.close();
await session.release();

const nodules = scored.filter(({ isNodule }) => isNodule);
const others = scored.filter(({ isNodule }) => !isNodule);
const lowest = Math.min(...nodules.map(({ score }) => score));
const highest = Math.max(...others.map(({ score }) => score));
process.stdout.write(
  `${nodules.length} nodules, the lowest ${lowest.toFixed(3)}; ${others.length} others, the highest ${highest.toFixed(3)}\n`,
);
process.stdout.write(`${JSON.stringify(platt(nodules.map(scoreOf), others.map(scoreOf)))}\n`);

function scoreOf({ score }: Scored): number {
  return score;
}

/** Newton's method on the log likelihood. */
function platt(positive: readonly number[], negative: readonly number[]): { slope: number; intercept: number } {
  const points = [
    ...positive.map((x) => ({ x, target: (positive.length + 1) / (positive.length + 2) })),
    ...negative.map((x) => ({ x, target: 1 / (negative.length + 2) })),
  ];
  let [slope, intercept] = [1, -1];
  for (let round = 0; round < 100; round++) {
    let [gradientX, gradient1, xx, x1, one] = [0, 0, 1e-9, 0, 1e-9];
    for (const { x, target } of points) {
      const probability = 1 / (1 + Math.exp(-(slope * x + intercept)));
      const weight = probability * (1 - probability);
      gradientX += (target - probability) * x;
      gradient1 += target - probability;
      xx += weight * x * x;
      x1 += weight * x;
      one += weight;
    }
    const determinant = xx * one - x1 * x1;
    slope += (one * gradientX - x1 * gradient1) / determinant;
    intercept += (xx * gradient1 - x1 * gradientX) / determinant;
  }
  return { slope: Number(slope.toFixed(3)), intercept: Number(intercept.toFixed(3)) };
}
