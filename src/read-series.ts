/** One model on one series: the part of the pipeline between images and findings. */
import type { Grid } from './assembly/grid.ts';
import type { Volume } from './assembly/volume.ts';
import { coarseLabels, gateLabels } from './inference/coarse-labels.ts';
import { findingsOf, outlinedFindings } from './inference/findings-from.ts';
import { gateVolume } from './inference/gate-volume.ts';
import type { LabelMapOutput, ModelPackage, OutputRule } from './inference/model-package.ts';
import { inferenceRequest, inputGrid, intensityStep, refineRule } from './inference/prepare.ts';
import type { OutputReading, Reading } from './inference/reading.ts';
import type { InferenceResponse } from './inference/tensor.ts';
import type { Ports } from './ports.ts';
import { isSkipped, type Skipped } from './reasons.ts';

/** Inference: gate, make the model's input, run, then read what each output says as the card declares. */
export async function readSeries(
  ports: Pick<Ports, 'voxels' | 'inference'>,
  model: ModelPackage,
  images: Volume,
  signal: AbortSignal,
): Promise<Reading | Skipped> {
  const { card } = model;
  const refused = gateVolume(images, card);
  if (refused !== undefined) return refused;

  const grid = inputGrid(images, card.input);
  const input = await ports.voxels.resample(images, grid, intensityStep(card.input), signal);
  const response = await ports.inference.infer(inferenceRequest(card, grid, input), signal);

  const answer: Answer = { response, images, grid, signal };
  const said: OutputReading[] = [];
  for (const output of card.outputs) {
    const reading = await readOutput(output, answer, ports.voxels);
    if (isSkipped(reading)) return reading;
    said.push(reading);
  }
  const findings = findingsOf(images, model, said, response.provider);
  const outlines = said.find((reading) => reading.outlines !== undefined)?.outlines;
  return { model, images, findings, ...(outlines && { outlines }) };
}

/** What came back, and what it is about. */
interface Answer {
  readonly response: InferenceResponse;
  readonly images: Volume;
  /** Of the model's input. */
  readonly grid: Grid;
  readonly signal: AbortSignal;
}

/** Every kind of output that a card can declare. */
async function readOutput(
  output: OutputRule,
  answer: Answer,
  voxels: Ports['voxels'],
): Promise<OutputReading | Skipped> {
  switch (output.kind) {
    case 'label-map':
      return await readLabelMap(output, answer, voxels);
  }
}

/** Labels: gated, carried to native resolution, measured there. */
async function readLabelMap(
  output: LabelMapOutput,
  { response, images, grid, signal }: Answer,
  voxels: Ports['voxels'],
): Promise<OutputReading | Skipped> {
  const labels = coarseLabels(response, output, grid);
  const implausible = gateLabels(labels, images, output);
  if (implausible !== undefined) return implausible;
  const outlines = await voxels.refine(images, labels, refineRule(output), signal);
  const { low, high } = output.refine.range;
  const parameters = { 'value-range': `${low} to ${high} ${images.units}` };
  return { findings: outlinedFindings(images, output, outlines.statistics), outlines, parameters };
}
