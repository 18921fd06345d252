/** What the schema cannot say of the keys of a FHIR subscription, of worklists and of watched folders. */
import { resolve, sep } from 'node:path';
import type { Config } from '../../contracts/generated/types.ts';
import { complaintsOfRabbitmq } from './config-rabbitmq.ts';
import { complaintsOfUrls } from './config-urls.ts';

/** @returns what is wrong, each naming its key */
export function complaintsOfSources(config: Config): readonly string[] {
  return [
    ...complaintsOfSubscription(config),
    ...complaintsOfWorklists(config),
    ...complaintsOfFolders(config),
    ...complaintsOfRabbitmq(config),
  ];
}

function complaintsOfSubscription({ fhirSubscription, healthRecord }: Config): readonly string[] {
  const { enabled, url, endpoint, secretFile, payload, topic, credentials, tls } = fhirSubscription;
  if (!enabled) return [];
  // The health record is asked as the health record.
  const idle = url === undefined ? Object.entries({ credentials, tls }).filter(([, value]) => value !== undefined) : [];
  return [
    ...idle.map(([key]) => `fhirSubscription.${key} has no effect without fhirSubscription.url`),
    ...complaintsOfUrls({
      'fhirSubscription.url': url ?? healthRecord.url ?? '',
      'fhirSubscription.endpoint': endpoint,
    }),
    secretFile === undefined ? 'fhirSubscription.secretFile is missing' : undefined,
    payload === 'id-only' && topic === undefined ? 'fhirSubscription.payload id-only needs a topic' : undefined,
  ].filter((complaint) => complaint !== undefined);
}

function complaintsOfWorklists({ ups, archives }: Config): readonly string[] {
  const complaints = ups
    .flatMap(({ url, notificationUrl, archive }, index) => [
      ...complaintsOfUrls({ [`ups.${index}.url`]: url }),
      ...complaintsOfUrls({ [`ups.${index}.notificationUrl`]: notificationUrl }, ['ws', 'wss']),
      archive === undefined || archives.some(({ name }) => name === archive)
        ? undefined
        : `ups.${index}.archive names none of archives`,
    ])
    .filter((complaint) => complaint !== undefined);
  const isEachNamed = new Set(ups.map(({ name }) => name)).size === ups.length;
  return isEachNamed ? complaints : [...complaints, 'ups: of several worklists each needs a name of its own'];
}

function complaintsOfFolders({ folderWatch, archive, dataDirectory }: Config): readonly string[] {
  const { folders, after, storedFolder, refusedFolder } = folderWatch;
  if (folders.length === 0) return [];
  const apart = (one: string, other: string): boolean => !isWithin(one, other) && !isWithin(other, one);
  const others = [dataDirectory, storedFolder, refusedFolder].filter((folder) => folder !== undefined);
  return [
    archive.kind === 'directory' ? undefined : 'folderWatch.folders needs archive.kind directory',
    after === 'move' && storedFolder === undefined ? 'folderWatch.storedFolder is missing' : undefined,
    folders.every((one, index) => folders.slice(index + 1).every((other) => apart(one, other)))
      ? undefined
      : 'folderWatch.folders lie within each other',
    folders.every((folder) => others.every((other) => apart(folder, other)))
      ? undefined
      : 'folderWatch.folders must lie apart from dataDirectory, storedFolder and refusedFolder',
  ].filter((complaint) => complaint !== undefined);
}

function isWithin(folder: string, other: string): boolean {
  const [inner, outer] = [resolve(folder), resolve(other)];
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
}
