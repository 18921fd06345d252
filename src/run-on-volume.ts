/** A model run on a volume: its input made, one request or one for each window, labels out of what comes back. */
import type { Grid } from './assembly/grid.ts';
import type { Volume } from './assembly/volume.ts';
import { inputGrid } from './inference/input-grid.ts';
import { checkLabels, encodingOf, labelsOf, scoresOf } from './inference/label-encoding.ts';
import type { CardOf, CoarseLabels, LabelMapOutput } from './inference/model-package.ts';
import { inferenceRequest } from './inference/prepare.ts';
import type { GivenSlot } from './inference/slots.ts';
import type { InferenceResponse } from './inference/tensor.ts';
import { makeInput } from './make-input.ts';
import type { Ports } from './ports.ts';
import { runInWindows, type VolumeRun } from './run-in-windows.ts';

/** What a model says of a volume. */
export interface VolumeAnswer {
  /** Of the model's input, and of its labels. */
  readonly grid: Grid;
  /** Of one run over the whole grid; in windows there is no such answer, and `outputs` is empty. */
  readonly response: InferenceResponse;
  /** One map, or one for each channel where a voxel may have several labels. */
  labels(this: void, output: LabelMapOutput): Promise<readonly CoarseLabels[]>;
}

export async function runOnVolume(
  ports: Pick<Ports, 'voxels' | 'inference'>,
  card: CardOf<'volume'>,
  images: Volume,
  signal: AbortSignal,
  given: readonly GivenSlot[] = [],
): Promise<VolumeAnswer> {
  const grid = inputGrid(images, card.input);
  const data = await makeInput(ports.voxels, card.input, images, given, grid, signal);
  const run: VolumeRun = { ports, card, grid, data, signal };
  const answer = card.input.window === undefined ? await runOnce(run) : await runWindowed(run);
  // The next model on this volume uses the same memory again. After a fault a worker may still be reading it.
  ports.voxels.release(data.buffer);
  return answer;
}

async function runOnce({ ports, card, grid, data, signal }: VolumeRun): Promise<VolumeAnswer> {
  const response = await ports.inference.infer(inferenceRequest(card, grid, data), signal);
  return { grid, response, labels: (output) => labelsIn(ports.voxels, response, output, grid, signal) };
}

async function runWindowed(run: VolumeRun): Promise<VolumeAnswer> {
  const { maps, provider } = await runInWindows(run);
  const labels = async (output: LabelMapOutput): Promise<readonly CoarseLabels[]> => checked(maps, output);
  return { grid: run.grid, response: { outputs: [], provider }, labels };
}

/** The labels of one answer, whichever way the card says that they stand in it. */
export async function labelsIn(
  voxels: Ports['voxels'],
  response: InferenceResponse,
  output: LabelMapOutput,
  grid: Grid,
  signal: AbortSignal,
): Promise<readonly CoarseLabels[]> {
  const encoding = encodingOf(output);
  const maps =
    encoding.kind === 'labels'
      ? [labelsOf(response, output, encoding, grid)]
      : await voxels.label(scoresOf(response, output, encoding, grid), signal);
  return checked(maps, output);
}

function checked(maps: readonly CoarseLabels[], output: LabelMapOutput): readonly CoarseLabels[] {
  for (const map of maps) checkLabels(map, output);
  return maps;
}
