/**
 * A real PACS for tests: Orthanc with its DICOMweb plugin, on loopback, in a folder of its own. Never with the GDCM
 * plugin of Debian 12, which ends the process on requests that any client may send.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type DicomDataSet, stringOf } from '../../src/dicom-json.ts';

const PLUGIN = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';
const START_LIMIT_MS = 30_000;

const isInstalled = existsSync(PLUGIN) && spawnSync('Orthanc', ['--version']).status === 0;

/** For `test(name, { skip: withoutOrthanc }, …)`: false, or the sentence that says what is missing. */
export const withoutOrthanc: string | false = isInstalled
  ? false
  : 'ORTHANC ABSENT: apt-get install --no-install-recommends orthanc orthanc-dicomweb';

if (withoutOrthanc !== false)
  process.stderr.write(`\n*** ${withoutOrthanc}: tests against a real PACS are skipped ***\n`);

export interface OrthancOptions {
  readonly httpPort: number;
  readonly dicomPort: number;
  /** DICOMweb servers that it can push to, by name: their roots. */
  readonly servers?: Readonly<Record<string, string>>;
  /** Settings of its own configuration file, in place of the usual ones. */
  readonly settings?: object;
  /** Asks for a path of it, where that takes more than its address, such as a password. */
  readonly ask?: (path: string) => Promise<Response>;
}

export interface Orthanc extends AsyncDisposable {
  /** `http://127.0.0.1:24110`; the DICOMweb root is `/dicom-web` below it. */
  readonly url: string;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
  /** Ends the process at once, as a power cut would; its folder stays until {@link stop}. */
  kill(): void;
  /** Starts the process anew on the same folder, killed or not. */
  restart(): Promise<void>;
}

/** Resolves when it answers. Throws with its log where it does not start. */
export async function startOrthanc(options: OrthancOptions): Promise<Orthanc> {
  const folder = await mkdtemp(join(tmpdir(), 'wetread-orthanc-'));
  const configuration = join(folder, 'orthanc.json');
  await writeFile(configuration, JSON.stringify(configurationOf(folder, options)));
  const log = join(folder, 'orthanc.log');
  const url = `http://127.0.0.1:${options.httpPort}`;
  const ask = (path: string): Promise<Response> => fetch(`${url}${path}`);
  let running: Running | undefined;
  const end = async (): Promise<void> => {
    running?.child.kill('SIGKILL');
    await running?.exited;
  };
  const stop = async (): Promise<void> => {
    await end();
    await rm(folder, { recursive: true, force: true });
  };
  const restart = async (): Promise<void> => {
    await end();
    running = launch(log, configuration);
    if (await answers(() => (options.ask ?? ask)('/system'), basename(folder), running.child)) return;
    const said = await readFile(log, 'utf8').catch(() => '');
    await stop();
    throw new Error(`Orthanc does not start:\n${said.slice(-2000)}`);
  };
  await restart();
  return { url, stop, restart, kill: () => void running?.child.kill('SIGKILL'), [Symbol.asyncDispose]: stop };
}

/** Puts files into it by its own interface. @returns its id of their study */
export async function loadInto(orthanc: Orthanc, files: readonly Uint8Array[]): Promise<string> {
  let study = '';
  for (const file of files) {
    const answer = await fetch(`${orthanc.url}/instances`, { method: 'POST', body: Buffer.from(file) });
    if (!answer.ok) throw new Error(`Orthanc answers ${answer.status}`);
    study = ((await answer.json()) as { ParentStudy: string }).ParentStudy;
  }
  return study;
}

/** Every instance that it holds of a study, by QIDO-RS. */
export async function heldIn(orthanc: Orthanc, study: string, query = ''): Promise<readonly DicomDataSet[]> {
  const answer = await fetch(`${orthanc.url}/dicom-web/studies/${study}/instances?includefield=00080070&${query}`, {
    headers: { accept: 'application/dicom+json' },
  });
  return answer.ok ? ((await answer.json()) as DicomDataSet[]) : [];
}

/** The Part 10 file of an instance that {@link heldIn} found, by WADO-RS. */
export async function storedIn(orthanc: Orthanc, found: DicomDataSet): Promise<Buffer> {
  const [study, series, sop] = ['0020000D', '0020000E', '00080018'].map((tag) => stringOf(found, tag));
  const url = `${orthanc.url}/dicom-web/studies/${study}/series/${series}/instances/${sop}`;
  const answer = await fetch(url, {
    headers: { accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' },
  });
  if (answer.status !== 200) throw new Error(`Orthanc answers ${answer.status}`);
  const body = Buffer.from(await answer.arrayBuffer());
  const boundary = /boundary="?([^";]+)/.exec(answer.headers.get('content-type') ?? '')?.[1];
  const start = body.indexOf('\r\n\r\n') + 4;
  return body.subarray(start, body.lastIndexOf(`\r\n--${boundary}`));
}

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
}

function launch(log: string, configuration: string): Running {
  const child = spawn('Orthanc', [`--logfile=${log}`, configuration], { stdio: 'ignore' });
  return { child, exited: new Promise((resolve) => child.once('exit', () => resolve())) };
}

/** Whether the process that was started answers, and not another one that has the port. */
async function answers(ask: () => Promise<Response>, name: string, child: ChildProcess): Promise<boolean> {
  for (let waited = 0; waited < START_LIMIT_MS && child.exitCode === null; waited += 100) {
    const system = await ask().then(
      (response) => response.json() as Promise<{ Name?: string }>,
      () => undefined,
    );
    if (system?.Name === name) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

function configurationOf(folder: string, { httpPort, dicomPort, servers = {}, settings }: OrthancOptions): object {
  return {
    Name: basename(folder),
    StorageDirectory: join(folder, 'storage'),
    IndexDirectory: join(folder, 'storage'),
    Plugins: [PLUGIN],
    HttpPort: httpPort,
    DicomPort: dicomPort,
    DicomServerEnabled: true,
    RemoteAccessAllowed: false,
    AuthenticationEnabled: false,
    StableAge: 5,
    OverwriteInstances: true,
    DicomCheckCalledAet: false,
    DicomWeb: {
      Enable: true,
      Root: '/dicom-web/',
      StudiesMetadata: 'Full',
      SeriesMetadata: 'Full',
      Servers: Object.fromEntries(Object.entries(servers).map(([name, root]) => [name, [root]])),
    },
    ...settings,
  };
}
