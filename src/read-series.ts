/** One model on one series: the part of the pipeline between images and findings. */
import type { Grid } from './assembly/grid.ts';
import { type Images, isVolume, type Volume } from './assembly/volume.ts';
import { WetreadError } from './errors.ts';
import { coarseLabels, gateLabels } from './inference/coarse-labels.ts';
import { findingsOf, outlinedFindings } from './inference/findings-from.ts';
import { gateVolume } from './inference/gate/gate-volume.ts';
import { classification } from './inference/heads/classification.ts';
import { volumeDetections } from './inference/heads/detection.ts';
import {
  type CardOf,
  type LabelMapOutput,
  type ModelPackage,
  type OutputRule,
  reads,
} from './inference/model-package.ts';
import { inferenceRequest, inputGrid, intensityStep, refineRule } from './inference/prepare.ts';
import type { OutputReading, Reading } from './inference/reading.ts';
import type { InferenceResponse } from './inference/tensor.ts';
import type { Ports } from './ports.ts';
import { readImages } from './read-images.ts';
import { isSkipped, type Skipped } from './reasons.ts';

/**
 * Inference, by what the model reads.
 * @param images assembled as the card's input asks for them
 */
export async function readSeries(
  ports: Pick<Ports, 'voxels' | 'inference'>,
  model: ModelPackage,
  images: Images,
  signal: AbortSignal,
): Promise<Reading | Skipped> {
  const { card } = model;
  if (isVolume(images)) {
    if (reads(card, 'volume')) return await readVolume(ports, { ...model, card }, images, signal);
  } else if (reads(card, 'image')) return await readImages(ports.inference, { ...model, card }, images, signal);
  throw new WetreadError('internal', `A series was assembled as the model's input of kind ${card.input.kind} is not`);
}

/** Gate, make the model's input, run, then read what each output says as the card declares. */
async function readVolume(
  ports: Pick<Ports, 'voxels' | 'inference'>,
  model: ModelPackage & { readonly card: CardOf<'volume'> },
  images: Volume,
  signal: AbortSignal,
): Promise<Reading | Skipped> {
  const { card } = model;
  const refused = gateVolume(images, card, card.input);
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
    case 'classification':
      return classification(answer.response, output, []);
    case 'label-map':
      return await readLabelMap(output, answer, voxels);
    case 'detection':
      return volumeDetections(answer.response, output, answer.grid, answer.images);
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
