/**
 * `wetread demo`: starts Wetread on loopback with embedded defaults, sends it a study by STOW-RS as a PACS would, and
 * shows where the draft is. With a folder, reads that instead. With `--once --out DIR`, writes the results and ends.
 */
import { demoStudy } from '../../../adapters/phantom/phantom-study.ts';
import type { Summary } from '../../../contracts/generated/types.ts';
import { WetreadError } from '../../../src/errors.ts';
import { startWetread, type Wetread } from '../server.ts';
import { summaryOf, writeResults } from '../summary.ts';
import { software } from '../version.ts';
import { type CommandOptions, prepareConfig, stopSignal } from './options.ts';
import { Progress, summaryText } from './progress.ts';
import { requireFolder } from './read.ts';
import { sendByStow } from './send.ts';

export async function demo(options: CommandOptions): Promise<number> {
  if (options.once === true && options.out === undefined)
    throw new WetreadError('request-invalid', '--once needs --out DIR');
  if (options.folder !== undefined) await requireFolder(options.folder);
  const stopped = stopSignal();
  const progress = new Progress();
  await using prepared = await prepareConfig(options, true);
  await using wetread = await startWetread(prepared.config, { listen: true, onLog: progress.onLog });
  progress.line(`Wetread ${software.version} listens on ${wetread.url}`);
  const files =
    options.folder === undefined
      ? await sendPhantom(wetread, progress)
      : await importStudies(wetread, options.folder, progress);
  await wetread.whenFinal();
  const summary = await summaryOf(wetread.ports.ledger, files, `${software.name} ${software.version}`);
  process.stdout.write(`${summaryText(summary)}\n`);
  if (options.out !== undefined) await writeResults(options.out, wetread.ports.ledger, summary);
  if (options.once === true) return summary.studies.every((row) => row.final) ? 0 : 1;

  process.stdout.write(`\nThe draft is at ${pageOf(wetread, summary)}\nCtrl+C ends the demo.\n`);
  await stopped;
  return 0;
}

function pageOf(wetread: Wetread, summary: Summary): string {
  const only = summary.studies.length === 1 ? summary.studies[0] : undefined;
  return only === undefined ? `${wetread.url}/` : `${wetread.url}/#/studies/${only.studyInstanceUid}`;
}

async function sendPhantom(wetread: Wetread, progress: Progress): Promise<Summary['files']> {
  progress.line('Sending a synthetic chest CT by STOW-RS …');
  const sent = await sendByStow(`${wetread.url}/dicom-web/studies`, demoStudy(), (count) =>
    progress.update(`  ${count} instances …`),
  );
  progress.line(`  ${sent.stored} instances stored, ${sent.failed} failed`);
  return { seen: sent.stored + sent.failed, stored: sent.stored, repeated: 0, skipped: 0, notRead: [] };
}

async function importStudies(wetread: Wetread, folder: string, progress: Progress): Promise<Summary['files']> {
  const { files, studies } = await wetread.importFolder(folder, (seen) => progress.update(`  ${seen} files …`));
  progress.line(`${files.seen} files, ${studies.size} studies`);
  return files;
}
