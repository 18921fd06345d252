/** `wetread read FOLDER --out DIR`: the whole pipeline on a folder, without a server. */
import { stat } from 'node:fs/promises';
import { WetreadError } from '../../../src/errors.ts';
import { startWetread } from '../server.ts';
import { summaryOf, writeResults } from '../summary.ts';
import { software } from '../version.ts';
import { type CommandOptions, prepareConfig } from './options.ts';
import { Progress, summaryText } from './progress.ts';

export async function read(options: CommandOptions): Promise<number> {
  const { folder, out } = options;
  if (folder === undefined || out === undefined) {
    throw new WetreadError('request-invalid', 'read needs a folder and --out DIR');
  }
  await requireFolder(folder);
  await using prepared = await prepareConfig(options, true);
  const progress = new Progress();
  await using wetread = await startWetread(prepared.config, { listen: false, onLog: progress.onLog });
  const imported = await wetread.importFolder(folder, (seen) => progress.update(`  ${seen} files …`));
  progress.line(`${imported.files.seen} files, ${imported.studies.size} studies`);
  await wetread.whenFinal();
  const summary = await summaryOf(wetread.ports.ledger, imported.files, `${software.name} ${software.version}`);
  await writeResults(out, wetread.ports.ledger, summary);
  process.stdout.write(`${summaryText(summary)}\n`);
  return summary.studies.every((row) => row.final) ? 0 : 1;
}

export async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new WetreadError('request-invalid', `'${folder}' is not a folder`);
}
