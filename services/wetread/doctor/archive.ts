/** An archive from end to end: a search (QIDO-RS), an image's metadata (WADO-RS), and a test object (STOW-RS). */
import { normalised } from '../../../adapters/dicomweb/client.ts';
import { exchange, type HttpAccess, httpOptions } from '../../../adapters/dicomweb/http.ts';
import { type DicomDataSet, stringOf } from '../../../src/dicom-json.ts';
import { WetreadError } from '../../../src/errors.ts';
import type { ImageArchive } from '../../../src/ports.ts';
import type { DicomFile } from '../../../src/writeback/artifact.ts';
import { type CheckResult, fail, ok, type Part, type Step } from './check.ts';
import { httpAddress, reach } from './reach.ts';

export interface ArchivePart {
  /** Key of the configuration, such as `archive`. */
  readonly key: string;
  readonly access: HttpAccess;
  /** Stores this in the archive; undefined where nothing is to be stored. */
  readonly store?: { readonly archive: ImageArchive; readonly file: DicomFile };
}

export function archivePart({ key, access, store }: ArchivePart): Part {
  return {
    name: key,
    place: access.url,
    async examine(step) {
      if (!(await reach(httpAddress(access.url, `${key}.url`, access.tls), step))) return;
      if (!(await searchAndRead(key, access, step))) return;
      if (store === undefined) return;
      await step('store', (signal) => storeAndRead(store.archive, store.file, signal));
    },
  };
}

async function searchAndRead(key: string, access: HttpAccess, step: Step): Promise<boolean> {
  const studies: DicomDataSet[] = [];
  const searched = await step('search', async (signal) => {
    const asked = await ask(key, access, '/studies?limit=1', signal);
    if (!isFound(asked)) return asked;
    studies.push(...asked.found);
    return ok(studies.length === 0 ? 'QIDO-RS answers; no study is there' : 'QIDO-RS answers');
  });
  if (searched && studies[0] !== undefined) {
    const study = stringOf(studies[0], '0020000D') ?? '';
    await step('read', (signal) => readOne(key, access, study, signal));
  }
  return searched;
}

/** Down to one instance of the study, and its metadata. */
async function readOne(key: string, access: HttpAccess, study: string, signal: AbortSignal): Promise<CheckResult> {
  let path = `/studies/${study}`;
  for (const [level, tag] of [
    ['series', '0020000E'],
    ['instances', '00080018'],
  ] as const) {
    const asked = await ask(key, access, `${path}/${level}?limit=1`, signal);
    if (!isFound(asked)) return asked;
    const uid = stringOf(asked.found[0] ?? {}, tag);
    if (uid === undefined) return ok(`The study that was looked at has no ${level}`);
    path += `/${level}/${uid}`;
  }
  const asked = await ask(key, access, `${path}/metadata`, signal);
  return isFound(asked) ? ok('WADO-RS gives the metadata of an instance') : asked;
}

interface Found {
  readonly found: readonly DicomDataSet[];
}

function isFound(asked: Found | CheckResult): asked is Found {
  return 'found' in asked;
}

/** An answer in DICOM JSON, or what is wrong. */
async function ask(key: string, access: HttpAccess, path: string, signal: AbortSignal): Promise<Found | CheckResult> {
  const options = httpOptions(access);
  const headers = { accept: 'application/dicom+json' };
  const roots = 'Orthanc: …/dicom-web; dcm4chee: …/dcm4chee-arc/aets/AET/rs';
  const fix = `Check that ${key}.url is the root of its DICOMweb services (${roots}).`;
  const request = { method: 'GET', url: options.url + path, headers } as const;
  const answer = await exchange(options, request, signal).catch((cause: unknown) => refusal(cause, fix));
  if ('message' in answer) return answer;
  const { status, text } = answer;
  if (status === 204) return { found: [] };
  if (status === 401 || status === 403)
    return fail(`The archive answered ${status}`, `Set credentials that it accepts in ${key}.credentials.`);
  const found = status === 200 || status === 206 ? parsed(text) : undefined;
  if (found !== undefined) return { found };
  const said = status === 200 ? 'something else than DICOM JSON' : status;
  return fail(`The archive answered ${said}`, fix);
}

/** Such as a redirect: what the archive refuses before it has looked at the question. */
function refusal(cause: unknown, fix: string): CheckResult {
  const { code, message } = WetreadError.from(cause);
  if (code !== 'archive-refused') throw cause;
  return fail(message, fix);
}

function parsed(text: string): readonly DicomDataSet[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.map(normalised) : undefined;
  } catch {
    return undefined;
  }
}

/** Success of an instance is its UID in the answer (PS3.18 10.5.3), and that it comes back. */
export async function storeAndRead(archive: ImageArchive, file: DicomFile, signal: AbortSignal): Promise<CheckResult> {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = file.object;
  const { stored, failed } = await archive.store([file], signal);
  if (!stored.includes(sopInstanceUid)) {
    const reasons = failed.map(({ failureReason }) => failureReason.toString(16)).join(', ');
    return fail(`The archive did not store the test object (${reasons})`, 'Allow Wetread to store SR objects there.');
  }
  const back = await archive.retrieveInstance(studyInstanceUid, seriesInstanceUid, sopInstanceUid, signal);
  if (back === undefined) return fail('The stored test object cannot be read back', 'Check the log of the archive.');
  return ok('The test object was stored and read back');
}
