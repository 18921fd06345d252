/** A voxel worker: one task at a time, answered with its value or with the name of the fault. */
import { parentPort } from 'node:worker_threads';
import { type ClassScores, labelSlices } from '../../src/inference/label-scores.ts';
import type { CoarseLabels, RefineRule } from '../../src/inference/model-package.ts';
import { type RefineVolume, refineSlices } from '../../src/inference/refine.ts';
import type { Mask } from '../../src/inference/regions/mask-runs.ts';
import { type MeasuredVolume, measureRegion, type RegionRule } from '../../src/inference/regions/measure-regions.ts';
import { addWindow, type ScoreSum, type WindowPlace, type WindowScores } from '../../src/inference/sliding-window.ts';
import { countSlices } from '../../src/inference/value-counts.ts';
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
      readonly kind: 'count';
      readonly volume: RefineVolume;
      readonly first: number;
      readonly last: number;
    }
  | {
      readonly kind: 'label';
      readonly scores: ClassScores;
      readonly maps: readonly Uint8Array[];
      readonly first: number;
      readonly last: number;
    }
  | {
      readonly kind: 'add-window';
      readonly window: WindowScores;
      readonly sum: ScoreSum;
      readonly place: WindowPlace;
      readonly first: number;
      readonly last: number;
    }
  | {
      readonly kind: 'refine';
      readonly volume: RefineVolume;
      readonly labels: CoarseLabels;
      readonly rule: RefineRule;
      readonly first: number;
      readonly last: number;
    }
  | {
      readonly kind: 'region';
      readonly volume: MeasuredVolume;
      readonly mask: Mask;
      readonly rule: RegionRule;
    };

interface Done {
  readonly value: unknown;
  /** Memory that goes to the caller without a copy. */
  readonly transfer: readonly ArrayBufferLike[];
}

function run(task: VoxelTask): Done {
  switch (task.kind) {
    case 'resample':
      return done(resampleSlices(task.memory, task.plan, task.first, task.last, task.result, task.work));
    case 'count':
      return done(countSlices(task.volume, task.first, task.last));
    case 'label':
      return done(labelSlices(task.scores, task.first, task.last, task.maps));
    case 'add-window':
      return done(addWindow(task.window, task.sum, task.place, task.first, task.last));
    case 'refine': {
      const value = refineSlices(task.volume, task.labels, task.rule, task.first, task.last);
      return { value, transfer: value.bits.map((bits) => bits.buffer) };
    }
    case 'region':
      return done(measureRegion(task.volume, task.mask, task.rule));
  }
}

function done(value: unknown): Done {
  return { value, transfer: [] };
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
