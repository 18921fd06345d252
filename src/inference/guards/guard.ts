/** What a guard is told, and what it says of a sentence. */
import type { Guard } from '../../../contracts/generated/types.ts';
import type { TextOutput } from '../model-package.ts';
import type { AnsweredSentence } from '../text-answer.ts';

export type { Guard } from '../../../contracts/generated/types.ts';

/** What is known beside the text. Patient data: compared with, never quoted. */
export interface GuardContext {
  /** Patient's Sex (0010,0040). */
  readonly patientSex?: string | undefined;
  /** Image Laterality (0020,0062), where it is that of all images. */
  readonly laterality?: string | undefined;
  /** The same of each picture, where pictures differ. */
  readonly pictureLateralities?: readonly (string | undefined)[];
  /** Body part of the card's intended use, SNOMED CT. */
  readonly bodyPart?: string | undefined;
  /** Words of the patient and the study that no model was given: names, numbers. */
  readonly identifiers: readonly string[];
  readonly recommendations: TextOutput['recommendations'];
}

/** A sentence with what speaks against it. */
export interface GuardedSentence extends AnsweredSentence {
  readonly flags: readonly Guard[];
}

/** True where a sentence is to be flagged. */
export type Check = (sentence: AnsweredSentence, context: GuardContext) => boolean;

/** Expressions that are tried one after the other, without regard to case. */
export function matcher(...sources: readonly string[]): (text: string) => boolean {
  const expression = new RegExp(sources.map((source) => `(?:${source})`).join('|'), 'iu');
  return (text) => expression.test(text);
}
