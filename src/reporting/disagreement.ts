/** Where two models contradict each other. Both are told with their values; which one is right is for the reader. */
import { type Code, sameCode } from '../codes.ts';
import type { Finding, Findings, Measurement } from '../inference/findings.ts';
import { findingPath, findingTitle, measureName, presenceText } from './finding-text.ts';
import type { Sentence } from './report.ts';
import { measurementText } from './text.ts';

/** Of the larger value, where no model declares what difference matters. */
const RELATIVE_TOLERANCE = 0.1;

/** A finding, and whose it is. */
interface Stated {
  readonly by: Findings;
  readonly finding: Finding;
}

/** Sentences on every pair of models, in the order of the readings. */
export function disagreements(readings: readonly Findings[]): readonly Sentence[] {
  return readings.flatMap((one, at) => readings.slice(at + 1).flatMap((other) => between(one, other)));
}

/**
 * A concept at a site that both models speak of once each: of several lesions nobody says which is which, and what one
 * model calls several may be one for the other.
 */
function between(one: Findings, other: Findings): readonly Sentence[] {
  return one.findings.flatMap((finding) => {
    const [same, ...more] = other.findings.filter((each) => isSameQuestion(each, finding));
    const own = one.findings.filter((each) => isSameQuestion(each, finding));
    if (same === undefined || more.length > 0 || own.length > 1) return [];
    const pair = [
      { by: one, finding },
      { by: other, finding: same },
    ] as const;
    return [...presenceContradicted(...pair), ...measuresApart(...pair)];
  });
}

function isSameQuestion(a: Finding, b: Finding): boolean {
  return sameCode(a.concept, b.concept) && sameOrNone(a.site, b.site) && sameOrNone(a.laterality, b.laterality);
}

function sameOrNone(a: Code | undefined, b: Code | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameCode(a, b);
}

/** Undetermined contradicts nothing. */
function presenceContradicted(a: Stated, b: Stated): Sentence[] {
  const stated = [a.finding.presence, b.finding.presence];
  if (!stated.includes('present') || !stated.includes('absent')) return [];
  return [sentence('', a, presenceText(a.finding) ?? '', b, presenceText(b.finding) ?? '')];
}

function measuresApart(a: Stated, b: Stated): Sentence[] {
  return a.finding.measurements.flatMap((measured) => {
    const other = b.finding.measurements.find((each) => isSameMeasure(each, measured));
    if (other === undefined || !areApart(measured, other)) return [];
    return [sentence(`, ${measureName(measured)}`, a, measurementText(measured), b, measurementText(other))];
  });
}

function isSameMeasure(a: Measurement, b: Measurement): boolean {
  return (
    sameCode(a.concept, b.concept) &&
    sameCode(a.unit, b.unit) &&
    sameOrNone(a.derivation, b.derivation) &&
    sameOrNone(a.method, b.method) &&
    a.threshold?.value === b.threshold?.value
  );
}

/** By the stricter of the declared tolerances. */
function areApart(a: Measurement, b: Measurement): boolean {
  if (a.value === undefined || b.value === undefined) return false;
  const declared = [a.tolerance, b.tolerance].filter((tolerance) => tolerance !== undefined);
  const relative = RELATIVE_TOLERANCE * Math.max(Math.abs(a.value), Math.abs(b.value));
  return Math.abs(a.value - b.value) > (declared.length === 0 ? relative : Math.min(...declared));
}

function sentence(measure: string, a: Stated, aSays: string, b: Stated, bSays: string): Sentence {
  const told = ({ by }: Stated, says: string): string => `${by.algorithm.name} ${says}`;
  return {
    text: `Models disagree: ${findingTitle(a.finding)}${measure}: ${told(a, aSays)}, ${told(b, bSays)}.`,
    findingKeys: [a, b].map(({ by, finding }) => findingPath(by.algorithm, finding)),
    notice: 'disagreement',
  };
}
