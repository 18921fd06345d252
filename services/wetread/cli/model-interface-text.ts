/** What goes into a model and what comes out of it, in words. */
import { PLAIN_LAYOUT } from '../../../src/assembly/layout.ts';
import type { Measurement } from '../../../src/inference/findings.ts';
import { gridText } from '../../../src/inference/input-grid.ts';
import type { InputRule, ModelCard, OutputRule, VolumeInput } from '../../../src/inference/model-package.ts';
import { inputChannels, inputLayout } from '../../../src/inference/prepare.ts';
import { seriesSlots } from '../../../src/inference/slots.ts';
import { measureName } from '../../../src/reporting/finding-text.ts';
import { unitText } from '../../../src/reporting/text.ts';
import { countText } from './progress.ts';

/** What is refused. */
export function limitLines({ input, outputs }: ModelCard): readonly string[] {
  const { refusedBodyParts, values } = input.gate;
  return [
    ...sizeLimits(input),
    ...(refusedBodyParts.length === 0 ? [] : [`  not ${refusedBodyParts.join(', ')}`]),
    ...values.map(({ meaning, minimumPercent }) => `  at least ${minimumPercent} % ${meaning}`),
    ...outputs.flatMap(outputLimits),
  ];
}

function sizeLimits(input: InputRule): readonly string[] {
  if (input.kind === 'image' || input.kind === 'pictures') {
    const { minimumRows, minimumColumns, maximumImages, minimumCorrelation } = input.gate;
    return [
      `  at least ${minimumColumns} × ${minimumRows} pixels, at most ${countText(maximumImages, 'image', 'images')}`,
      `  neighbouring pixels correlated by ${minimumCorrelation} at least: noise is refused`,
    ];
  }
  const { minimumSlices, minimumExtentMm, maximumSpacingMm } = input.gate;
  return [
    `  at least ${countText(minimumSlices, 'slice', 'slices')}, ${minimumExtentMm.join(' × ')} mm; spacing at most ${maximumSpacingMm.join(' × ')} mm`,
  ];
}

function outputLimits(output: OutputRule): readonly string[] {
  switch (output.kind) {
    case 'label-map':
      return output.gate.regions.flatMap(({ meaning, milliliters, percent }) => [
        ...(milliliters === undefined ? [] : [`  ${meaning}: ${milliliters.minimum} to ${milliliters.maximum} ml`]),
        ...(percent === undefined ? [] : [`  ${meaning}: ${percent.minimum} to ${percent.maximum} % of the image`]),
      ]);
    case 'classification':
      return output.gate.map(({ meaning, minimum }) => `  ${meaning}: probability at least ${minimum}`);
    case 'measurement':
      return output.findings.flatMap(({ concept, measures }) =>
        measures.map(
          ({ concept: what, plausible: { minimum, maximum }, unit }) =>
            `  ${concept.meaning}, ${what.meaning.toLowerCase()}: ${minimum} to ${maximum} ${unitText(unit.value)}, else not told`,
        ),
      );
    case 'detection':
    case 'embedding':
    case 'text':
      return [];
  }
}

export function inputLines(input: InputRule): readonly string[] {
  switch (input.kind) {
    case 'volume': {
      const { tensor, intensity, units, window, maximumShape } = input;
      const values = 'low' in intensity ? `, ${intensity.low} to ${intensity.high} as 0 to 1` : '';
      const most = `${gridText(input)}, at most ${maximumShape.join(' × ')}`;
      return [
        `  in: ${tensor}, ${intensity.datatype} in ${units}${values}; ${most}`,
        ...(isUsual(input) ? [] : [`    ${input.orientation} ${inputLayout(input)}, ${channelsText(input)}`]),
        ...(window === undefined
          ? []
          : [`    in windows of ${window.shape.join(' × ')}, overlap ${window.overlap}, ${window.blend}`]),
      ];
    }
    case 'image': {
      const { tensor, layout, shape, resize, values, merge, channels } = input;
      const several = merge === 'maximum' ? 'of several images the most probable answer' : 'every image told by itself';
      return [
        `  in: ${tensor}, FP32 ${layout}, ${countText(channels.length, 'channel', 'channels')} of ${shape.join(' × ')}, ${resize}, values ${values}; ${several}`,
      ];
    }
    case 'slices': {
      const windows = input.windows.map(({ meaning }) => meaning).join(', ');
      return [`  in: slices as pictures of ${input.size} pixels, ${windows}`];
    }
    case 'pictures': {
      const { size, window, views } = input;
      const shades = window.kind === 'voi' ? 'as displayed' : `from percentile ${window.low} to ${window.high}`;
      const named = (views ?? []).map(({ meaning, required }) =>
        required ? meaning : `${meaning} where there is one`,
      );
      return [
        `  in: images as pictures of ${size} pixels, ${shades}${named.length === 0 ? '' : `; ${named.join(', ')}`}; all in one question`,
      ];
    }
  }
}

/** One channel, slices, rows, columns in LPS: nothing that a reader would have to be told. */
function isUsual(input: VolumeInput): boolean {
  return input.orientation === 'LPS' && inputLayout(input) === PLAIN_LAYOUT && inputChannels(input) === 1;
}

function channelsText(input: VolumeInput): string {
  const count = countText(inputChannels(input), 'channel', 'channels');
  if (!('channels' in input.intensity) || seriesSlots(input).length === 0) return count;
  return `${count}: ${input.intensity.channels.map(({ slot = 'what is read' }) => slot).join(', ')}`;
}

export function outputLines(output: OutputRule): readonly string[] {
  switch (output.kind) {
    case 'label-map':
      return [
        `  out: ${output.tensor}, one label a voxel or pixel`,
        ...output.segments.map(({ label, title }) => `    ${label} ${title}: segment`),
        ...output.otherLabels.map(({ label, meaning }) => `    ${label} ${meaning}: not shown`),
      ];
    case 'classification':
      return [
        `  out: ${output.tensor}, a score for each class`,
        ...output.labels.map(
          ({ index, concept, thresholds: { present, absent } }) =>
            `    ${index} ${concept.meaning}: present from ${present}, absent to ${absent}`,
        ),
      ];
    case 'detection':
      return [`  out: ${output.places.tensor}, detections from a probability of ${output.threshold}`];
    case 'measurement':
    case 'embedding':
      return [`  out: ${output.tensor}, ${countText(output.length, 'number', 'numbers')}`];
    case 'text':
      return [`  out: text for ${output.sections.join(' and ')}`];
  }
}

/** What can be found, by the keys of the card. */
export function findingLines(output: OutputRule): readonly string[] {
  switch (output.kind) {
    case 'label-map':
    case 'measurement':
      return output.findings.map((finding) => {
        const values = finding.measures.map(measureText);
        return `${findingText(finding)}: ${values.join(', ')}`;
      });
    case 'detection':
      return output.classes.map(findingText);
    case 'embedding':
      return output.findings.map(findingText);
    case 'classification':
    case 'text':
      return output.labels.map(findingText);
  }
}

/** "mean density (HU)"; a count has no unit. */
function measureText(measure: Pick<Measurement, 'name' | 'concept' | 'unit'>): string {
  const unit = unitText(measure.unit.value);
  return unit === '' ? measureName(measure) : `${measureName(measure)} (${unit})`;
}

type Named = Pick<ModelCard['outputs'][number] & { kind: 'classification' }, 'labels'>['labels'][number];

function findingText({ key, concept, laterality }: Pick<Named, 'key' | 'concept' | 'laterality'>): string {
  return `  ${key}: ${concept.meaning}${laterality === undefined ? '' : `, ${laterality.meaning}`}`;
}
