/** From configuration to the ledger: of the server, and of commands that work beside it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { postgresLedger } from '../../../adapters/postgres/ledger.ts';
import { sqliteLedger } from '../../../adapters/sqlite/ledger.ts';
import { WetreadError } from '../../../src/errors.ts';
import type { Ledger } from '../../../src/ports.ts';
import type { Config } from '../config.ts';
import { announcesFindings } from '../config-rabbitmq.ts';
import { systemClock } from '../system-clock.ts';

export type OpenLedger = Ledger & (Disposable | AsyncDisposable);

export async function wireLedger(config: Config): Promise<OpenLedger> {
  const { kind, url, passwordFile, preparedStatements } = config.ledger;
  const common = { clock: systemClock, announces: announcesFindings(config) };
  if (kind === 'sqlite') return sqliteLedger({ file: ledgerFile(config), ...common });
  const secret = passwordFile === undefined ? {} : { passwordFile };
  return postgresLedger({ url: url!, preparedStatements, ...secret, ...common });
}

/**
 * The ledger that a server works on, for a command beside it.
 * @throws WetreadError `config-invalid` where there is none: a command that makes one would show an empty list.
 */
export async function openExistingLedger(config: Config): Promise<OpenLedger> {
  if (config.ledger.kind === 'sqlite' && !existsSync(ledgerFile(config))) {
    throw new WetreadError(
      'config-invalid',
      `dataDirectory: no ledger is in '${config.dataDirectory}'; name the server's own with --config FILE or --data DIR`,
    );
  }
  return wireLedger(config);
}

export function ledgerFile({ dataDirectory }: Pick<Config, 'dataDirectory'>): string {
  return join(dataDirectory, 'ledger.sqlite');
}
