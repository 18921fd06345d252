/** A finding in words, alike in the draft, the health record, the table of the page and the summary. */
import { sameCode } from '../codes.ts';
import type { Algorithm, Finding, Measurement } from '../inference/findings.ts';
import { measurementText, probabilityText } from './text.ts';

/** Names a finding within a report: keys are the model's own, and two models may have the same. */
export function findingPath({ name }: Pick<Algorithm, 'name'>, { key }: Pick<Finding, 'key'>): string {
  return `${name}/${key}`;
}

/** "Right lung", "Both lungs"; "Nodule, right lung" where what was found is not the site itself; "Gas, chest, part 2". */
export function findingTitle(finding: Finding): string {
  return [wholeTitle(finding), partText(finding)].flat().join(', ');
}

/** Findings that would be called the same are told apart by their keys, as the marks in the images are. */
export function titleAmong(findings: readonly Finding[], finding: Finding): string {
  const title = findingTitle(finding);
  const isShared = findings.some((other) => other !== finding && findingTitle(other) === title);
  return isShared ? `${title} (${finding.key})` : title;
}

/** Connected parts of one segment differ by number only; the largest is the first. */
function partText({ component }: Finding): readonly string[] {
  return component === undefined ? [] : [`part ${component.number}`];
}

function wholeTitle({ concept, site, laterality }: Finding): string {
  if (site === undefined || sameCode(site, concept)) return sided((site ?? concept).meaning, laterality?.meaning);
  const place = sided(site.meaning, laterality?.meaning);
  return `${concept.meaning}, ${place.charAt(0).toLowerCase()}${place.slice(1)}`;
}

function sided(organ: string, side: string | undefined): string {
  if (side === undefined) return organ;
  return side === 'Bilateral' ? `Both ${organ.toLowerCase()}s` : `${side} ${organ.toLowerCase()}`;
}

export function measureName({ name, concept }: Pick<Measurement, 'name' | 'concept'>): string {
  return name ?? concept.meaning.toLowerCase();
}

/** "present (probability 0.91)"; undefined where the finding says nothing of presence. */
export function presenceText({ presence, probability }: Pick<Finding, 'presence' | 'probability'>): string | undefined {
  const likely = probability === undefined ? undefined : `probability ${probabilityText(probability)}`;
  if (presence === undefined) return likely;
  return likely === undefined ? presence : `${presence} (${likely})`;
}

/** The whole finding as a sentence. @param place where it is seen, such as "slice 41 of 120" */
export function findingText(finding: Finding, place?: string): string {
  const measured = finding.measurements.map((m) => `${measureName(m)} ${measurementText(m)}`);
  const said = [presenceText(finding) ?? [], place ?? [], measured].flat();
  return `${[findingTitle(finding), said.join(', ')].filter((part) => part !== '').join(': ')}.`;
}
