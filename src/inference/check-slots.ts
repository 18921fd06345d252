/** What JSON Schema cannot say about slots: that something can fill them, and that the input is made of what fills them. */
import { WetreadError } from '../errors.ts';
import type { InputRule, VolumeInput } from './model-package.ts';
import { parseSelection } from './rules/parse-rules.ts';
import { seriesSlots } from './slots.ts';

/** Sentences about what contradicts, each beginning with its key. */
export function slotContradictions(input: InputRule): readonly string[] {
  const isVolume = input.kind === 'volume';
  return [
    ...(input.slots ?? []).flatMap((slot, at) => {
      const key = `/input/slots/${at}`;
      if (slot.kind === 'other-series' && isVolume) return [];
      // a model that misses images which it was made to see would be guessing: better none (safety R13)
      if (slot.required)
        return [`${key}: the model needs ${slot.meaning} (${slot.kind}), which Wetread cannot give it yet`];
      return slot.kind === 'other-series' ? [`${key}: further series are given to models of volumes only`] : [];
    }),
    ...(isVolume ? volumeSlotContradictions(input) : []),
    ...(input.kind === 'image'
      ? input.channels.flatMap(({ slot }, at) =>
          unless(slot === undefined, `/input/channels/${at}/slot: images are given no further series`),
        )
      : []),
  ];
}

function volumeSlotContradictions(input: VolumeInput): readonly string[] {
  const slots = seriesSlots(input);
  const names = slots.map(({ name }) => name);
  const sources = 'channels' in input.intensity ? input.intensity.channels.map(({ slot }) => slot) : [undefined];
  return [
    ...unless(new Set(names).size === names.length, '/input/slots: a name is used twice'),
    ...names.flatMap((name, at) =>
      unless(sources.includes(name), `/input/slots/${at}: no channel is made from ${name}`),
    ),
    ...sources.flatMap((name, at) =>
      unless(
        name === undefined || names.includes(name),
        `/input/intensity/channels/${at}/slot: no slot is named ${name}`,
      ),
    ),
    ...unless(sources.includes(undefined), '/input/intensity/channels: none is made from the series that is read'),
    ...unless(
      slots.length === 0 || input.series !== undefined,
      '/input/series: a model that is given further series says which one it reads',
    ),
    ...selectionContradictions(input),
  ];
}

/** Of selections of series: what the rules of a site would be refused for. */
function selectionContradictions({ series, slots }: VolumeInput): readonly string[] {
  const written = [
    { selection: series, key: '/input/series' },
    ...(slots ?? []).map((slot, at) => ({
      selection: slot.kind === 'other-series' ? slot.series : undefined,
      key: `/input/slots/${at}/series`,
    })),
  ];
  return written.flatMap(({ selection, key }) => {
    try {
      if (selection !== undefined) parseSelection(selection, key);
      return [];
    } catch (error) {
      return [WetreadError.from(error).message];
    }
  });
}

function unless(holds: boolean, sentence: string): readonly string[] {
  return holds ? [] : [sentence];
}
