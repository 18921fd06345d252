/** NVIDIA's client of Triton, in Python. Where it cannot be had, that is said once, with its cure. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { PythonEnvironment } from './python-packages.ts';

const environment = new PythonEnvironment({
  name: 'tritonclient',
  packages: ['tritonclient[http,grpc]==2.73.0'],
  imports: ['tritonclient.http', 'tritonclient.grpc', 'tritonclient.utils.shared_memory'],
  variable: 'WETREAD_TRITON_PYTHON',
});

/** For `test(name, { skip: withoutTritonClient() }, …)`: false, or the sentence that says what to install. */
export function withoutTritonClient(): string | false {
  return environment.absence();
}

/** Runs test/support/triton_client.py. @returns what it prints, JSON by part */
export async function runTritonClient(...arguments_: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const script = join(import.meta.dirname, 'triton_client.py');
  const child = spawn(environment.python, [script, ...arguments_], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (stdout === '') throw new Error(`tritonclient failed:\n${stderr}`);
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}
