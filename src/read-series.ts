/** One model on one series: the part of the pipeline between images and findings. */
import type { StudyHeader } from './arrival/study.ts';
import { type Images, isVolume, type Volume } from './assembly/volume.ts';
import { WetreadError } from './errors.ts';
import { findingsOf, outlinedFindings, regionRules, smallestComponent } from './inference/findings-from.ts';
import { gateVolume } from './inference/gate/gate-volume.ts';
import { gateLabels } from './inference/gate-labels.ts';
import { classification } from './inference/heads/classification.ts';
import { embedding } from './inference/heads/embedding.ts';
import { measurement } from './inference/heads/measurement.ts';
import { volumeDetections } from './inference/heads/volume-detection.ts';
import {
  type CardOf,
  type LabelMapOutput,
  type ModelPackage,
  type OutputRule,
  reads,
} from './inference/model-package.ts';
import { embeddingsOf, type OutputReading, outlinesOf, type Reading } from './inference/reading.ts';
import type { GivenSlot } from './inference/slots.ts';
import { outline, refineRule } from './outline.ts';
import type { Ports } from './ports.ts';
import { readImages } from './read-images.ts';
import { readPictures } from './read-pictures.ts';
import { readSlices } from './read-slices.ts';
import { isSkipped, type Skipped } from './reasons.ts';
import { runOnVolume, type VolumeAnswer } from './run-on-volume.ts';

/**
 * Inference, by what the model reads.
 * @param images assembled as the card's input asks for them
 * @param study that they are of
 * @param given further series, for a model that has slots for them
 */
export async function readSeries(
  ports: Pick<Ports, 'voxels' | 'inference' | 'text' | 'log'>,
  model: ModelPackage,
  images: Images,
  study: StudyHeader,
  signal: AbortSignal,
  given: readonly GivenSlot[] = [],
): Promise<Reading | Skipped> {
  const { card } = model;
  if (isVolume(images)) {
    if (reads(card, 'volume')) return await readVolume(ports, { ...model, card }, images, given, signal);
    if (reads(card, 'slices')) return await readSlices(ports, { ...model, card }, images, study, signal);
  } else {
    if (reads(card, 'image')) return await readImages(ports, { ...model, card }, images, signal);
    if (reads(card, 'pictures')) return await readPictures(ports, { ...model, card }, images, study, signal);
  }
  throw new WetreadError('internal', `A series was assembled as the model's input of kind ${card.input.kind} is not`);
}

/** Gate, make the model's input, run, then read what each output says as the card declares. */
async function readVolume(
  ports: Pick<Ports, 'voxels' | 'inference'>,
  model: ModelPackage & { readonly card: CardOf<'volume'> },
  images: Volume,
  given: readonly GivenSlot[],
  signal: AbortSignal,
): Promise<Reading | Skipped> {
  const { card } = model;
  const refused = gateVolume(images, card, card.input);
  if (refused !== undefined) return refused;

  const answer: Answer = {
    ...(await runOnVolume(ports, card, images, signal, given)),
    images,
    references: model.references,
    signal,
  };
  const said: OutputReading[] = [];
  for (const output of card.outputs) {
    const reading = await readOutput(output, answer, ports.voxels);
    if (isSkipped(reading)) return reading;
    said.push(reading);
  }
  const findings = findingsOf(images, model, said, answer.response.provider, given);
  const outlines = outlinesOf(said);
  const embeddings = embeddingsOf(said);
  return { model, images, given, findings, ...(outlines && { outlines }), ...(embeddings && { embeddings }) };
}

/** What came back, and what it is about. */
interface Answer extends VolumeAnswer {
  readonly images: Volume;
  readonly references: ModelPackage['references'];
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
    case 'measurement':
      return measurement(answer.response, output, []);
    case 'embedding':
      return embedding(answer.response, output, answer.references, []);
    case 'text':
      throw new WetreadError('internal', 'Text is read of slices, not of a volume');
  }
}

/** Labels: gated, carried to native resolution, measured there. */
async function readLabelMap(
  output: LabelMapOutput,
  { labels, images, signal }: Answer,
  voxels: Ports['voxels'],
): Promise<OutputReading | Skipped> {
  const maps = await labels(output);
  const implausible = gateLabels(maps, images, output);
  if (implausible !== undefined) return implausible;
  const rule = await refineRule(voxels, images, output, signal);
  const outlines = await outline(voxels, images, maps, rule, signal);
  const { low, high } = rule.range;
  const parameters = { 'value-range': `${low} to ${high} ${images.units}` };
  const regions = await voxels.measureRegions(
    outlines.segmentation,
    regionRules(output, rule, smallestComponent(images)),
    signal,
  );
  return { ...outlinedFindings(images, output, outlines.statistics, regions), outlines, parameters };
}
