/**
 * Is there a task that the card permits for images with this header? Permission is per task (safety R2): every limit of
 * one entry must hold; limits of different entries do not add up.
 */
import type { ImageHeader } from '../../arrival/study.ts';
import { type Reason, reason } from '../../reasons.ts';
import type { ModelCard } from '../model-package.ts';
import { millimetres } from './text.ts';
import { outsideLimits } from './value-limits.ts';

export type IntendedUse = ModelCard['intendedUse'][number];

/** What speaks against the entry that comes nearest; undefined where an entry permits the images. */
export function outsideIntendedUse(header: ImageHeader, uses: readonly IntendedUse[]): Reason | undefined {
  const sameModality = uses.filter(({ modality }) => modality === header.modality);
  if (sameModality.length === 0) return reason('wrong-modality', header.modality || 'none stated');
  const objections = sameModality.map((use) => LIMITS.map((limit) => limit(header, use)));
  const nearest = objections.toSorted((a, b) => firstBroken(b) - firstBroken(a))[0]!;
  return nearest.find((objection) => objection !== undefined);
}

/** How many limits hold before one does not. */
function firstBroken(objections: readonly (Reason | undefined)[]): number {
  const at = objections.findIndex((objection) => objection !== undefined);
  return at < 0 ? objections.length : at;
}

type Limit = (header: ImageHeader, use: IntendedUse) => Reason | undefined;

const LIMITS: readonly Limit[] = [
  wrongBodyPart,
  wrongPatient,
  wrongScanner,
  wrongView,
  wrongPosition,
  wrongThickness,
  wrongKernel,
  wrongContrast,
];

/** Beside the list of what a gate refuses by name, which leaves in whatever nobody thought of. */
function wrongBodyPart({ bodyPartExamined }: ImageHeader, { bodyParts }: IntendedUse): Reason | undefined {
  const why = outsideLimits(bodyPartExamined, bodyParts);
  return why === undefined ? undefined : reason('wrong-body-part', `Body Part Examined ${why}`);
}

/** The detail names the card's limit and nothing of the patient. */
function wrongPatient(
  { patientAgeYears: age, patientSex }: ImageHeader,
  { ageYears, sex }: IntendedUse,
): Reason | undefined {
  if (ageYears !== undefined) {
    const { minimum = 0, maximum = Number.POSITIVE_INFINITY, unknown = 'refused' } = ageYears;
    const inside = age === undefined ? unknown === 'accepted' : age >= minimum && age <= maximum;
    if (!inside) return reason('patient-outside-use', `the model is for ages ${ageText(minimum, maximum)}`);
  }
  const sexOutside = outsideLimits(patientSex, sex) !== undefined;
  return sexOutside
    ? reason('patient-outside-use', 'the model is not for patients of this sex, or it is not recorded')
    : undefined;
}

function ageText(minimum: number, maximum: number): string {
  return Number.isFinite(maximum) ? `from ${minimum} to ${maximum} years` : `from ${minimum} years`;
}

function wrongScanner({ manufacturer }: ImageHeader, { manufacturers }: IntendedUse): Reason | undefined {
  const why = outsideLimits(manufacturer, manufacturers);
  return why === undefined ? undefined : reason('wrong-scanner', `Manufacturer ${why}`);
}

function wrongView({ viewPosition }: ImageHeader, { views }: IntendedUse): Reason | undefined {
  const why = outsideLimits(viewPosition, views);
  return why === undefined ? undefined : reason('wrong-view', `View Position ${why}`);
}

function wrongPosition({ patientPosition }: ImageHeader, { patientPositions }: IntendedUse): Reason | undefined {
  const why = outsideLimits(patientPosition, patientPositions);
  return why === undefined ? undefined : reason('wrong-orientation', `Patient Position ${why}`);
}

function wrongThickness({ frames }: ImageHeader, { sliceThicknessMm: limits }: IntendedUse): Reason | undefined {
  const thickness = frames[0]?.sliceThickness;
  if (limits === undefined || thickness === undefined) return undefined;
  if (thickness > limits.maximum)
    return reason('slice-too-thick', `${millimetres(thickness)}, the model reads up to ${millimetres(limits.maximum)}`);
  return thickness < limits.minimum
    ? reason(
        'outside-model-limits',
        `slices of ${millimetres(thickness)}, the model reads ${millimetres(limits.minimum)} and more`,
      )
    : undefined;
}

/** Siemens puts the strength of the kernel behind its name, as a value of its own. */
function wrongKernel({ convolutionKernel }: ImageHeader, { kernels }: IntendedUse): Reason | undefined {
  const why = outsideLimits(convolutionKernel?.split('\\')[0], kernels);
  return why === undefined ? undefined : reason('wrong-kernel', `Convolution Kernel ${why}`);
}

/** (0018,0010) is type 2: that it is empty or absent is how images say that none was given. */
function wrongContrast({ contrastBolusAgent }: ImageHeader, { contrast }: IntendedUse): Reason | undefined {
  const given = contrastBolusAgent !== undefined && !/^(none|no|without|ohne|sans)\b/i.test(contrastBolusAgent.trim());
  if (contrast === 'any' || given === (contrast === 'with')) return undefined;
  return reason('wrong-contrast', given ? 'a contrast agent is recorded' : 'no contrast agent is recorded');
}
