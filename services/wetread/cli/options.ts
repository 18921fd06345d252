/** Options that the commands share. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WetreadError } from '../../../src/errors.ts';
import { type Config, loadConfig } from '../config.ts';

export interface CommandOptions {
  readonly folder?: string | undefined;
  readonly study?: readonly string[] | undefined;
  readonly out?: string | undefined;
  readonly config?: string | undefined;
  readonly data?: string | undefined;
  readonly port?: string | undefined;
  readonly once?: boolean | undefined;
}

/** A person waits for a command: two retries (35 s), then the study is parked and named. */
const COMMAND_RETRIES = 2;

export interface PreparedConfig extends AsyncDisposable {
  readonly config: Config;
}

/** The configuration with what the command line overrides; a temporary data directory is removed on disposal. */
export async function prepareConfig(options: CommandOptions, temporary: boolean): Promise<PreparedConfig> {
  const config = loadConfig(options.config);
  const temporaryFolder =
    temporary && options.data === undefined ? await mkdtemp(join(tmpdir(), 'wetread-')) : undefined;
  const dataDirectory = options.data ?? temporaryFolder ?? config.dataDirectory;
  const port = options.port === undefined ? config.http.port : portOf(options.port);
  const retries = temporary ? { maximum: Math.min(config.retries.maximum, COMMAND_RETRIES) } : config.retries;
  // Without a configuration file a person reads the terminal: progress instead of log lines.
  const telemetry =
    temporary && options.config === undefined ? { ...config.telemetry, logLevel: 'error' as const } : config.telemetry;
  return {
    config: { ...config, dataDirectory, retries, telemetry, http: { ...config.http, port } },
    [Symbol.asyncDispose]: async () => {
      if (temporaryFolder !== undefined) await rm(temporaryFolder, { recursive: true, force: true });
    },
  };
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new WetreadError('request-invalid', '--port needs a number from 0 to 65535');
}

/** Resolves at SIGINT or SIGTERM. */
export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
}
