/** Which images a card is for: limits that nothing can satisfy, and what Wetread cannot give a model. */
import type { ValueLimits } from '../../contracts/generated/types.ts';
import { slotContradictions } from './check-slots.ts';
import type { IntendedUse } from './gate/intended-use.ts';
import type { InputRule, ModelCard } from './model-package.ts';

/** Sentences about what contradicts, each beginning with its key. */
export function scopeContradictions({
  intendedUse,
  input,
}: Pick<ModelCard, 'intendedUse' | 'input'>): readonly string[] {
  return [...intendedUse.flatMap(useContradictions), ...referenceContradictions(input), ...slotContradictions(input)];
}

const LIMITED = ['bodyParts', 'views', 'patientPositions', 'sex', 'manufacturers', 'kernels'] as const;

function useContradictions(use: IntendedUse, at: number): readonly string[] {
  const key = `/intendedUse/${at}`;
  const { sliceThicknessMm: thickness, ageYears: age } = use;
  return [
    ...(thickness !== undefined && thickness.minimum > thickness.maximum
      ? [`${key}/sliceThicknessMm: no slice thickness fits`]
      : []),
    ...((age?.minimum ?? 0) > (age?.maximum ?? Number.POSITIVE_INFINITY) ? [`${key}/ageYears: no age fits`] : []),
    ...LIMITED.filter((name) => refusesAll(use[name])).map(
      (name) => `${key}/${name}: every value that is allowed is refused`,
    ),
  ];
}

function refusesAll(limits: ValueLimits | undefined): boolean {
  return limits?.allowed?.every((value) => limits.refused?.includes(value) === true) ?? false;
}

function referenceContradictions({ reference }: InputRule): readonly string[] {
  return Object.entries(reference?.ranges ?? {})
    .filter(([, { minimum, maximum }]) => minimum > maximum)
    .map(([name]) => `/input/reference/ranges/${name}: no value fits`);
}
