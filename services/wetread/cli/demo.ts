/**
 * `wetread demo`: starts Wetread on loopback with embedded defaults, sends it a study by STOW-RS as a PACS would, and
 * shows where the draft is. With a folder, reads that instead. With `--once --out DIR`, writes the results and ends.
 */
import { demoStudy } from '../../../adapters/phantom/phantom-study.ts';
import type { Summary } from '../../../contracts/generated/types.ts';
import { WetreadError } from '../../../src/errors.ts';
import { startWetread, type Wetread } from '../server.ts';
import { software } from '../version.ts';
import { type CommandOptions, prepareConfig, stopSignal } from './options.ts';
import { Progress } from './progress.ts';
import { finish, importStudies, requireFolder } from './read.ts';
import { sendByStow } from './send.ts';

export async function demo(options: CommandOptions): Promise<number> {
  const { folder, out, once = false } = options;
  if (once && out === undefined) throw new WetreadError('request-invalid', '--once needs --out DIR');
  if (folder !== undefined) await requireFolder(folder);
  const stopped = stopSignal();
  const progress = new Progress();
  await using prepared = await prepareConfig(options, true);
  await using wetread = await startWetread(prepared.config, { listen: true, onLog: progress.onLog });
  progress.line(`Wetread ${software.version} listens on ${wetread.url}`);
  const files =
    folder === undefined ? await sendPhantom(wetread, progress) : await importStudies(wetread, folder, progress);
  const exitCode = await finish(wetread, files, out);
  if (once) return exitCode;

  process.stdout.write(`\nThe draft is at ${await pageOf(wetread)}\nCtrl+C ends the demo.\n`);
  await stopped;
  return 0;
}

async function pageOf(wetread: Wetread): Promise<string> {
  const [first, ...others] = await wetread.ports.ledger.list();
  const path = first === undefined || others.length > 0 ? '/' : `/studies/${first.studyInstanceUid}`;
  return `${wetread.url}${path}`;
}

async function sendPhantom(wetread: Wetread, progress: Progress): Promise<Summary['files']> {
  progress.line('Sending a synthetic chest CT by STOW-RS …');
  const sent = await sendByStow(`${wetread.url}/dicom-web/studies`, demoStudy(), (count) =>
    progress.update(`  ${count} instances …`),
  );
  progress.line(`  ${sent.stored} instances stored, ${sent.failed} failed`);
  return { seen: sent.stored + sent.failed, stored: sent.stored, repeated: 0, skipped: 0, notRead: [] };
}
