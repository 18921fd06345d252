/** Labels of one image: gated, carried to its pixels, measured there. */
import { imagePlane } from './assembly/image-plane.ts';
import type { ImageFrame } from './assembly/volume.ts';
import { regionRules } from './inference/findings-from.ts';
import { gateImageLabels, imageGrid, imageOutlinedFindings, smallestOnImage } from './inference/images/image-labels.ts';
import type { Placement } from './inference/images/resize.ts';
import type { LabelMapOutput, RefineRule } from './inference/model-package.ts';
import type { OutputReading } from './inference/reading.ts';
import type { InferenceResponse } from './inference/tensor.ts';
import { outline } from './outline.ts';
import type { Ports } from './ports.ts';
import type { Skipped } from './reasons.ts';
import { labelsIn } from './run-on-volume.ts';

/** The answer of one run, and the image that it is about. */
export interface LabelledImage {
  readonly response: InferenceResponse;
  readonly image: ImageFrame;
  /** Of the model's input, `[rows, columns]`, and of the image in it. */
  readonly shape: readonly [number, number];
  readonly placement: Placement;
}

/** Every pixel counts, whatever its value: those of a projection have no unit that a card could name. */
const EVERY_PIXEL: RefineRule['range'] = { low: -0x8000, high: 0x7fff };

export async function readImageLabels(
  voxels: Ports['voxels'],
  output: LabelMapOutput,
  { response, image, shape, placement }: LabelledImage,
  signal: AbortSignal,
): Promise<OutputReading | Skipped> {
  const plane = imagePlane(image);
  const maps = await labelsIn(voxels, response, output, imageGrid(plane, shape, placement), signal);
  const implausible = gateImageLabels(maps, plane, placement, output);
  if (implausible !== undefined) return implausible;

  const rule: RefineRule = { segments: output.segments, range: EVERY_PIXEL };
  const outlines = await outline(voxels, plane, maps, rule, signal);
  const rules = regionRules(output, rule, smallestOnImage(plane));
  const regions = await voxels.measureRegions(outlines.segmentation, rules, signal);
  const { statistics } = outlines;
  return { ...imageOutlinedFindings({ plane, statistics, regions }, output), outlines, parameters: {} };
}
