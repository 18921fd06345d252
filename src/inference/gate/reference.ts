/** Does an image look like those that the model was made for? Its statistics against the package's reference ranges. */
import type { Reference } from '../../../contracts/generated/types.ts';
import { type Reason, reason } from '../../reasons.ts';
import type { StatisticName, Statistics } from './reference-ranges.ts';

/** The first statistic outside its range; one that the image does not have, such as a size without spacing, decides nothing. */
export function outOfDistribution(statistics: Statistics, reference: Reference | undefined): Reason | undefined {
  if (reference === undefined) return undefined;
  for (const [name, range] of Object.entries(reference.ranges)) {
    const value = statistics[name as StatisticName];
    if (value === undefined || (value >= range.minimum && value <= range.maximum)) continue;
    return reason(
      'out-of-distribution',
      `${name} is ${shown(value)}, the model was made for ${shown(range.minimum)} to ${shown(range.maximum)}`,
    );
  }
  return undefined;
}

function shown(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
