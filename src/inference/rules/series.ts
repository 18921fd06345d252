/** Which series of a study a rule reads, and in which order they are tried. */
import type { Series } from '../../arrival/study.ts';
import { isProjected, isSecondaryCapture, saidByImageType } from '../../assembly/classify.ts';
import { angleBetween, planeAxes } from '../../assembly/geometry.ts';
import { type Reason, reason } from '../../reasons.ts';
import { describedTexts, numbersIn, type RuleSubject } from './attributes.ts';
import { isIn, type Judgement, judge, rangeText } from './condition.ts';
import { kernelKind } from './kernels.ts';
import type { Exclusion, Plane, SeriesSelection } from './rule.ts';

export interface SeriesJudgement {
  readonly series: Series;
  /** Every check, so that an operator sees all that speaks against a series at once; of another modality only that. */
  readonly checks: readonly Judgement[];
  /** Why the series is not read; absent where it may be. */
  readonly left?: Reason;
}

/** @param modalities those that the model reads; any where that is not known */
export function judgeSeries(
  series: Series,
  selection: SeriesSelection,
  subject: RuleSubject,
  modalities: readonly string[] | undefined,
): SeriesJudgement {
  const { exclude, plane, kernel, sliceThickness, where } = selection;
  const dataSet = subject.described.get(series.seriesInstanceUid);
  if (modalities !== undefined && !modalities.includes(series.modality)) {
    const left = reason('wrong-modality', series.modality || 'none stated');
    return { series, checks: [modalityCheck(series, modalities)], left };
  }
  const checks: Judgement[] = [
    ...(modalities === undefined ? [] : [modalityCheck(series, modalities)]),
    ...exclude.map((kind) => exclusionCheck(kind, dataSet)),
    ...(plane === undefined ? [] : [planeCheck(plane, dataSet)]),
    ...(kernel === undefined ? [] : [kernelCheck(kernel, dataSet)]),
    ...(sliceThickness === undefined ? [] : [thicknessCheck(sliceThickness, dataSet)]),
    ...(where === undefined ? [] : [judge(where, subject, [series])]),
  ];
  const failed = checks.find(({ holds }) => !holds);
  return failed === undefined
    ? { series, checks }
    : { series, checks, left: reason('series-not-selected', failed.whyNot) };
}

type Described = Parameters<typeof describedTexts>[1];

function modalityCheck({ modality }: Series, modalities: readonly string[]): Judgement {
  const list = modalities.join(', ');
  const found = modality === '' ? [] : [modality];
  const wants = `Modality is one that the model reads: ${list}`;
  return verdict(modalities.includes(modality), wants, `Modality is none that the model reads: ${list}`, found);
}

function exclusionCheck(kind: Exclusion, dataSet: Described): Judgement {
  const imageType = describedTexts('ImageType', dataSet);
  return verdict(!isExcluded(kind, imageType, dataSet), `not ${ARTICLED[kind]}`, `it is ${ARTICLED[kind]}`, imageType);
}

const ARTICLED: Readonly<Record<Exclusion, string>> = {
  localizer: 'a localizer',
  projection: 'a projection',
  derived: 'derived',
  secondary: 'secondary',
};

/** PS3.3 C.7.6.1.1.2: value 1 says whether pixels are original, value 2 whether they were made at the examination. */
function isExcluded(kind: Exclusion, imageType: readonly string[], dataSet: Described): boolean {
  const said = saidByImageType(imageType);
  switch (kind) {
    case 'localizer':
      return said === 'localizer';
    case 'projection':
      return said === 'derived-image' || isProjected(describedTexts('VolumeBasedCalculationTechnique', dataSet)[0]);
    case 'derived':
      return imageType[0]?.toUpperCase() === 'DERIVED';
    case 'secondary':
      return (
        imageType[1]?.toUpperCase() === 'SECONDARY' ||
        isSecondaryCapture(describedTexts('SOPClassUID', dataSet)[0] ?? '')
      );
  }
}

