/** `wetread serve`: runs until SIGINT or SIGTERM, then hands running work back and closes in reverse order. */
import { startWetread } from '../server.ts';
import { type CommandOptions, prepareConfig, stopSignal } from './options.ts';

export async function serve(options: CommandOptions): Promise<number> {
  const stopped = stopSignal();
  await using prepared = await prepareConfig(options, false);
  await using wetread = await startWetread(prepared.config, { listen: true });
  process.stderr.write(`Wetread listens on ${wetread.url}\n`);
  await stopped;
  return 0;
}
