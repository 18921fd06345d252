/** LitServe, a chat completions server in Python. Where it cannot be had, that is said once, with its cure. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PACKAGES = ['litserve==0.2.19', 'pillow==12.0.0'];
const INSTALL = `python3 -m venv DIR && DIR/bin/pip install ${PACKAGES.join(' ')}, then WETREAD_LITSERVE_PYTHON=DIR/bin/python`;

/** `$WETREAD_LITSERVE_PYTHON`, or an environment in the user's cache, made on first use. */
function findPython(): string | undefined {
  const home = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const cache = join(home, 'wetread', 'litserve-0.2.19');
  const own = join(cache, 'bin', 'python');
  for (const python of [process.env['WETREAD_LITSERVE_PYTHON'], own]) {
    if (python !== undefined && importsServer(python)) return python;
  }
  if (!existsSync(cache)) mkdirSync(cache, { recursive: true });
  spawnSync('python3', ['-m', 'venv', cache], { timeout: 60_000 });
  spawnSync(own, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { timeout: 240_000 });
  return importsServer(own) ? own : undefined;
}

function importsServer(python: string): boolean {
  return spawnSync(python, ['-c', 'import litserve, PIL'], { timeout: 60_000 }).status === 0;
}

/** Looked for once, when somebody asks. */
let search: { readonly python: string | undefined } | undefined;

/** For `test(name, { skip: withoutLitServe() }, …)`: false, or the sentence that says what to install. */
export function withoutLitServe(): string | false {
  if (search === undefined) {
    search = { python: findPython() };
    if (search.python === undefined) process.stderr.write(`\n*** LitServe ABSENT: ${INSTALL} ***\n`);
  }
  return search.python === undefined && `LitServe ABSENT: ${INSTALL}`;
}

export interface LitServe extends AsyncDisposable {
  readonly url: string;
}

/** Runs test/support/litserve_chat.py until it answers. */
export async function startLitServe(): Promise<LitServe> {
  if (search?.python === undefined) throw new Error('ask withoutLitServe first');
  const port = await freePort();
  const script = join(import.meta.dirname, 'litserve_chat.py');
  // A process group of its own: the server starts workers, which are stopped with it.
  const child = spawn(search.python, [script, String(port)], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
