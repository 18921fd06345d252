/** Wetread with nothing but its embedded parts: studies come by STOW-RS. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import { sendByStow } from '../../services/wetread/cli/send.ts';
import { faultyProxy } from '../support/faulty-proxy.ts';
import { writeNullModel } from '../support/null-model.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { countResults, type Site, studiesOfInstances, studiesOfReports } from './site.ts';
import { WetreadProcess } from './wetread-process.ts';

/** For `test(name, { skip: withoutMounts }, …)`: false, or the sentence that says what is missing. */
export const withoutMounts: string | false =
  spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
    ? false
    : 'NO RIGHT TO MOUNT: a disk that is full needs one of its own';

if (withoutMounts !== false) process.stderr.write(`\n*** ${withoutMounts}: tests of a full disk are skipped ***\n`);

export interface EmbeddedPorts {
  readonly wetread: number;
  /** Senders reach Wetread through it. */
  readonly proxy: number;
}

export interface EmbeddedOptions {
  readonly ports: EmbeddedPorts;
  /** Size of the disk that holds the data directory, in MiB; needs the right to mount. Default: the common disk. */
  readonly diskMib?: number;
  /** Keys of the configuration beside the usual ones. */
  readonly config?: object;
}

export interface EmbeddedSite extends Site {
  readonly dataDirectory: string;
}

export async function embeddedSite({ ports, diskMib, config = {} }: EmbeddedOptions): Promise<EmbeddedSite> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(new TemporaryFolder());
  const dataDirectory = join(folder.path, 'data');
  mkdirSync(dataDirectory);
  if (diskMib !== undefined) {
    mount('-t', 'tmpfs', '-o', `size=${diskMib}m`, 'tmpfs', dataDirectory);
    stack.defer(() => mount('--unmount', dataDirectory));
  }
  const configFile = join(folder.path, 'wetread.json');
  const models = [await writeNullModel(folder.path)];
  writeFileSync(configFile, JSON.stringify({ ...commonConfig(ports.wetread, models), dataDirectory, ...config }));
  const wetread = stack.use(new WetreadProcess(configFile));
  const proxy = stack.use(await faultyProxy(ports.proxy, ports.wetread));
  await wetread.start();
  const url = `http://127.0.0.1:${ports.wetread}`;
  const owned = stack.move();
  return {
    wetread,
    dataDirectory,
    servers: { archive: { proxy, kill: () => wetread.kill(), start: () => wetread.start() } },
    async deliver({ files }) {
      const { failed } = await sendByStow(`http://127.0.0.1:${ports.proxy}/dicom-web/studies`, files, () => {});
      if (failed > 0) throw new Error(`${failed} instances were refused`);
    },
    entries: async () => {
      using ledger = sqliteLedger({ file: join(dataDirectory, 'ledger.sqlite'), clock: systemClock });
      return await ledger.list();
    },
    results: async () => {
      const [sr, seg] = [
        await studiesOfInstances(`${url}/dicom-web`, 'SR'),
        await studiesOfInstances(`${url}/dicom-web`, 'SEG'),
      ];
      return countResults({ sr, seg }, await studiesOfReports(`${url}/fhir`));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Short times, so that a row takes seconds; every step is logged, so that a process can die at each. */
export function commonConfig(port: number, models: readonly string[]): object {
  return {
    http: { port },
    bundledModels: false,
    models,
    completeness: { quietSeconds: 0.5 },
    ledger: { leaseSeconds: 4 },
    inference: { timeoutSeconds: 3, threads: 1 },
    shutdownSeconds: 0,
    telemetry: { logLevel: 'debug' },
  };
}

export const systemClock = { now: () => new Date(), monotonicMs: () => performance.now() };

function mount(...args: readonly string[]): void {
  const [command, given] = args[0] === '--unmount' ? ['umount', args.slice(1)] : ['mount', args];
  const { status, stderr } = spawnSync(command, [...given], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
}
