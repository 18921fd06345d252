/** Statistics of an image by name, and reference ranges from cases: what a package's author computes from images that the model was made for. */
import type { ReferenceRanges } from '../../../contracts/generated/types.ts';

export type StatisticName = keyof ReferenceRanges;
export type Statistics = Readonly<Partial<Record<StatisticName, number>>>;

/** Beyond the lowest and the highest case: a share of their distance, and where they hardly differ of their size. */
const MARGIN_OF_DISTANCE = 0.2;
const MARGIN_OF_SIZE = 0.05;

/** Of every statistic that all cases have: from the lowest to the highest with a margin, so that every case lies inside. */
export function referenceRanges(cases: readonly Statistics[]): ReferenceRanges {
  const [first = {}, ...others] = cases;
  const names = (Object.keys(first) as StatisticName[]).filter((name) =>
    others.every((one) => one[name] !== undefined),
  );
  return Object.fromEntries(
    names.map((name) => [
      name,
      rangeOf(
        name,
        cases.map((one) => one[name]!),
      ),
    ]),
  );
}

function rangeOf(name: StatisticName, values: readonly number[]): { minimum: number; maximum: number } {
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  const size = Math.max(Math.abs(lowest), Math.abs(highest));
  const margin = Math.max(MARGIN_OF_DISTANCE * (highest - lowest), MARGIN_OF_SIZE * size);
  const minimum = outwards(lowest - margin, Math.floor);
  const maximum = outwards(highest + margin, Math.ceil);
  if (!name.endsWith('Percent') || name === 'denseBehindPercent') return { minimum, maximum };
  return { minimum: Math.max(0, minimum), maximum: Math.min(100, maximum) };
}

/** To three digits, so that a card stays readable and no case falls out. */
function outwards(value: number, round: (value: number) => number): number {
  const step = 10 ** (Math.floor(Math.log10(Math.max(Math.abs(value), 1e-6))) - 2);
  return Number((round(Number((value / step).toPrecision(12))) * step).toPrecision(12));
}
