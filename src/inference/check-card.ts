/** What JSON Schema cannot say about a card: that its parts refer to each other. */

import { keyContradictions } from './check-keys.ts';
import { imageLabelContradictions, volumeLabelContradictions } from './check-labels.ts';
import { reportContradictions } from './check-report.ts';
import { scopeContradictions } from './check-scope.ts';
import { encodingContradictions, stepContradictions, volumeContradictions } from './check-volume.ts';
import { detectionContradictions } from './heads/check-detection.ts';
import { embeddingContradictions, measurementContradictions, regionContradictions } from './heads/check-numbers.ts';
import {
  type ClassificationOutput,
  type ImageInput,
  type InputRule,
  type LabelMapOutput,
  type ModelCard,
  type OutputRule,
  outputTensors,
  type PicturesInput,
} from './model-package.ts';

/** Sentences about what contradicts; none where the card holds together. */
export function contradictions(card: ModelCard): string[] {
  const { input, outputs } = card;
  return [
    ...inputContradictions(input, outputs),
    ...runtimeContradictions(card),
    ...keyContradictions(card),
    ...unless(isUnique(outputs.flatMap(outputTensors)), '/outputs: a tensor is read twice'),
    ...unless(outputs.filter(({ kind }) => kind === 'label-map').length <= 1, '/outputs: more than one label map'),
    ...scopeContradictions(card),
    ...outputs.flatMap((output, at) => outputContradictions(output, input, `/outputs/${at}`)),
    ...reportContradictions(card),
  ];
}

function inputContradictions(input: InputRule, outputs: readonly OutputRule[]): readonly string[] {
  switch (input.kind) {
    case 'volume':
      return volumeContradictions(input, outputs);
    case 'image':
      return imageContradictions(input);
    case 'slices':
      return unless(
        input.windows.every(({ low, high }) => low < high),
        '/input/windows: low is not below high',
      );
    case 'pictures':
      return picturesContradictions(input);
  }
}

/** A language model looks at pictures and writes; nothing else can be asked of its server, and nothing else writes. */
function runtimeContradictions({ runtime, input, outputs }: ModelCard): readonly string[] {
  const writes = outputs.filter(({ kind }) => kind === 'text').length;
  const isPictured = input.kind === 'slices' || input.kind === 'pictures';
  if (runtime.kind === 'chat-completions')
    return [
      ...unless(isPictured, '/input: a runtime of kind chat-completions reads slices or pictures'),
      ...unless(writes === 1 && outputs.length === 1, '/outputs: a runtime of kind chat-completions gives one text'),
      ...unless(
        input.gate.burnedInText !== 'accepted',
        '/input/gate/burnedInText: images with burned-in text are never shown to a language model',
      ),
    ];
  return [
    ...unless(!isPictured, '/input: pictures need a runtime of kind chat-completions'),
    ...unless(writes === 0, '/outputs: a text needs a runtime of kind chat-completions'),
  ];
}

function imageContradictions({ layout, channels, fill, values, color }: ImageInput): readonly string[] {
  return [
    ...unless(color !== 'rgb' || channels.length === 3, '/input/color: rgb has three channels'),
    ...unless(layout !== 'HW' || channels.length === 1, '/input/layout: HW has no place for more than one channel'),
    ...unless(values !== 'voi' || (fill >= 0 && fill <= 1), '/input/fill: values run from 0 to 1'),
    ...stepContradictions(channels, '/input/channels'),
  ];
}

function picturesContradictions({ window, views }: PicturesInput): readonly string[] {
  const positions = (views ?? []).flatMap((view) => view.positions.map((position) => position.toUpperCase()));
  return [
    ...unless(window.kind !== 'percentiles' || window.low < window.high, '/input/window: low is not below high'),
    ...unless(isUnique(positions), '/input/views: a View Position is declared twice'),
  ];
}

