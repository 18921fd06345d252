/** From configuration to the polling of every archive: each at its own pace, and by one Wetread of all that share a ledger. */
import { randomUUID } from 'node:crypto';
import { azureChangeFeed } from '../../../adapters/dicomweb/azure-change-feed.ts';
import { orthancChanges } from '../../../adapters/dicomweb/orthanc-changes.ts';
import { type QidoSourceOptions, qidoSource } from '../../../adapters/dicomweb/qido-source.ts';
import type { Ports, StudySource } from '../../../src/ports.ts';
import type { Config } from '../config.ts';
import { leasedSource } from '../leased-source.ts';
import type { WiredAccess } from './access.ts';

type Access = WiredAccess['archive'] | undefined;
type Archive = Pick<Config['archives'][number], 'url' | 'polling'> & { readonly name?: string };

export function wirePolling(config: Config, ports: Ports, access: WiredAccess): readonly StudySource[] {
  const worker = randomUUID();
  return polledArchives(config).map((archive) => {
    const name = archive.name === undefined ? 'qido' : `qido:${archive.name}`;
    const reached = archive.name === undefined ? access.archive : access.archives.get(archive.name);
    const options = { name, ...pollingOptions(archive, config), ...reached, ...feedOf(archive, reached) };
    // An embedded ledger is this Wetread's alone: nobody is to be waited for after a crash.
    if (config.ledger.kind === 'sqlite') return qidoSource({ ...options, ports });
    const open = (ledger: QidoSourceOptions['ports']['ledger']): StudySource =>
      qidoSource({ ...options, ports: { ...ports, ledger } });
    // To take polling over costs little, to wait for it keeps every new study waiting.
    return leasedSource({ name, worker, ports, open, leaseMs: (config.ledger.leaseSeconds * 1000) / 4 });
  });
}

/** The list of changes has the archive's credentials: it is the same server. */
function feedOf({ url, polling }: Archive, reached: Access): Pick<QidoSourceOptions, 'feed'> {
  const { changes, changesUrl } = polling;
  if (changes === 'azure') return { feed: azureChangeFeed({ ...reached, url: changesUrl ?? url }) };
  if (changes === 'orthanc')
    return { feed: orthancChanges({ ...reached, url: changesUrl ?? new URL('..', slashed(url)).href }) };
  return {};
}

function slashed(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

function polledArchives({ archive, archives }: Config): readonly Archive[] {
  const { kind, url, polling } = archive;
  const first = kind === 'dicomweb' ? [{ url: url!, polling }] : [];
  return [...first, ...archives].filter((one) => one.polling.enabled);
}

function pollingOptions({ name, url, polling }: Archive, { completeness }: Config): Omit<QidoSourceOptions, 'ports'> {
  const { intervalSeconds, windowDays, sweepDays, sweepSeconds, concurrency } = polling;
  return {
    url,
    ...(name !== undefined && { archive: name }),
    intervalMs: intervalSeconds * 1000,
    windowDays,
    sweepDays,
    sweepMs: sweepSeconds * 1000,
    quietMs: completeness.quietSeconds * 1000,
    concurrency,
  };
}
