/** SimpleITK and scipy, in Python: resampling that others wrote. Where they cannot be had, that is said once, with the cure. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const PACKAGES = ['SimpleITK==2.5.7', 'scipy==1.17.1', 'numpy==2.4.6'] as const;
const INSTALL = `python3 -m venv DIR && DIR/bin/pip install ${PACKAGES.join(' ')}, then WETREAD_IMAGING_PYTHON=DIR/bin/python`;

/** `$WETREAD_IMAGING_PYTHON`, or an environment in the user's cache, made on first use. */
function findPython(): string | undefined {
  const home = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const cache = join(home, 'wetread', 'imaging-2.5.7');
  const own = join(cache, 'bin', 'python');
  for (const python of [process.env['WETREAD_IMAGING_PYTHON'], own]) {
    if (python !== undefined && importsBoth(python)) return python;
  }
  if (!existsSync(cache)) mkdirSync(cache, { recursive: true });
  spawnSync('python3', ['-m', 'venv', cache], { timeout: 60_000 });
  spawnSync(own, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { timeout: 240_000 });
  return importsBoth(own) ? own : undefined;
}

function importsBoth(python: string): boolean {
  return spawnSync(python, ['-c', 'import SimpleITK, scipy.ndimage'], { timeout: 60_000 }).status === 0;
}

/** Looked for once, when somebody asks. */
let search: { readonly python: string | undefined } | undefined;

/** For `test(name, { skip: withoutReferenceImaging() }, …)`: false, or the sentence that says what to install. */
export function withoutReferenceImaging(): string | false {
  if (search === undefined) {
    search = { python: findPython() };
    if (search.python === undefined) process.stderr.write(`\n*** SimpleITK and scipy ABSENT: ${INSTALL} ***\n`);
  }
  return search.python === undefined && `SimpleITK and scipy ABSENT: ${INSTALL}`;
}

/** The Python that has both. */
export function imagingPython(): string {
  if (search?.python === undefined) throw new Error('ask withoutReferenceImaging first');
  return search.python;
}

/** The largest difference from each reference, in units, and the share of the grid that was judged and lies inside. */
export interface ResampleVerdict {
  readonly simpleitk: number;
  readonly scipy: number;
  readonly judged: number;
  readonly inside: number;
}

/** Runs test/support/resample_reference.py on a job file. */
export async function compareResampling(job: string): Promise<ResampleVerdict> {
  const script = join(import.meta.dirname, 'resample_reference.py');
  const child = spawn(imagingPython(), [script, job], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (stdout === '') throw new Error(`the reference failed:\n${stderr}`);
  return JSON.parse(stdout) as ResampleVerdict;
}
