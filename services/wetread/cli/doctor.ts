/** `wetread doctor`: checks everything that the configuration names, and says what to mend. Changes nothing but what it says. */
import { WetreadError } from '../../../src/errors.ts';
import { examine, type Finding, type Part } from '../doctor/check.ts';
import { wireParts } from '../doctor/wire-parts.ts';
import { software } from '../version.ts';
import { type CommandOptions, siteConfig } from './options.ts';
import { countText } from './progress.ts';

export async function doctor(options: CommandOptions): Promise<number> {
  const { json = false, store = false } = options;
  const findings: Finding[] = [];
  const tell = (finding: Finding): void => {
    findings.push(finding);
    if (!json) process.stdout.write(findingText(finding));
  };
  if (!json)
    process.stdout.write(`${software.name} ${software.version}, ${options.config ?? 'no configuration file'}\n`);
  await using stack = new AsyncDisposableStack();
  for (const part of await partsOf(options, store, stack, tell)) {
    if (!json) process.stdout.write(`\n${part.name}  ${part.place}\n`);
    await examine(part, tell);
  }
  const failed = findings.some(({ status }) => status === 'fail');
  process.stdout.write(json ? `${JSON.stringify({ ok: !failed, findings }, null, 2)}\n` : summaryText(findings));
  return failed ? 1 : 0;
}

/** A mistake in the configuration is a finding as well; it names its key. */
async function partsOf(
  options: CommandOptions,
  store: boolean,
  stack: AsyncDisposableStack,
  tell: (finding: Finding) => void,
): Promise<readonly Part[]> {
  const about = { part: 'configuration', check: 'keys' } as const;
  try {
    const parts = await wireParts(siteConfig(options), { store }, stack);
    tell({ ...about, status: 'ok', message: 'Every key is known, and none contradicts another' });
    return parts;
  } catch (cause) {
    const { message } = WetreadError.from(cause);
    tell({ ...about, status: 'fail', message, fix: 'Correct what is named.' });
    return [];
  }
}

function findingText({ status, check, message, fix }: Finding): string {
  const line = `  ${status.padEnd(5)} ${check.padEnd(12)} ${message}\n`;
  return fix === undefined ? line : `${line}${' '.repeat(21)}-> ${fix}\n`;
}

function summaryText(findings: readonly Finding[]): string {
  const count = (status: Finding['status']): number => findings.filter((finding) => finding.status === status).length;
  const verdict = count('fail') > 0 ? 'Mend what failed, and run the doctor again.' : 'Nothing stands in the way.';
  return `\n${countText(findings.length, 'check', 'checks')}: ${count('ok')} ok, ${count('warn')} warn, ${count('fail')} fail. ${verdict}\n`;
}
