/**
 * What is measured of a region on an image of its own: counts and shares of pixels always, lengths and areas where the
 * image says how large its pixels are. Of a projection these are at the detector unless it is calibrated, and say so.
 */
import { type ImageScale, imageScale } from '../../assembly/image-scale.ts';
import type { ImageFrame } from '../../assembly/volume.ts';
import { AT_DETECTOR, type Code, UNSTATED_CALIBRATION } from '../../codes.ts';
import { WetreadError } from '../../errors.ts';
import type { Measurement } from '../findings.ts';
import { type MeasureRule, measureOf, NOT_AVAILABLE, rounded } from '../measures.ts';
import type { RegionShape } from '../regions/region-shape.ts';

export interface MeasuredOnImage {
  readonly image: ImageFrame;
  readonly pixels: number;
  /** Of the segments taken as one; of the whole image where there are none. */
  readonly pixelsOf: (segments: readonly number[] | undefined) => number;
  /** Where a measure needs it, and the region is not empty. */
  readonly shape?: RegionShape;
  /** Components that are large enough, where they were looked for: then an empty region is an answer. */
  readonly count?: number;
}

/** No value: the image does not say how large its pixels are (PS3.16 CID 42). */
const NOT_ATTEMPTED = { value: '114007', scheme: 'DCM', meaning: 'Measurement not attempted' } as const;

/** @throws WetreadError `internal` for a measure that has no meaning on an image, which no card that was loaded declares */
export function imageMeasurement(rule: MeasureRule, measured: MeasuredOnImage): Measurement {
  const scale = imageScale(measured.image);
  const base = isSize(rule) ? told(measureOf(rule), scale) : measureOf(rule);
  if (isSize(rule) && scale === undefined) return { ...base, qualifier: NOT_ATTEMPTED };
  const value = measuredValue(rule, measured, scale);
  return value === undefined
    ? { ...base, qualifier: NOT_AVAILABLE }
    : { ...base, value: rounded(value, rule.decimals) };
}

/** Does the measure need the size of the pixels? */
export function isSize({ kind }: MeasureRule): boolean {
  return kind === 'area' || kind === 'long-axis' || kind === 'short-axis';
}

const METHODS: Readonly<Record<ImageScale['at'], { readonly method: Code; readonly words: string } | undefined>> = {
  patient: undefined,
  detector: { method: AT_DETECTOR, words: 'at the detector' },
  unstated: { method: UNSTATED_CALIBRATION, words: 'by an uncalibrated pixel spacing' },
};

/** The name says where a size was measured, wherever it is read; the method says it in a code. */
function told(measure: Measurement, scale: ImageScale | undefined): Measurement {
  const how = scale && METHODS[scale.at];
  if (how === undefined) return measure;
  const name = `${measure.name ?? measure.concept.meaning.toLowerCase()} ${how.words}`;
  return { ...measure, name, method: how.method };
}

/** Undefined where there is nothing to measure. */
function measuredValue(
  rule: MeasureRule,
  { pixels, pixelsOf, shape, count }: MeasuredOnImage,
  scale: ImageScale | undefined,
): number | undefined {
  const isAnswer = pixels > 0 || count !== undefined;
  switch (rule.kind) {
    case 'count':
      return count;
    case 'area-share': {
      const whole = pixelsOf(rule.of);
      return isAnswer && whole > 0 ? (100 * pixels) / whole : undefined;
    }
    case 'area': {
      const [betweenRows, betweenColumns] = scale?.pixelSpacing ?? [Number.NaN, Number.NaN];
      const perUnit = rule.unit.value === 'cm2' ? 100 : 1;
      return isAnswer ? (pixels * betweenRows * betweenColumns) / perUnit : undefined;
    }
    case 'long-axis':
      return shape?.longAxisMm;
    case 'short-axis':
      return shape?.shortAxisMm;
    case 'volume':
    case 'diameter':
    case 'mean':
    case 'standard-deviation':
    case 'minimum':
    case 'maximum':
    case 'percentile':
    case 'fraction-below':
      throw new WetreadError('internal', `An image on its own has no ${rule.kind}`);
  }
}
