/**
 * The generated text head: guarded sentences, and findings for those that are about a label of the card. A finding has a
 * code and a presence, never a value: nothing is measured by reading a text.
 */
import { reason, type Skipped } from '../../reasons.ts';
import { conceptOf } from '../finding-concept.ts';
import type { Finding, InstanceReference } from '../findings.ts';
import type { Guard, GuardContext, GuardedSentence } from '../guards/guard.ts';
import { guarded } from '../guards/guards.ts';
import type { TextOutput } from '../model-package.ts';
import type { GeneratedSentence, OutputReading } from '../reading.ts';
import type { AnsweredSentence } from '../text-answer.ts';

type TextLabel = TextOutput['labels'][number];

/**
 * @param shown what each picture shows
 * @returns the reason where every sentence was withheld
 */
export function textReading(
  sentences: readonly AnsweredSentence[],
  output: TextOutput,
  shown: readonly InstanceReference[],
  context: GuardContext,
): OutputReading | Skipped {
  const { sentences: kept, withheld } = guarded(sentences, context);
  if (kept.length === 0) return { skipped: reason('answer-unusable', `withheld: ${withheldText(withheld)}`) };
  const evidenceOf = ({ picture }: GuardedSentence): InstanceReference[] =>
    picture === undefined ? [] : [shown[picture - 1]!];
  const findings = output.labels.flatMap((label) => {
    const about = kept.filter((sentence) => sentence.label === label.key && sentence.presence !== undefined);
    return about.length === 0 ? [] : [findingOf(label, about, about.flatMap(evidenceOf))];
  });
  const text = kept.map((sentence): GeneratedSentence => {
    const { section, text: words, flags, label } = sentence;
    const finding = findings.find(({ key }) => key === label);
    return { section, text: words, flags, evidence: evidenceOf(sentence), ...(finding && { findingKey: finding.key }) };
  });
  return { findings, parameters: {}, text: { sentences: text, withheld } };
}

/** Sentences that contradict each other leave it open. */
function findingOf(
  label: TextLabel,
  about: readonly GuardedSentence[],
  evidence: readonly InstanceReference[],
): Finding {
  const said = new Set(about.map(({ presence, flags }) => (flags.includes('contradiction') ? undefined : presence)));
  const [only] = said;
  const seen = new Map(
    evidence.map((reference) => [`${reference.sopInstanceUid} ${reference.frameNumber}`, reference]),
  );
  return {
    key: label.key,
    ...conceptOf(label),
    presence: said.size === 1 && only !== undefined ? only : 'undetermined',
    measurements: [],
    evidence: [...seen.values()],
  };
}

const GUARD_WORDS: Readonly<Record<Guard, string>> = {
  comparison: 'a comparison without an earlier study',
  measurement: 'a measurement',
  laterality: 'another side',
  sex: 'another sex',
  anatomy: 'anatomy outside the images',
  identity: 'names or numbers of persons',
  date: 'a date',
  acquisition: 'how the images were made',
  device: 'a device without a picture',
  recommendation: 'a recommendation',
  repetition: 'repetition',
  language: 'no sentence of a report',
  contradiction: 'a contradiction',
};

/** `a measurement, a date`. */
export function guardText(flags: readonly Guard[]): string {
  return flags.map((flag) => GUARD_WORDS[flag]).join(', ');
}

/** `another sex (1), repetition (2)`. */
export function withheldText(withheld: ReadonlyMap<Guard, number>): string {
  return [...withheld].map(([guard, count]) => `${GUARD_WORDS[guard]} (${count})`).join(', ');
}
