/** `wetread serve`: runs until SIGINT or SIGTERM, then hands running work back and closes in reverse order. */
import { startWetread } from '../server.ts';
import { type CommandOptions, prepareConfig } from './options.ts';
import { stopped, stopSignal } from './stop.ts';

export async function serve(options: CommandOptions): Promise<number> {
  const stop = stopSignal();
  using prepared = prepareConfig(options, { temporary: false, quiet: false });
  using ended = new DisposableStack();
  await using wetread = await startWetread(prepared.config, { listen: true });
  const port = Number(new URL(wetread.url).port);
  const { log } = wetread.ports;
  ended.defer(() => log.write('server-stopped', { port }));
  log.write('server-started', { port });
  process.stdout.write(`Wetread listens on ${wetread.url}\n`);
  await stopped(stop);
  return 0;
}
