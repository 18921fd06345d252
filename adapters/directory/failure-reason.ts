/** Failure Reason (0008,1197): PS3.18 table I.2-2, and PS3.7 annex C for those of the DIMSE services. */
import type { ReasonCode } from '../../src/reasons.ts';
import type { StoreResult } from './instance.ts';

export const FAILURE_REASON = {
  outOfResources: 0xa700,
  otherStudy: 0xa900,
  otherPatient: 0xa901,
  cannotUnderstand: 0xc000,
  processingFailure: 0x0110,
  duplicateSopInstance: 0x0111,
} as const;

const BY_REASON: Partial<Record<ReasonCode, number>> = {
  'uid-conflict': FAILURE_REASON.duplicateSopInstance,
  'patient-conflict': FAILURE_REASON.otherPatient,
  'study-mismatch': FAILURE_REASON.otherStudy,
};

export function failureReasonOf(result: Exclude<StoreResult, { kind: 'stored' }>): number {
  if (result.kind === 'refused') return BY_REASON[result.reason.code] ?? FAILURE_REASON.cannotUnderstand;
  return result.error.code === 'disk-full' ? FAILURE_REASON.outOfResources : FAILURE_REASON.processingFailure;
}
