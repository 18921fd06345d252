/** `wetread models reference`: what the images below a folder look like, as the part of a card that refuses others. */
import { complaintsText, inspectPackage } from '../../../adapters/model-folder/inspect.ts';
import { WetreadError } from '../../../src/errors.ts';
import { referenceRanges } from '../../../src/inference/gate/reference-ranges.ts';
import { openQuestion } from '../../../src/inference/open-questions.ts';
import { REASONS } from '../../../src/reasons.ts';
import { referenceRun } from '../reference-run.ts';
import { requireFolder } from './paths.ts';
import { stopSignal } from './stop.ts';

/** The JSON goes to stdout, to be pasted into the card; what was left out, and why, to stderr. */
export async function printReference(home: string, folder: string): Promise<number> {
  await requireFolder(home);
  await requireFolder(folder);
  const { card, complaints } = await inspectPackage(home);
  if (card === undefined) throw new WetreadError('package-invalid', complaintsText(complaints));
  const { cases, left } = await referenceRun(card, folder, stopSignal());
  for (const [why, count] of counted(left.map(({ code }) => REASONS[code])))
    process.stderr.write(`${count} left out: ${why}\n`);
  if (cases.length === 0) throw new WetreadError('not-found', 'FOLDER holds no images that the package reads');
  const reference = {
    source: openQuestion('Which images are these, and where do they come from?'),
    cases: cases.length,
    coveredPercent: 100,
    ranges: referenceRanges(cases),
  };
  process.stdout.write(`${JSON.stringify({ reference }, null, 2)}\n`);
  return 0;
}

function counted(texts: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}
