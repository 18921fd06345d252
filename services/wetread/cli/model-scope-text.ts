/** Whom and what a model may read, in words. */
import type { Reference, ValueLimits } from '../../../contracts/generated/types.ts';
import type { InputRule, ModelCard } from '../../../src/inference/model-package.ts';

type IntendedUse = ModelCard['intendedUse'][number];

const LIMITED = {
  views: 'views',
  bodyParts: 'body parts',
  patientPositions: 'patient positions',
  sex: 'sex',
  manufacturers: 'manufacturers',
  kernels: 'kernels',
} as const;

/** Limits beyond modality, body part and slice thickness. */
export function useLimits(use: IntendedUse): readonly string[] {
  const { ageYears } = use;
  const lists = Object.entries(LIMITED).map(([key, name]) => limitsText(name, use[key as keyof typeof LIMITED]));
  return [...(ageYears === undefined ? [] : [ageText(ageYears)]), ...lists.filter((text) => text !== undefined)];
}

function ageText({ minimum, maximum, unknown = 'refused' }: NonNullable<IntendedUse['ageYears']>): string {
  const range = maximum === undefined ? `from ${minimum} years` : `from ${minimum ?? 0} to ${maximum} years`;
  return `ages ${range}; unknown ${unknown}`;
}

function limitsText(name: string, limits: ValueLimits | undefined): string | undefined {
  if (limits === undefined) return undefined;
  const { allowed, refused, unknown = allowed === undefined ? 'accepted' : 'refused' } = limits;
  const parts = [
    ...(allowed === undefined ? [] : [allowed.join(', ')]),
    ...(refused === undefined ? [] : [`not ${refused.join(', ')}`]),
    `unknown ${unknown}`,
  ];
  return `${name}: ${parts.join('; ')}`;
}

/** What the gate refuses, whatever is read. */
export function pictureLimits({ gate, reference, slots }: InputRule): readonly string[] {
  const { maximumLossyRatio, burnedInText = 'refused' } = gate;
  const plane = 'plane' in gate ? gate.plane : undefined;
  return [
    ...(plane === undefined ? [] : [`  ${plane.name} within ${plane.maximumDegrees}\u00b0`]),
    `  compressed with loss: ${maximumLossyRatio === undefined ? 'not read' : `read up to ${maximumLossyRatio} : 1`}; burned-in text: ${burnedInText}`,
    ...(reference === undefined
      ? ['  no reference ranges: what images look like is not checked']
      : referenceLines(reference)),
    ...(slots ?? []).map((slot) => `  ${slot.required ? 'needs' : 'does without'} ${slot.meaning} (${slotText(slot)})`),
  ];
}

function slotText(slot: NonNullable<InputRule['slots']>[number]): string {
  return slot.kind === 'other-series' ? `another series, slot ${slot.name}` : slot.kind;
}

function referenceLines({ source, cases, coveredPercent, ranges }: Reference): readonly string[] {
  return [
    `  looks like ${cases} cases, ${coveredPercent} % of them inside all ranges: ${source}`,
    ...Object.entries(ranges).map(([name, { minimum, maximum }]) => `    ${name} ${minimum} to ${maximum}`),
  ];
}
