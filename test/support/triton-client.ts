/** NVIDIA's client of Triton, in Python. Where it cannot be had, that is said once, with its cure. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const PACKAGE = 'tritonclient[http,grpc]==2.73.0';
const INSTALL = `python3 -m venv DIR && DIR/bin/pip install '${PACKAGE}', then WETREAD_TRITON_PYTHON=DIR/bin/python`;

/** `$WETREAD_TRITON_PYTHON`, or an environment in the user's cache, made on first use. */
function findPython(): string | undefined {
  const home = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const cache = join(home, 'wetread', 'tritonclient-2.73.0');
  const own = join(cache, 'bin', 'python');
  for (const python of [process.env['WETREAD_TRITON_PYTHON'], own]) {
    if (python !== undefined && importsClient(python)) return python;
  }
  if (!existsSync(cache)) mkdirSync(cache, { recursive: true });
  spawnSync('python3', ['-m', 'venv', cache], { timeout: 60_000 });
  spawnSync(own, ['-m', 'pip', 'install', '--quiet', PACKAGE], { timeout: 240_000 });
  return importsClient(own) ? own : undefined;
}

function importsClient(python: string): boolean {
  const imports = 'import tritonclient.http, tritonclient.grpc, tritonclient.utils.shared_memory';
  return spawnSync(python, ['-c', imports], { timeout: 60_000 }).status === 0;
}

/** Looked for once, when somebody asks. */
let search: { readonly python: string | undefined } | undefined;

/** For `test(name, { skip: withoutTritonClient() }, …)`: false, or the sentence that says what to install. */
export function withoutTritonClient(): string | false {
  if (search === undefined) {
    search = { python: findPython() };
    if (search.python === undefined) process.stderr.write(`\n*** tritonclient ABSENT: ${INSTALL} ***\n`);
  }
  return search.python === undefined && `tritonclient ABSENT: ${INSTALL}`;
}

/** Runs test/support/triton_client.py. @returns what it prints, JSON by part */
export async function runTritonClient(...arguments_: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  if (search?.python === undefined) throw new Error('ask withoutTritonClient first');
  const script = join(import.meta.dirname, 'triton_client.py');
  const child = spawn(search.python, [script, ...arguments_], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (stdout === '') throw new Error(`tritonclient failed:\n${stderr}`);
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}
