/** What a model says, as the contract has it, and what of the study it rests on. */
import type { Findings, InstanceReference } from '../../contracts/generated/types.ts';

export type {
  Algorithm,
  Finding,
  Findings,
  InstanceReference,
  Measurement,
  Region,
  SlotReading,
} from '../../contracts/generated/types.ts';

export interface SeriesSeen {
  readonly seriesInstanceUid: string;
  readonly evidence: readonly InstanceReference[];
}

/** The series that the model read, and those in its slots. */
export function seriesSeen({ seriesInstanceUid, evidence, slots }: Findings): readonly SeriesSeen[] {
  const given = (slots ?? []).flatMap((slot) =>
    slot.seriesInstanceUid === undefined
      ? []
      : [{ seriesInstanceUid: slot.seriesInstanceUid, evidence: slot.evidence }],
  );
  return [{ seriesInstanceUid, evidence }, ...given];
}