function outputContradictions(output: OutputRule, input: InputRule, key: string): readonly string[] {
  switch (output.kind) {
    case 'label-map':
      return [
        ...(input.kind === 'image'
          ? [
              ...keptApart(output, input, key),
              ...unless(
                input.color === undefined,
                `${key}: outlines are made on greyscale images, without /input/color`,
              ),
              ...imageLabelContradictions(output, key),
            ]
          : volumeLabelContradictions(output, key)),
        ...encodingContradictions(output, key),
        ...labelMapContradictions(output, key),
      ];
    case 'classification':
      return classificationContradictions(output, key);
    case 'detection':
      return [
        ...keptApart(output, input, key),
        ...detectionContradictions(output, key, input.kind === 'volume' ? 3 : 2),
      ];
    case 'measurement':
      return [...keptApart(output, input, key), ...measurementContradictions(output, key)];
    case 'embedding':
      return [...keptApart(output, input, key), ...embeddingContradictions(output, key)];
    case 'text':
      return [];
  }
}

/** What has no probability of its own cannot be the most probable of several images. */
function keptApart({ kind }: OutputRule, input: InputRule, key: string): readonly string[] {
  return unless(
    input.kind !== 'image' || input.merge === 'each',
    `/input/merge: must be "each", since of several images every ${kind} of ${key} is kept`,
  );
}

function classificationContradictions(
  { labels, activation, temperature }: ClassificationOutput,
  key: string,
): string[] {
  return [
    ...unless(isUnique(labels.map(({ index }) => index)), `${key}/labels: an index is used twice`),
    ...unless(
      isUnique(labels.map(meaningOf)),
      `${key}/labels: two mean the same, and could be present and absent in one draft`,
    ),
    ...labels.flatMap(({ thresholds: { present, absent } }, at) =>
      unless(absent < present, `${key}/labels/${at}/thresholds: absent is not below present`),
    ),
    ...unless(
      activation !== 'none' || temperature === undefined,
      `${key}/temperature: probabilities have none, only scores before an activation`,
    ),
  ];
}

/** What a reader takes a finding for: concept, site and side, by their codes. */
function meaningOf({ concept, site, laterality }: ClassificationOutput['labels'][number]): string {
  return JSON.stringify([concept, site, laterality].map((code) => [code?.scheme, code?.value]));
}

function labelMapContradictions(
  { segments, otherLabels, refine, findings, gate }: LabelMapOutput,
  key: string,
): string[] {
  const labels = [...segments, ...otherLabels].map(({ label }) => label);
  const numbers = segments.map(({ number }) => number);
  const { regions, complete, sides } = gate;
  const gated = [
    ...regions.map(({ label }) => label),
    ...(complete?.labels ?? []),
    ...(sides === undefined ? [] : [sides.right, sides.left, sides.between]),
  ];
  return [
    ...unless(isUnique(labels), `${key}: a label is declared twice`),
    ...unless(
      numbers.every((number, i) => number === i + 1),
      `${key}/segments: numbers do not run from 1 without gaps`,
    ),
    ...unless(isUnique(segments.map((segment) => segment.key)), `${key}/segments: a key is used twice`),
    ...unless(
      refine.range === undefined || refine.range.low < refine.range.high,
      `${key}/refine/range: low is not below high`,
    ),
    ...unless(
      findings.every((rule) => rule.segments.every((n) => numbers.includes(n))),
      `${key}/findings: a segment is not declared`,
    ),
    ...unless(
      findings.every((rule) => isUnique(rule.measures.map((measure) => measure.key))),
      `${key}/findings: a measure key is used twice`,
    ),
    ...findings.flatMap((rule) => regionContradictions(rule, `${key}/findings`)),
    ...unless(
      gated.every((label) => labels.includes(label)),
      `${key}/gate: a label is not declared`,
    ),
  ];
}

function unless(holds: boolean, sentence: string): readonly string[] {
  return holds ? [] : [sentence];
}

function isUnique(values: readonly unknown[]): boolean {
  return new Set(values).size === values.length;
}
