/** Do the values of an image look like those of a picture of the body at all? */
import type { ValueShare } from '../../../contracts/generated/types.ts';
import { type Reason, reason } from '../../reasons.ts';
import type { Sample } from './sample.ts';

/** @param shares what a card asks of the values, of those voxels that carry an image */
export function outsideValues({ values }: Sample, shares: readonly ValueShare[]): Reason | undefined {
  const present = values.filter((value) => !Number.isNaN(value));
  const [first] = present;
  if (present.every((value) => value === first)) return reason('empty-image');
  for (const { meaning, low, high, minimumPercent } of shares) {
    const count = present.reduce((sum, value) => sum + (value >= low && value <= high ? 1 : 0), 0);
    const percent = (100 * count) / present.length;
    if (percent < minimumPercent)
      return reason(
        'outside-model-limits',
        `${percent.toFixed(1)} % of the voxels are ${meaning}, expected at least ${minimumPercent} %`,
      );
  }
  return undefined;
}
