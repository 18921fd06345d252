/** One model on one series of images that each stand on their own (CR, DX, MG, US …). */
import type { ImageFrame, ImageSet } from './assembly/volume.ts';
import { WetreadError } from './errors.ts';
import { classification } from './inference/heads/classification.ts';
import { embedding } from './inference/heads/embedding.ts';
import { imageDetections } from './inference/heads/image-detection.ts';
import { measurement } from './inference/heads/measurement.ts';
import { outsideImageLimits, outsidePixelLimits, outsideSeriesLimits } from './inference/images/gate-image.ts';
import { findingsOfImages, imageReference, type ReadImage } from './inference/images/image-findings.ts';
import { imageRequest, prepareImage } from './inference/images/prepare-image.ts';
import type { CardOf, LabelMapOutput, ModelPackage, OutputRule } from './inference/model-package.ts';
import { embeddingsOf, type OutputReading, outlinesOf, type Reading } from './inference/reading.ts';
import type { Ports } from './ports.ts';
import { type LabelledImage, readImageLabels } from './read-image-labels.ts';
import { isSkipped, type Reason, type Skipped } from './reasons.ts';

type ImageModel = ModelPackage & { readonly card: CardOf<'image'> };

/** Every image that passes the gate is a run of its own; the series has a reading where one of them has. */
export async function readImages(
  ports: Pick<Ports, 'voxels' | 'inference'>,
  model: ImageModel,
  images: ImageSet,
  signal: AbortSignal,
): Promise<Reading | Skipped> {
  const refused = outsideSeriesLimits(images, model.card);
  if (refused !== undefined) return { skipped: refused };
  const read: ReadImage[] = [];
  const leftOut: Reason[] = [];
  for (const image of images.images) {
    signal.throwIfAborted();
    const reading = await readImage(ports, model, image, signal);
    if (isSkipped(reading)) leftOut.push(reading.skipped);
    else read.push(reading);
  }
  if (read.length === 0) return { skipped: leftOut[0]! };
  const said = read.flatMap((one) => one.said);
  const [outlines, embeddings] = [outlinesOf(said), embeddingsOf(said)];
  return {
    model,
    images,
    findings: findingsOfImages(images, model, read, leftOut),
    ...(outlines && { outlines }),
    ...(embeddings && { embeddings }),
  };
}

async function readImage(
  { voxels, inference }: Pick<Ports, 'voxels' | 'inference'>,
  { card, references }: ImageModel,
  image: ImageFrame,
  signal: AbortSignal,
): Promise<ReadImage | Skipped> {
  const unfit = outsideImageLimits(image, card);
  if (unfit !== undefined) return { skipped: unfit };
  const prepared = prepareImage(image, card.input);
  const implausible = outsidePixelLimits(image, prepared, card);
  if (implausible !== undefined) return { skipped: implausible };

  const response = await inference.infer(imageRequest(card, prepared), signal);
  const answer: ImageAnswer = { response, image, references, shape: card.input.shape, placement: prepared.placement };
  const said: OutputReading[] = [];
  for (const output of card.outputs) {
    const reading =
      output.kind === 'label-map' ? await readImageLabels(voxels, output, answer, signal) : readOutput(output, answer);
    if (isSkipped(reading)) return reading;
    said.push(reading);
  }
  return { image, said, provider: response.provider };
}

/** What came back, and what it is about. */
interface ImageAnswer extends LabelledImage {
  readonly references: ModelPackage['references'];
}

/** Every other kind of output that a card of images can declare. */
function readOutput(
  output: Exclude<OutputRule, LabelMapOutput>,
  { response, image, references, shape, placement }: ImageAnswer,
): OutputReading | Skipped {
  switch (output.kind) {
    case 'classification':
      return classification(response, output, [imageReference(image)]);
    case 'detection':
      return imageDetections(response, output, shape, placement, image);
    case 'measurement':
      return measurement(response, output, [imageReference(image)]);
    case 'embedding':
      return embedding(response, output, references, [imageReference(image)]);
    case 'text':
      throw new WetreadError('internal', 'Text is read of pictures, not of an image as a tensor');
  }
}
