/** The model's answer: checked against the card, then gated. */
import type { Grid } from '../assembly/grid.ts';
import type { Volume } from '../assembly/volume.ts';
import { WetreadError } from '../errors.ts';
import { type Reason, reason, type Skipped } from '../reasons.ts';
import { type Region, regionOf } from './label-regions.ts';
import type { CoarseLabels, LabelMapOutput } from './model-package.ts';
import type { InferenceResponse } from './tensor.ts';

/** @throws WetreadError `inference-failed` where name, datatype, shape or a label is not what the card declares. */
export function coarseLabels(response: InferenceResponse, output: LabelMapOutput, grid: Grid): CoarseLabels {
  const tensor = response.outputs.find((one) => one.name === output.tensor);
  if (tensor === undefined) throw failed(`has no output ${output.tensor}`);
  const { data, shape } = tensor;
  if (tensor.datatype !== 'UINT8' || !(data instanceof Uint8Array))
    throw failed(`${output.tensor} is ${tensor.datatype}, declared UINT8`);
  if (shape.join() !== grid.shape.join() || data.length !== grid.shape[0] * grid.shape[1] * grid.shape[2])
    throw failed(`${output.tensor} has shape [${shape.join(', ')}], declared [${grid.shape.join(', ')}]`);
  const declared = new Set([0, ...[...output.segments, ...output.otherLabels].map(({ label }) => label)]);
  const present = new Uint8Array(256);
  for (let i = 0; i < data.length; i++) present[data[i]!] = 1;
  const unknown = present.findIndex((seen, label) => seen === 1 && !declared.has(label));
  if (unknown >= 0) throw failed(`${output.tensor} holds the label ${unknown}, which the card does not declare`);
  return { grid, labels: shared(data) };
}

function failed(what: string): WetreadError {
  return new WetreadError('inference-failed', `The answer of the model ${what}`);
}

/** In shared memory, so that workers read the labels without a copy each. */
function shared(data: Uint8Array): Uint8Array<SharedArrayBuffer> {
  if (data.buffer instanceof SharedArrayBuffer) return data as Uint8Array<SharedArrayBuffer>;
  const copy = new Uint8Array(new SharedArrayBuffer(data.length));
  copy.set(data);
  return copy;
}

/**
 * Does the answer look like the organ? A head, an abdomen or half a chest gives labels too; here they end, with facts.
 * Undefined where the labels may be measured.
 */
export function gateLabels(labels: CoarseLabels, volume: Volume, output: LabelMapOutput): Skipped | undefined {
  const regions = new Regions(labels, volume, output);
  const found = cutOff(regions, output) ?? wrongRegion(regions, output, volume.units) ?? wrongSides(regions, output);
  return found === undefined ? undefined : { skipped: found };
}

/** Regions by label, counted once each, when they are asked for. */
class Regions {
  readonly #known = new Map<number, Region>();
  readonly #count: (label: number) => Region;

  constructor(labels: CoarseLabels, volume: Volume, output: LabelMapOutput) {
    this.#count = (label) => regionOf(label, labels, volume, output.refine.range);
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
    if (outside(milliliters, gate.milliliters))
      return wrong(`${milliliters.toFixed(0)} ml, ${expected(gate.milliliters)}`);
    if (gate.mean !== undefined && outside(mean, gate.mean))
      return wrong(`mean ${mean.toFixed(0)} ${units}, ${expected(gate.mean)}`);
    if (gate.minimumHeightMm !== undefined && heightMm < gate.minimumHeightMm)
      return wrong(`${heightMm.toFixed(0)} mm high, expected at least ${gate.minimumHeightMm}`);
  }
  return undefined;
}

interface Limits {
  readonly minimum: number;
  readonly maximum: number;
}

function outside(value: number, { minimum, maximum }: Limits): boolean {
  return !(value >= minimum && value <= maximum);
}

function expected({ minimum, maximum }: Limits): string {
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
