/** From configuration to the worklists whose items are performed: every Wetread of a ledger claims for itself. */
import { upsSource } from '../../../adapters/ups-rs/ups-source.ts';
import type { Ports, StudySource } from '../../../src/ports.ts';
import type { Config } from '../config.ts';
import { openAccess } from './access.ts';

/** @throws WetreadError `config-invalid`, naming the key of what cannot be used */
export function wireWorklists(config: Config, ports: Ports): Promise<readonly StudySource[]> {
  return Promise.all(
    config.ups.map(async (worklist, index) => {
      const { name, url, dialect, aeTitle, match, subscription, notificationUrl, archive } = worklist;
      const resultsUrl = resultsUrlOf(config, archive);
      return upsSource({
        ...(name !== undefined && { name: `ups:${name}` }),
        url,
        dialect,
        aeTitle,
        match,
        subscription,
        ...(notificationUrl !== undefined && { notificationUrl }),
        ...(archive !== undefined && { archive }),
        ...(resultsUrl !== undefined && { resultsUrl }),
        timeoutMs: worklist.timeoutSeconds * 1000,
        reconcileMs: worklist.reconcileSeconds * 1000,
        atOnce: worklist.atOnce,
        ...(await openAccess(worklist, `ups.${index}`)),
        ports,
      });
    }),
  );
}

/** Results go back to where the study came from; the embedded archive has no address that it could know. */
function resultsUrlOf({ archive, archives }: Config, name: string | undefined): string | undefined {
  const url = name === undefined ? archive.url : archives.find((one) => one.name === name)?.url;
  return url?.replace(/\/+$/, '');
}
