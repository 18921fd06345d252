/** A voxel worker: one task at a time, answered with its value or with the name of the fault. */
import { parentPort } from 'node:worker_threads';
import type { CoarseLabels, RefineRule } from '../../src/inference/model-package.ts';
import { type RefineVolume, refineSlices } from '../../src/inference/refine.ts';
import { resampleSlices } from './kernel.ts';
import type { ResamplePlan } from './resample-plan.ts';
import type { SharedWasmMemory } from './web-assembly.ts';
import type { Answer } from './worker-pool.ts';

export type VoxelTask =
  | {
      readonly kind: 'resample';
      readonly memory: SharedWasmMemory;
      readonly plan: ResamplePlan;
      readonly first: number;
      readonly last: number;
      readonly result: number;
      readonly work: number;
    }
  | {
      readonly kind: 'refine';
      readonly volume: RefineVolume;
      readonly labels: CoarseLabels;
      readonly rule: RefineRule;
      readonly first: number;
      readonly last: number;
    };

interface Done {
  readonly value: unknown;
  /** Memory that goes to the caller without a copy. */
  readonly transfer: readonly ArrayBufferLike[];
}

function run(task: VoxelTask): Done {
  if (task.kind === 'resample') {
    resampleSlices(task.memory, task.plan, task.first, task.last, task.result, task.work);
    return { value: undefined, transfer: [] };
  }
  const value = refineSlices(task.volume, task.labels, task.rule, task.first, task.last);
  return { value, transfer: value.bits.map((bits) => bits.buffer) };
}

function answerTo(task: VoxelTask): Answer & { readonly transfer: readonly ArrayBufferLike[] } {
  try {
    return run(task);
  } catch (error) {
    const name = error instanceof Error ? error.name : 'A fault';
    return { error: `${name} in a voxel worker`, transfer: [] };
  }
}

parentPort!.on('message', (task: VoxelTask) => {
  const { transfer, ...answer } = answerTo(task);
  parentPort!.postMessage(answer, transfer as ArrayBuffer[]);
});
