/** Options that the commands share. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WetreadError } from '../../../src/errors.ts';
import { type Config, loadConfig } from '../config.ts';

export interface CommandOptions {
  /** What stands behind the command: a folder, or an action and what it works on. */
  readonly words: readonly string[];
  readonly folder?: string | undefined;
  readonly study?: readonly string[] | undefined;
  readonly out?: string | undefined;
  readonly config?: string | undefined;
  readonly data?: string | undefined;
  readonly port?: string | undefined;
  readonly once?: boolean | undefined;
  readonly state?: string | undefined;
  readonly reason?: string | undefined;
  readonly since?: string | undefined;
  readonly note?: string | undefined;
  readonly json?: boolean | undefined;
  readonly before?: string | undefined;
  readonly export?: string | undefined;
  readonly documents?: boolean | undefined;
  readonly store?: boolean | undefined;
  readonly to?: string | undefined;
  readonly sign?: string | undefined;
  readonly 'log-level'?: string | undefined;
}

/** A person waits for a command: two retries (35 s), then the study is parked and named. */
const COMMAND_RETRIES = 2;

export interface PreparedConfig extends Disposable {
  readonly config: Config;
}

export interface CommandKind {
  /** Works on a data directory of its own, removed on disposal unless one is named, and ends when its work is done. */
  readonly temporary: boolean;
  /** A person reads the terminal: progress in words instead of the log of a server, unless it is asked for. */
  readonly quiet: boolean;
}

/** The configuration with what the command line overrides. */
export function prepareConfig(options: CommandOptions, { temporary, quiet }: CommandKind): PreparedConfig {
  const config = loadConfig(options.config);
  const folder = temporary && options.data === undefined ? temporaryFolder() : undefined;
  const dataDirectory = options.data ?? folder?.path ?? config.dataDirectory;
  createPrivately(dataDirectory);
  const port = options.port === undefined ? config.http.port : portOf(options.port);
  const retries = temporary ? fewRetries(config.retries) : config.retries;
  const logLevel = logLevelOf(options['log-level']) ?? (quiet ? 'silent' : config.telemetry.logLevel);
  const telemetry = { ...config.telemetry, logLevel };
  const shutdownSeconds = temporary ? 0 : config.shutdownSeconds;
  // A command reads what it was given, and waits for that alone: it takes no work from replicas that share a ledger.
  const ledger = temporary ? { ...config.ledger, kind: 'sqlite' as const } : config.ledger;
  return {
    config: { ...config, dataDirectory, ledger, retries, telemetry, shutdownSeconds, http: { ...config.http, port } },
    [Symbol.dispose]: () => folder?.remove(),
  };
}

function fewRetries({ maximum, maximumUnreachable }: Config['retries']): Config['retries'] {
  return {
    maximum: Math.min(maximum, COMMAND_RETRIES),
    maximumUnreachable: Math.min(maximumUnreachable, COMMAND_RETRIES),
  };
}

/** Holds copies of patients' images, for its owner alone: removed however the process ends, short of being killed. */
function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'wetread-'));
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', remove);
  return { path, remove };
}

/** Images and reports of patients are for the account that runs Wetread; a folder that exists keeps its permissions. */
function createPrivately(dataDirectory: string): void {
  try {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new WetreadError('config-invalid', `dataDirectory cannot be created (${code})`, { cause });
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new WetreadError('request-invalid', '--port needs a number from 0 to 65535');
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

function logLevelOf(text: string | undefined): Config['telemetry']['logLevel'] | undefined {
  const level = LOG_LEVELS.find((one) => one === text);
  if (text !== undefined && level === undefined)
    throw new WetreadError('request-invalid', `--log-level is one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

/** The configuration of the site's server, for a command beside it: nothing is made. */
export function siteConfig({ config: file, data }: CommandOptions): Config {
  const config = loadConfig(file);
  return { ...config, dataDirectory: data ?? config.dataDirectory };
}
