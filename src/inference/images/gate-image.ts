/** The gate before a model of images: does the image fit the intended use? A refusal is a result, with facts (safety R2, R13). */
import type { ImageHeader } from '../../arrival/study.ts';
import { colorModelOf } from '../../assembly/color.ts';
import type { ImageFrame, ImageSet } from '../../assembly/volume.ts';
import { type Reason, reason } from '../../reasons.ts';
import { outsideIntendedUse } from '../gate/intended-use.ts';
import { outsidePictureLimits } from '../gate/picture.ts';
import { outOfDistribution } from '../gate/reference.ts';
import { statisticsOfImage } from '../gate/statistics.ts';
import type { CardOfImages } from '../model-package.ts';
import { viewOf } from './picture-of-image.ts';
import type { PreparedImage } from './prepare-image.ts';

/** Of a whole series, before any image of it is looked at. */
export function outsideSeriesLimits({ modality, images }: ImageSet, card: CardOfImages): Reason | undefined {
  if (!card.intendedUse.some((use) => use.modality === modality)) return reason('wrong-modality', modality);
  const { maximumImages } = card.input.gate;
  if (images.length <= maximumImages) return undefined;
  return reason('outside-model-limits', `${images.length} images in the series, limit ${maximumImages}`);
}

/** Of one image, before it is made into the model's input. */
export function outsideImageLimits(image: ImageFrame, { intendedUse, input }: CardOfImages): Reason | undefined {
  const { rows, columns } = image.header;
  const { minimumRows, minimumColumns } = input.gate;
  const unread = unreadColor(image.header, input);
  if (unread !== undefined) return unread;
  if (rows < minimumRows || columns < minimumColumns)
    return reason('outside-model-limits', `${columns} × ${rows} pixels, at least ${minimumColumns} × ${minimumRows}`);
  if (input.kind === 'pictures' && input.views !== undefined && viewOf(image, input) === undefined)
    return reason('wrong-view', 'View Position is none that the model is shown');
  return outsideIntendedUse(image.header, intendedUse) ?? outsidePictureLimits(image.header, input.gate);
}

function unreadColor(header: ImageHeader, input: CardOfImages['input']): Reason | undefined {
  if (header.samplesPerPixel === 1) return undefined;
  if (input.kind !== 'image' || input.color === undefined) return reason('color-image', 'the model reads greyscale');
  return colorModelOf(header) === undefined ? reason('pixel-format-unsupported', 'colour model') : undefined;
}

/** Of the pixels, in the model's size. */
export function outsidePixelLimits(
  image: ImageFrame,
  prepared: PreparedImage,
  { input }: CardOfImages,
): Reason | undefined {
  const { values, minimumCorrelation } = input.gate;
  if (prepared.brightness.counts.values.length <= 1) return reason('empty-image');
  const correlation = neighbourCorrelation(prepared);
  if (correlation < minimumCorrelation)
    return reason(
      'outside-model-limits',
      `neighbouring pixels correlate by ${correlation.toFixed(2)}, at least ${minimumCorrelation}`,
    );
  for (const { meaning, low, high, minimumPercent } of values) {
    const inside = prepared.plane.reduce((count, value) => count + (value >= low && value <= high ? 1 : 0), 0);
    const percent = (100 * inside) / prepared.plane.length;
    if (percent < minimumPercent)
      return reason(
        'outside-model-limits',
        `${percent.toFixed(1)} % of the pixels are ${meaning}, at least ${minimumPercent} %`,
      );
  }
  return outOfDistribution(statisticsOfImage(image), input.reference);
}

/** Pearson's, between pixels and their right and lower neighbours: near 0 for noise, near 1 for a body. */
function neighbourCorrelation({ plane, placement: { shape } }: PreparedImage): number {
  const [rows, columns] = shape;
  const mean = plane.reduce((sum, value) => sum + value, 0) / plane.length;
  let [products, squares, pairs] = [0, 0, 0];
  for (let at = 0; at < plane.length; at++) {
    const value = plane[at]! - mean;
    squares += value * value;
    if ((at + 1) % columns !== 0) {
      products += value * (plane[at + 1]! - mean);
      pairs++;
    }
    if (at + columns < rows * columns) {
      products += value * (plane[at + columns]! - mean);
      pairs++;
    }
  }
  return squares === 0 ? 0 : products / pairs / (squares / plane.length);
}
