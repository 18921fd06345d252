/** Servers of the Open Inference Protocol that are not ours, from PyPI. Where one cannot be had, that is said once, with its cure. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { PythonEnvironment } from './python-packages.ts';

const ENVIRONMENTS = {
  mlserver: new PythonEnvironment({
    name: 'MLServer',
    packages: ['mlserver==1.7.1', 'onnxruntime==1.31.1'],
    imports: ['mlserver', 'onnxruntime'],
    variable: 'WETREAD_MLSERVER_PYTHON',
  }),
  kserve: new PythonEnvironment({
    name: 'KServe',
    packages: ['kserve==0.21.0', 'onnxruntime==1.31.1'],
    imports: ['kserve', 'onnxruntime'],
    variable: 'WETREAD_KSERVE_PYTHON',
  }),
} as const;

export type ForeignServer = keyof typeof ENVIRONMENTS;

/** For `test(name, { skip: withoutServer('kserve') }, …)`: false, or the sentence that says what to install. */
export function withoutServer(server: ForeignServer): string | false {
  return ENVIRONMENTS[server].absence();
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
  const { python } = ENVIRONMENTS[server];
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

async function untilReady(child: ChildProcess, urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    while ((await fetch(url).catch(() => undefined))?.status !== 200) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('the server ended before it was ready');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
