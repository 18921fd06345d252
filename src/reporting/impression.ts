/** The impression that a card declares: sentences that stand where what they speak of is true of the findings. */
import type { ImpressionRule } from '../../contracts/generated/types.ts';
import type { Images } from '../assembly/volume.ts';
import type { Finding, Findings, Measurement } from '../inference/findings.ts';
import type { ModelCard } from '../inference/model-package.ts';
import { acquisitionOf, acquisitionWords, filledIn } from './acquisition.ts';
import { findingPath } from './finding-text.ts';
import { placeText } from './place-text.ts';
import type { Sentence } from './report.ts';
import { measurementText, probabilityText } from './text.ts';

/** Said of a card that declares no scope: silence on anything else must not be taken for a negative. */
const DEFAULT_SCOPE = 'Nothing was assessed beyond these findings.';

/**
 * @param images that were read: they say where a finding is
 * @param rule absent where the card declares nothing: its findings stay in their section
 */
export function impressionOf(findings: Findings, images: Images, rule: ModelCard['report']): readonly Sentence[] {
  const scope = { text: rule?.scope ?? DEFAULT_SCOPE, findingKeys: [] };
  const declared = rule?.impression ?? [];
  if (declared.length === 0) return [{ text: 'No impression is drawn from these findings.', findingKeys: [] }, scope];
  const sentences = declared.flatMap((one) => impression(one, findings, images));
  if (sentences.length > 0) return [...sentences, scope];
  return [{ text: 'No measurement supports an impression.', findingKeys: [] }, scope];
}

function impression(rule: ImpressionRule, { algorithm, findings }: Findings, images: Images): Sentence[] {
  return findings.flatMap((finding) => {
    if (!isOf(finding, rule.finding)) return [];
    const measurement = finding.measurements.find(({ key }) => key === rule.measure);
    if (!holds(rule, finding, measurement)) return [];
    const words = { ...acquisitionWords(acquisitionOf(images)), ...findingWords(finding, measurement, images) };
    return [{ text: filledIn(rule.text, words), findingKeys: [findingPath(algorithm, finding)] }];
  });
}

/** A rule that makes several findings of one key numbers them: `nodule`, `nodule-1`, `nodule-2`; of several images, `nodule-1-3`. */
function isOf({ key }: Finding, declared: string): boolean {
  return key === declared || (key.startsWith(`${declared}-`) && /^\d+(?:-\d+)?$/.test(key.slice(declared.length + 1)));
}

function holds(
  { measure, minimum, below, presence }: ImpressionRule,
  finding: Finding,
  measurement: Measurement | undefined,
): boolean {
  if (presence !== undefined && finding.presence !== presence) return false;
  if (measure === undefined) return true;
  const value = measurement?.value;
  return value !== undefined && value >= (minimum ?? value) && (below === undefined || value < below);
}

function findingWords(
  finding: Finding,
  measurement: Measurement | undefined,
  images: Images,
): Readonly<Record<string, string>> {
  const { probability } = finding;
  const place = placeText(finding, images);
  return {
    ...(measurement !== undefined && { value: measurementText(measurement) }),
    ...(probability !== undefined && { probability: probabilityText(probability) }),
    ...(place !== undefined && { place }),
  };
}
