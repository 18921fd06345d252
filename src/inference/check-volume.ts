/** What JSON Schema cannot say about a volume as input, and about labels on its grid. */
import type { ChannelStep } from './channel-steps.ts';
import { fixedSizes } from './input-grid.ts';
import { encodedLayout, encodingOf } from './label-encoding.ts';
import type { LabelMapOutput, OutputRule, VolumeInput } from './model-package.ts';
import { inputChannels, inputLayout } from './prepare.ts';

export function volumeContradictions(input: VolumeInput, outputs: readonly OutputRule[]): readonly string[] {
  return [...gridContradictions(input), ...intensityContradictions(input), ...windowContradictions(input, outputs)];
}

function gridContradictions(input: VolumeInput): readonly string[] {
  const { spacingMm, shape, depth, fit, orientation, maximumShape } = input;
  const { length: tooLarge } = fixedSizes(input).filter((size, axis) => (size ?? 0) > maximumShape[axis]!);
  const voxels = maximumShape.reduce((product, size) => product * size, 1);
  return [
    ...unless(voxels <= MOST_VOXELS, '/input/maximumShape: more than 2^30 voxels'),
    ...unless((spacingMm === undefined) !== (shape === undefined), '/input: either spacingMm or shape'),
    ...unless(tooLarge === 0, '/input/maximumShape: smaller than what the card makes of every volume'),
    ...unless(
      depth?.kind !== 'sample' || orientation === 'as-acquired',
      "/input/depth: the image's own slices need the orientation as-acquired",
    ),
    ...unless(
      fit?.anchor !== 'top' || orientation !== 'as-acquired',
      '/input/fit: without LPS or RAS no end is the top',
    ),
    ...unless(
      depth?.kind !== 'nearest-multiple' || depth.of <= depth.maximum,
      '/input/depth: maximum is below one multiple',
    ),
  ];
}

/** 2 GiB of INT16: what one request to an inference service may hold. */
const MOST_VOXELS = 2 ** 30;

function intensityContradictions(input: VolumeInput): readonly string[] {
  const { intensity } = input;
  const steps = 'channels' in intensity ? intensity.channels : [];
  return [
    ...unless(
      inputChannels(input) === 1 || inputLayout(input).includes('C'),
      '/input/layout: no place for more than one channel',
    ),
    ...unless(!('low' in intensity) || intensity.low < intensity.high, '/input/intensity: low is not below high'),
    ...stepContradictions(steps, '/input/intensity/channels'),
  ];
}

/** Also of images, whose channels are made by the same steps. @param key of the list */
export function stepContradictions(steps: readonly ChannelStep[], key: string): readonly string[] {
  return steps.flatMap(({ clip, to }, at) => [
    ...unless(!('low' in clip) || clip.low < clip.high, `${key}/${at}/clip: low is not below high`),
    ...unless(
      clip.kind !== 'none' || to === undefined,
      `${key}/${at}/to: without a clip nothing says what becomes its ends`,
    ),
  ]);
}

function windowContradictions({ window }: VolumeInput, outputs: readonly OutputRule[]): readonly string[] {
  const [only] = outputs;
  const blends = outputs.length === 1 && only?.kind === 'label-map' && encodingOf(only).kind !== 'labels';
  return [
    ...unless(
      window === undefined || blends,
      '/input/window: only scores can be blended: one label map of logits, probabilities or sigmoid',
    ),
    ...unless(
      window?.margin === undefined || window.shape.every((size) => size > 2 * window.margin!),
      '/input/window/margin: nothing of a window is left',
    ),
  ];
}

export function encodingContradictions(output: LabelMapOutput, key: string): readonly string[] {
  const encoding = encodingOf(output);
  if (encoding.kind === 'labels') return [];
  const labels = [...output.segments, ...output.otherLabels].map(({ label }) => label);
  return [
    ...unless(encodedLayout(encoding).includes('C'), `${key}/encoding/layout: scores have a channel axis`),
    ...unless(
      encoding.kind !== 'sigmoid' || labels.every((label) => label <= encoding.thresholds.length),
      `${key}/encoding/thresholds: a label has no channel`,
    ),
    ...unless(
      encoding.kind !== 'sigmoid' || encoding.thresholds.every((_, channel) => labels.includes(channel + 1)),
      `${key}/encoding/thresholds: a channel has no label`,
    ),
  ];
}

function unless(holds: boolean, sentence: string): readonly string[] {
  return holds ? [] : [sentence];
}