/** Normals of the planes in the patient (LPS), and how far from it one may lie, degrees. */
const NORMALS = { axial: [0, 0, 1], coronal: [0, 1, 0], sagittal: [1, 0, 0] } as const;
const WIDEST_ANGLE = 30;

function planeCheck(wanted: Plane, dataSet: Described): Judgement {
  const found = planeOf(numbersIn(describedTexts('ImageOrientationPatient', dataSet)));
  const wants = `plane is ${wanted}`;
  if (found === undefined) return verdict(false, wants, 'ImageOrientationPatient is not given', []);
  return verdict(found === wanted, wants, `plane is not ${wanted}`, [found]);
}

/** @returns `oblique` where no axis is near, undefined where six numbers are no orientation */
export function planeOf(orientation: readonly number[]): Plane | 'oblique' | undefined {
  if (orientation.length !== 6) return undefined;
  const { normal } = planeAxes(orientation as unknown as Parameters<typeof planeAxes>[0]);
  if (!normal.every(Number.isFinite)) return undefined;
  for (const plane of ['axial', 'coronal', 'sagittal'] as const) {
    const angle = angleBetween(normal, NORMALS[plane]);
    if (Math.min(angle, 180 - angle) <= WIDEST_ANGLE) return plane;
  }
  return 'oblique';
}

function kernelCheck(wanted: NonNullable<SeriesSelection['kernel']>, dataSet: Described): Judgement {
  const [name] = describedTexts('ConvolutionKernel', dataSet);
  const wants = `ConvolutionKernel is one for ${wanted} tissue`;
  if (name === undefined) return verdict(false, wants, 'ConvolutionKernel is not given', []);
  return verdict(kernelKind(name) === wanted, wants, `ConvolutionKernel is not known as one for ${wanted} tissue`, [
    name,
  ]);
}

function thicknessCheck(range: NonNullable<SeriesSelection['sliceThickness']>, dataSet: Described): Judgement {
  const found = describedTexts('SliceThickness', dataSet);
  const [thickness] = numbersIn(found);
  const wants = `SliceThickness is ${rangeText(range)} mm`;
  if (thickness === undefined) return verdict(false, wants, 'SliceThickness is not given', found);
  return verdict(isIn(thickness, range), wants, `SliceThickness is not ${rangeText(range)} mm`, found);
}

function verdict(holds: boolean, wants: string, whyNot: string, found: readonly string[]): Judgement {
  return { holds, wants, whyNot: holds ? '' : whyNot, found };
}

/**
 * What speaks against most of the series that could be read by their modality.
 * @param as who wants the series, and how: "as the rule wants it"
 */
export function whyNoSeries(series: readonly SeriesJudgement[], as: string): string {
  const nearly = series.flatMap(({ left }) => (isOfInterest(left) ? [left.detail ?? ''] : []));
  if (nearly.length === 0) return 'no series has a modality that the model reads';
  const different = [...new Set(nearly)];
  return `no series is ${as}: ${different.slice(0, 3).join('; ')}${different.length > 3 ? ' …' : ''}`;
}

/** A series of another modality was never meant. */
export function isOfInterest(left: Reason | undefined): left is Reason {
  return left !== undefined && left.code !== 'wrong-modality';
}

/** Best first. The number of instances, the Series Number and the UID decide where nothing else does: the order is always the same. */
export function inOrderOfPreference(
  series: readonly Series[],
  { prefer }: SeriesSelection,
  { described }: RuleSubject,
): readonly Series[] {
  const thickness = ({ seriesInstanceUid }: Series): number =>
    numbersIn(describedTexts('SliceThickness', described.get(seriesInstanceUid)))[0] ?? Number.MAX_VALUE;
  return series.toSorted(
    (a, b) =>
      (prefer === 'thinnest' ? thickness(a) - thickness(b) : 0) ||
      b.instances.length - a.instances.length ||
      (a.seriesNumber ?? 0) - (b.seriesNumber ?? 0) ||
      (a.seriesInstanceUid < b.seriesInstanceUid ? -1 : 1),
  );
}
