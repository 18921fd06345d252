/** Servers of the Open Inference Protocol that are not ours, from PyPI. Where one cannot be had, that is said once, with its cure. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';

const PACKAGES = {
  mlserver: ['mlserver==1.7.1', 'onnxruntime==1.31.1'],
  kserve: ['kserve==0.21.0', 'onnxruntime==1.31.1'],
} as const;

export type ForeignServer = keyof typeof PACKAGES;

function installOf(server: ForeignServer): string {
  const variable = `WETREAD_${server.toUpperCase()}_PYTHON`;
  return `python3 -m venv DIR && DIR/bin/pip install '${PACKAGES[server].join("' '")}', then ${variable}=DIR/bin/python`;
}

/** `$WETREAD_MLSERVER_PYTHON` and the like, or an environment in the user's cache, made on first use. */
function findPython(server: ForeignServer): string | undefined {
  const home = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const cache = join(home, 'wetread', PACKAGES[server].join('-').replaceAll('==', '-'));
  const own = join(cache, 'bin', 'python');
  for (const python of [process.env[`WETREAD_${server.toUpperCase()}_PYTHON`], own]) {
    if (python !== undefined && canImport(python, server)) return python;
  }
  if (!existsSync(cache)) mkdirSync(cache, { recursive: true });
  spawnSync('python3', ['-m', 'venv', cache], { timeout: 60_000 });
  spawnSync(own, ['-m', 'pip', 'install', '--quiet', ...PACKAGES[server]], { timeout: 600_000 });
  return canImport(own, server) ? own : undefined;
}

function canImport(python: string, server: ForeignServer): boolean {
  return spawnSync(python, ['-c', `import ${server}, onnxruntime`], { timeout: 60_000 }).status === 0;
}

const found = new Map<ForeignServer, string | undefined>();

/** For `test(name, { skip: withoutServer('kserve') }, …)`: false, or the sentence that says what to install. */
export function withoutServer(server: ForeignServer): string | false {
  if (!found.has(server)) {
    found.set(server, findPython(server));
    if (found.get(server) === undefined) process.stderr.write(`\n*** ${server} ABSENT: ${installOf(server)} ***\n`);
  }
  return found.get(server) === undefined && `${server} ABSENT: ${installOf(server)}`;
}

export interface RunningForeignServer extends AsyncDisposable {
  readonly httpUrl: string;
  readonly grpcUrl: string;
}

/** @param graphs paths by the name of the model @param folder for the settings of the server */
export async function startForeignServer(
  server: ForeignServer,
  graphs: Readonly<Record<string, string>>,
  folder: string,
): Promise<RunningForeignServer> {
  const python = found.get(server);
  if (python === undefined) throw new Error('ask withoutServer first');
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const child =
    server === 'mlserver'
      ? startMlserver(python, graphs, folder, { http, grpc, metrics })
      : spawn(python, kserveArguments(graphs, http, grpc), { stdio: ['ignore', 'ignore', 'ignore'] });
  const httpUrl = `http://127.0.0.1:${http}`;
  await untilReady(
    child,
    Object.keys(graphs).map((name) => `${httpUrl}/v2/models/${name}/ready`),
  );
  return {
    httpUrl,
    grpcUrl: `http://127.0.0.1:${grpc}`,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await ended;
    },
  };
}

function kserveArguments(graphs: Readonly<Record<string, string>>, http: number, grpc: number): readonly string[] {
  const named = Object.entries(graphs).map(([name, path]) => `${name}=${path}`);
  return [join(import.meta.dirname, 'kserve_onnx.py'), String(http), String(grpc), ...named];
}

interface Ports {
  readonly http: number;
  readonly grpc: number;
  readonly metrics: number;
}

function startMlserver(
  python: string,
  graphs: Readonly<Record<string, string>>,
  folder: string,
  { http, grpc, metrics }: Ports,
): ChildProcess {
  const settings = {
    host: '127.0.0.1',
    http_port: http,
    grpc_port: grpc,
    metrics_port: metrics,
    parallel_workers: 0,
    grpc_max_message_length: -1,
  };
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  for (const [name, uri] of Object.entries(graphs)) {
    mkdirSync(join(folder, name));
    const model = { name, implementation: 'mlserver_onnx.OnnxModel', parameters: { uri } };
    writeFileSync(join(folder, name, 'model-settings.json'), JSON.stringify(model));
  }
  return spawn(python, ['-c', 'from mlserver.cli import main; main()', 'start', folder], {
    env: { ...process.env, PYTHONPATH: import.meta.dirname },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilReady(child: ChildProcess, urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    while ((await fetch(url).catch(() => undefined))?.status !== 200) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('the server ended before it was ready');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
