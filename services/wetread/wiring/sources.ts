/** From configuration to what names studies by itself, beside what is sent here. */
import type { DirectoryArchive } from '../../../adapters/directory/archive.ts';
import type { NotificationTarget } from '../../../adapters/fhir/subscription-source.ts';
import type { Ports, StudySource } from '../../../src/ports.ts';
import type { Config } from '../config.ts';
import type { WiredAccess } from './access.ts';
import { wireFolderWatch } from './folder-watch.ts';
import { wirePolling } from './polling.ts';
import { wireRabbitmqSources } from './rabbitmq.ts';
import { wireSubscription } from './subscription.ts';
import { wireWorklists } from './worklists.ts';

export interface WiredSources {
  /** What names studies by itself, beside what is sent here. */
  readonly sources: readonly StudySource[];
  /** Where a FHIR server calls, if one is configured to. */
  readonly notifications?: NotificationTarget;
}

export async function wireSources(
  config: Config,
  ports: Ports,
  access: WiredAccess,
  embedded: DirectoryArchive | undefined,
): Promise<WiredSources> {
  const subscription = await wireSubscription(config, ports, access.fhirSubscription);
  const sources = [
    ...wirePolling(config, ports, access),
    ...wireRabbitmqSources(config, ports.log),
    ...(await wireWorklists(config, ports)),
    ...(subscription === undefined ? [] : [subscription]),
    ...wireFolderWatch(config, embedded, ports),
  ];
  return { sources, ...(subscription && { notifications: subscription }) };
}
