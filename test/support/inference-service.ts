/** Starts a real inference service for tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export const inferenceEntry = join(import.meta.dirname, '..', '..', 'services', 'inference', 'main.ts');

export interface RunningService extends AsyncDisposable {
  readonly url: string;
  readonly process: ChildProcess;
  /** The line that it printed when it was ready. */
  readonly ready: { readonly listening: number; readonly grpcPort?: number; readonly providers: object };
}

export async function startInferenceService(models: string, ...more: readonly string[]): Promise<RunningService> {
  const child = spawn(process.execPath, [inferenceEntry, '--models', models, '--log-level', 'error', ...more], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('the inference service ended before it was ready'))),
  ]);
  const ready = JSON.parse(String(line)) as RunningService['ready'];
  return {
    url: `http://127.0.0.1:${ready.listening}`,
    process: child,
    ready,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
