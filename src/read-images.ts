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
import type { Placement } from './inference/images/resize.ts';
import type { CardOf, ImageInput, ModelPackage, OutputRule } from './inference/model-package.ts';
import { embeddingsOf, type OutputReading, type Reading } from './inference/reading.ts';
import type { InferenceResponse } from './inference/tensor.ts';
import type { Ports } from './ports.ts';
import { isSkipped, type Reason, type Skipped } from './reasons.ts';

type ImageModel = ModelPackage & { readonly card: CardOf<'image'> };

/** Every image that passes the gate is a run of its own; the series has a reading where one of them has. */
export async function readImages(
  inference: Ports['inference'],
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
    const reading = await readImage(inference, model, image, signal);
    if (isSkipped(reading)) leftOut.push(reading.skipped);
    else read.push(reading);
  }
  if (read.length === 0) return { skipped: leftOut[0]! };
  const embeddings = embeddingsOf(read.flatMap(({ said }) => said));
  return {
    model,
    images,
    findings: findingsOfImages(images, model, read, leftOut),
    ...(embeddings && { embeddings }),
  };
}

async function readImage(
  inference: Ports['inference'],
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
  const said: OutputReading[] = [];
  for (const output of card.outputs) {
    const reading = readOutput(output, card.input, { response, image, references, placement: prepared.placement });
    if (isSkipped(reading)) return reading;
    said.push(reading);
  }
  return { image, said, provider: response.provider };
}

/** What came back, and what it is about. */
interface ImageAnswer {
  readonly response: InferenceResponse;
  readonly image: ImageFrame;
  readonly references: ModelPackage['references'];
  /** Of the image in the model's input. */
  readonly placement: Placement;
}

/** Every kind of output that a card of images can declare. */
function readOutput(
  output: OutputRule,
  { shape }: ImageInput,
  { response, image, references, placement }: ImageAnswer,
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
    case 'label-map':
    case 'text':
      throw new WetreadError('internal', `No output of the kind ${output.kind} is read of an image`);
  }
}
