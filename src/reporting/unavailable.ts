/** A model that should have read the study and gave no result, in words. */
import { ERROR_CODES } from '../errors.ts';
import { REASONS } from '../reasons.ts';
import type { UnavailableModel } from './report.ts';

/** The detail of a fault is for operators; that of a reason says what of the images was in the way. */
export function unavailableText({ algorithm, reason }: UnavailableModel): string {
  return `This draft is partial: ${algorithm.name} ${algorithm.version} gave no result. ${whyText(reason)}.`;
}

function whyText({ code, detail }: UnavailableModel['reason']): string {
  if (code in REASONS) return [REASONS[code as keyof typeof REASONS], detail ?? []].flat().join(': ');
  return code in ERROR_CODES ? ERROR_CODES[code as keyof typeof ERROR_CODES].means : code;
}
