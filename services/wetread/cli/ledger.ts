/** `wetread ledger`: studies out of the ledger, into a file of JSON lines and, where asked for, away. */
import { WetreadError } from '../../../src/errors.ts';
import { exportStudies } from '../ledger-export.ts';
import { finalBefore, pruneStudies } from '../retention.ts';
import { systemClock } from '../system-clock.ts';
import { openExistingLedger } from '../wiring/ledger.ts';
import { type CommandOptions, siteConfig } from './options.ts';
import { countText } from './progress.ts';
import { timeOf } from './study-filter.ts';

export async function ledger(options: CommandOptions): Promise<number> {
  const { words, out, before, export: exportFile, documents } = options;
  const [action, ...others] = words;
  const now = systemClock.now();
  const until = before === undefined ? undefined : timeOf(before, '--before', now);
  if (action === 'export' && out !== undefined && exportFile === undefined && others.length === 0) {
    return exportAll(options, out, until ?? now.toISOString(), documents);
  }
  if (action === 'prune' && until !== undefined && out === undefined && others.length === 0) {
    return prune(options, until, exportFile, documents);
  }
  throw new WetreadError(
    'request-invalid',
    'ledger needs export --out FILE, or prune --before DATE; see wetread --help',
  );
}

async function exportAll(options: CommandOptions, out: string, before: string, documents = false): Promise<number> {
  await using opened = await openExistingLedger(siteConfig(options));
  const records = finalBefore(await opened.list(), before);
  await exportStudies(opened, records, out, documents);
  process.stdout.write(`${countText(records.length, 'study', 'studies')} exported\n`);
  return 0;
}

async function prune(
  options: CommandOptions,
  before: string,
  exportFile: string | undefined,
  documents = false,
): Promise<number> {
  await using opened = await openExistingLedger(siteConfig(options));
  const removed = await pruneStudies(opened, before, exportFile, documents);
  const kept = exportFile === undefined ? '' : ', after their export';
  process.stdout.write(`${countText(removed, 'study', 'studies')} removed from the ledger${kept}\n`);
  return 0;
}
