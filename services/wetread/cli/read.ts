/** `wetread read FOLDER --out DIR`: the whole pipeline on a folder, without a server. */
import type { Summary } from '../../../contracts/generated/types.ts';
import { ERROR_CODES, WetreadError } from '../../../src/errors.ts';
import { isUid, parseUid, type StudyInstanceUid } from '../../../src/uid.ts';
import { startWetread, type Wetread } from '../server.ts';
import { summaryOf, writeResults } from '../summary.ts';
import { software } from '../version.ts';
import { type CommandOptions, prepareConfig } from './options.ts';
import { requireFolder, requireWritable } from './paths.ts';
import { countText, Progress, summaryText } from './progress.ts';
import { stopSignal, unlessStopped } from './stop.ts';

export async function read(options: CommandOptions): Promise<number> {
  const { folder, out, study = [] } = options;
  if (out === undefined || (folder === undefined) === (study.length === 0)) {
    throw new WetreadError('request-invalid', 'read needs --out DIR and either a folder or --study UID');
  }
  const studies = study.map(studyUidOf);
  if (folder !== undefined) await requireFolder(folder);
  await requireWritable(out);
  const stop = stopSignal();
  using prepared = prepareConfig(options, { temporary: true, quiet: true });
  const progress = new Progress();
  await using wetread = await startWetread(prepared.config, { listen: false, onLog: progress.onLog });
  return await unlessStopped(stop, async () => {
    const files = folder === undefined ? NO_FILES : await importStudies(wetread, folder, progress, stop);
    for (const uid of studies) await wetread.noticeStudy(uid);
    return await finish(wetread, files, out);
  });
}

function studyUidOf(text: string): StudyInstanceUid {
  if (!isUid(text)) throw new WetreadError('request-invalid', '--study needs a Study Instance UID');
  return parseUid(text);
}

const NO_FILES: Summary['files'] = { seen: 0, stored: 0, repeated: 0, skipped: 0, notRead: [] };

export async function importStudies(
  wetread: Wetread,
  folder: string,
  progress: Progress,
  stop: AbortSignal,
): Promise<Summary['files']> {
  const { files, studies } = await wetread.importFolder(
    folder,
    (seen) => progress.update(`  ${countText(seen, 'file', 'files')} …`),
    stop,
  );
  progress.line(`${countText(files.seen, 'file', 'files')}, ${countText(studies.size, 'study', 'studies')}`);
  return files;
}

/** Waits for every study, writes the results and says what came out. @returns the exit code. */
export async function finish(wetread: Wetread, files: Summary['files'], out: string | undefined): Promise<number> {
  await wetread.whenFinal();
  const summary = await summaryOf(wetread.ports.ledger, files, `${software.name} ${software.version}`);
  if (out !== undefined) await writeResults(out, wetread.ports.ledger, summary);
  process.stdout.write(`${summaryText(summary)}\n`);
  const faults = summary.files.notRead.filter((row) => Object.hasOwn(ERROR_CODES, row.reason.code));
  return faults.length === 0 && summary.studies.every((row) => row.final) ? 0 : 1;
}
