/** The gate behind a model that outlines: does its answer look like what the card says it is? */
import type { Volume } from '../assembly/volume.ts';
import { type Reason, reason, type Skipped } from '../reasons.ts';
import { type Region, regionOf } from './label-regions.ts';
import type { CoarseLabels, LabelMapOutput } from './model-package.ts';

/**
 * Does the answer look like the organ? A head, an abdomen or half a chest gives labels too; here they end, with facts.
 * Undefined where the labels may be measured.
 */
export function gateLabels(maps: readonly CoarseLabels[], volume: Volume, output: LabelMapOutput): Skipped | undefined {
  const regions = new Regions(maps, volume, output);
  const found = cutOff(regions, output) ?? wrongRegion(regions, output, volume.units) ?? wrongSides(regions, output);
  return found === undefined ? undefined : { skipped: found };
}

const EVERY_VALUE = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/** Regions by label, counted once each, when they are asked for. */
class Regions {
  readonly #known = new Map<number, Region>();
  readonly #count: (label: number) => Region;

  constructor(maps: readonly CoarseLabels[], volume: Volume, output: LabelMapOutput) {
    const mapWith = (label: number): CoarseLabels => maps.find(({ labels }) => labels.includes(label)) ?? maps[0]!;
    this.#count = (label) => regionOf(label, mapWith(label), volume, output.refine.range ?? EVERY_VALUE);
  }

  of(label: number): Region {
    const region = this.#known.get(label) ?? this.#count(label);
    this.#known.set(label, region);
    return region;
  }
}

function wrongRegion(
  regions: Regions,
  { gate: { regions: gates } }: LabelMapOutput,
  units: string,
): Reason | undefined {
  for (const gate of gates) {
    const { milliliters, mean, heightMm } = regions.of(gate.label);
    const wrong = (fact: string): Reason => reason('wrong-body-part', `${gate.meaning}: ${fact}`);
    if (gate.milliliters !== undefined && outside(milliliters, gate.milliliters))
      return wrong(`${milliliters.toFixed(0)} ml, ${expected(gate.milliliters)}`);
    if (gate.mean !== undefined && outside(mean, gate.mean))
      return wrong(`mean ${mean.toFixed(0)} ${units}, ${expected(gate.mean)}`);
    if (gate.minimumHeightMm !== undefined && heightMm < gate.minimumHeightMm)
      return wrong(`${heightMm.toFixed(0)} mm high, expected at least ${gate.minimumHeightMm}`);
  }
  return undefined;
}

export interface Limits {
  readonly minimum: number;
  readonly maximum: number;
}

export function outside(value: number, { minimum, maximum }: Limits): boolean {
  return !(value >= minimum && value <= maximum);
}

export function expected({ minimum, maximum }: Limits): string {
  return `expected ${minimum} to ${maximum}`;
}

function wrongSides(regions: Regions, output: LabelMapOutput): Reason | undefined {
  const gate = output.gate.sides;
  if (gate === undefined) return undefined;
  const [right, left, between] = [regions.of(gate.right), regions.of(gate.left), regions.of(gate.between)];
  const apart = left.center[0] - right.center[0];
  if (apart < gate.minimumDistanceMm)
    return reason(
      'wrong-body-part',
      `right and left are ${apart.toFixed(0)} mm apart, expected ${gate.minimumDistanceMm}`,
    );
  if (between.center[0] < right.center[0] || between.center[0] > left.center[0])
    return reason('wrong-body-part', 'the airways do not lie between right and left');
  const small = Math.min(right.milliliters, left.milliliters);
  const large = Math.max(right.milliliters, left.milliliters);
  if (large > small * gate.maximumRatio)
    return reason('outside-model-limits', `one side has ${large.toFixed(0)} ml, the other ${small.toFixed(0)} ml`);
  return undefined;
}

/** Less than this of an organ says nothing about where it ends. */
const TRACE_ML = 50;

function cutOff(regions: Regions, output: LabelMapOutput): Reason | undefined {
  const gate = output.gate.complete;
  if (gate === undefined) return undefined;
  const parts = gate.labels.map((label) => regions.of(label));
  if (parts.every(({ milliliters }) => milliliters < TRACE_ML)) return undefined;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const largest = sum(parts.map((part) => part.largestArea));
  for (const [end, areas] of [
    ['first', parts.map((part) => part.firstSliceArea)],
    ['last', parts.map((part) => part.lastSliceArea)],
  ] as const) {
    const percent = (100 * sum(areas)) / largest;
    if (percent > gate.maximumEdgePercent)
      return reason('coverage-insufficient', `${percent.toFixed(0)} % of the largest area lies in the ${end} slice`);
  }
  return undefined;
}
