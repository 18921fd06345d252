/** `wetread rules test`: what the rules make of a study, step by step, before they are switched on. Nothing is read or stored. */
import { WetreadError } from '../../../src/errors.ts';
import { decideOn, type MetadataSource } from '../../../src/selection.ts';
import { isUid, parseUid, type StudyInstanceUid } from '../../../src/uid.ts';
import { studiesBelow } from '../folder-studies.ts';
import { type Wired, wire } from '../wiring/wiring.ts';
import { type CommandOptions, prepareConfig } from './options.ts';
import { requireFolder } from './paths.ts';
import { Progress } from './progress.ts';
import { type Explanation, explanationOf, explanationText } from './rule-text.ts';
import { stopSignal } from './stop.ts';

export async function rules(options: CommandOptions): Promise<number> {
  const [action, what, ...others] = options.words;
  if (action !== 'test' || what === undefined || others.length > 0) {
    throw new WetreadError('request-invalid', 'rules needs: test and a Study Instance UID or a folder');
  }
  const uid = isUid(what) ? parseUid<StudyInstanceUid>(what) : undefined;
  if (uid === undefined) await requireFolder(what);
  using prepared = prepareConfig(options, { temporary: uid === undefined, quiet: true });
  await using wired = await wire(prepared.config, new Progress().onLog);
  const signal = stopSignal();
  const explained = uid === undefined ? await ofFolder(wired, what, signal) : [await ofStudy(wired, uid, signal)];
  const text = options.json ? JSON.stringify(explained, null, 2) : explained.map(explanationText).join('\n\n');
  process.stdout.write(`${text}\n`);
  return 0;
}

async function ofFolder(wired: Wired, folder: string, signal: AbortSignal): Promise<readonly Explanation[]> {
  const { studies, archive } = await studiesBelow(folder);
  if (studies.length === 0) throw new WetreadError('not-found', 'FOLDER holds no study');
  const explained: Explanation[] = [];
  for (const study of studies) explained.push(await explain(wired, study, { source: 'folder' }, archive, signal));
  return explained;
}

/** What was said of the study when it was noticed comes from the ledger, where it has been. */
async function ofStudy(wired: Wired, uid: StudyInstanceUid, signal: AbortSignal): Promise<Explanation> {
  const record = await wired.ports.ledger.get(uid);
  const archive = wired.archives.named(record?.archive);
  const study = await archive.findStudy(uid, signal);
  if (study === undefined) throw new WetreadError('not-found', 'The archive does not know the study');
  const event = { source: record?.source ?? 'cli', ...(record?.archive !== undefined && { archive: record.archive }) };
  return explain(wired, study, event, archive, signal);
}

async function explain(
  { ports, site }: Wired,
  study: Parameters<typeof decideOn>[0],
  event: Parameters<typeof decideOn>[1],
  archive: MetadataSource,
  signal: AbortSignal,
): Promise<Explanation> {
  const decision = await decideOn(study, event, site.rules, ports.models, archive, signal);
  return explanationOf(study, event, decision, site.rules);
}
