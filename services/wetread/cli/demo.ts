/**
 * `wetread demo`: starts Wetread on loopback with embedded defaults, sends it a study by STOW-RS as a PACS would, and
 * shows where the draft is. With a folder, reads that instead. With `--once --out DIR`, writes the results and ends.
 */
import { createServer } from 'node:net';
import { demoStudy } from '../../../adapters/phantom/phantom-study.ts';
import type { Summary } from '../../../contracts/generated/types.ts';
import { WetreadError } from '../../../src/errors.ts';
import type { Config } from '../config.ts';
import { startWetread, type Wetread } from '../server.ts';
import { software } from '../version.ts';
import { type CommandOptions, prepareConfig } from './options.ts';
import { requireFolder, requireWritable } from './paths.ts';
import { countText, Progress } from './progress.ts';
import { finish, importStudies } from './read.ts';
import { sendByStow } from './send.ts';
import { stopped, stopSignal, unlessStopped } from './stop.ts';

export async function demo(options: CommandOptions): Promise<number> {
  const { folder, out, once = false } = options;
  if (once && out === undefined) throw new WetreadError('request-invalid', '--once needs --out DIR');
  if (folder !== undefined) await requireFolder(folder);
  if (out !== undefined) await requireWritable(out);
  const stop = stopSignal();
  const progress = new Progress();
  using prepared = prepareConfig(options, { temporary: true, quiet: true });
  const config = { ...prepared.config, http: await freeAddress(prepared.config.http, options) };
  await using wetread = await startWetread(config, { listen: true, onLog: progress.onLog });
  progress.line(`Wetread ${software.version} listens on ${wetread.url}`);
  const exitCode = await unlessStopped(stop, async () => {
    const files =
      folder === undefined
        ? await sendPhantom(wetread, progress)
        : await importStudies(wetread, folder, progress, stop);
    return await finish(wetread, files, out);
  });
  if (once || stop.aborted) return exitCode;

  process.stdout.write(`\n${await placeOf(wetread)}\nCtrl+C ends the demo.\n`);
  await stopped(stop);
  return 0;
}

/** Another server may hold the port, often a PACS: unless a port was asked for, the demo takes any other. */
async function freeAddress(http: Config['http'], { port, config }: CommandOptions): Promise<Config['http']> {
  if (port !== undefined || config !== undefined) return http;
  const probe = createServer();
  const isFree = new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(false)).listen(http.port, http.host, () => probe.close(() => resolve(true)));
  });
  return (await isFree) ? http : { ...http, port: 0 };
}

async function placeOf({ ports, url }: Wetread): Promise<string> {
  const [first, ...others] = await ports.ledger.list();
  if (first === undefined || others.length > 0) return `The studies are listed at ${url}/`;
  const what = first.state === 'filed' || first.state === 'held' ? 'The draft' : 'Why there is no draft';
  return `${what} is at ${url}/studies/${first.studyInstanceUid}`;
}

async function sendPhantom(wetread: Wetread, progress: Progress): Promise<Summary['files']> {
  progress.line('Sending a synthetic chest CT by STOW-RS …');
  const sent = await sendByStow(`${wetread.url}/dicom-web/studies`, demoStudy(), (count) =>
    progress.update(`  ${countText(count, 'instance', 'instances')} …`),
  );
  progress.line(`  ${sent.stored} instances stored, ${sent.failed} failed`);
  return { seen: sent.stored + sent.failed, stored: sent.stored, repeated: 0, skipped: 0, notRead: [] };
}
