/** SimpleITK and scipy, in Python: resampling that others wrote. Where they cannot be had, that is said once, with the cure. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PythonEnvironment } from './python-packages.ts';

const environment = new PythonEnvironment({
  name: 'SimpleITK and scipy',
  packages: ['SimpleITK==2.5.7', 'scipy==1.17.1', 'numpy==2.4.6'],
  imports: ['SimpleITK', 'scipy.ndimage'],
  variable: 'WETREAD_IMAGING_PYTHON',
});

/** For `test(name, { skip: withoutReferenceImaging() }, …)`: false, or the sentence that says what to install. */
export function withoutReferenceImaging(): string | false {
  return environment.absence();
}

/** The Python that has both. */
export function imagingPython(): string {
  return environment.python;
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
