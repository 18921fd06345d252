/** Ctrl+C and its relatives: a command that is stopped hands work back and removes its temporary data. */
import { once } from 'node:events';
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A terminal sends Ctrl+C to the whole process group, and the launcher hands it on: what comes so soon is one. */
const SAME_MS = 1000;

/** Aborted by the first signal; one that comes later ends the process at once. Its reason is the exit code. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAt = 0;
  for (const name of SIGNALS) {
    process.on(name, () => {
      const exitCode = 128 + constants.signals[name];
      if (!controller.signal.aborted) firstAt = performance.now();
      else if (performance.now() - firstAt > SAME_MS) process.exit(exitCode);
      controller.abort(exitCode);
    });
  }
  return controller.signal;
}

export async function stopped(stop: AbortSignal): Promise<void> {
  if (!stop.aborted) await once(stop, 'abort');
}

/** The exit code of `work`, or at once that of the signal which came before its end. */
export async function unlessStopped(stop: AbortSignal, work: () => Promise<number>): Promise<number> {
  return Promise.race([work(), stopped(stop).then(() => stop.reason as number)]);
}
