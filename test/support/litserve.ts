/** LitServe, a chat completions server in Python. Where it cannot be had, that is said once, with its cure. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { PythonEnvironment } from './python-packages.ts';

const environment = new PythonEnvironment({
  name: 'LitServe',
  packages: ['litserve==0.2.19', 'pillow==12.0.0'],
  imports: ['litserve', 'PIL'],
  variable: 'WETREAD_LITSERVE_PYTHON',
});

/** For `test(name, { skip: withoutLitServe() }, …)`: false, or the sentence that says what to install. */
export function withoutLitServe(): string | false {
  return environment.absence();
}

export interface LitServe extends AsyncDisposable {
  readonly url: string;
}

/** Runs test/support/litserve_chat.py until it answers. */
export async function startLitServe(): Promise<LitServe> {
  const port = await freePort();
  const script = join(import.meta.dirname, 'litserve_chat.py');
  // A process group of its own: the server starts workers, which are stopped with it.
  const child = spawn(environment.python, [script, String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const said: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.pid === undefined) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  };
  for (let tries = 0; tries < 600; tries++) {
    const isReady = await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return { url, [Symbol.asyncDispose]: stop };
    if (child.exitCode !== null) break;
    await sleep(100);
  }
  await stop();
  throw new Error(`LitServe did not start:\n${Buffer.concat(said).toString()}`);
}
