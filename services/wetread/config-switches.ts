/** Keys of a part that nothing switches on: whoever wrote them expects an effect. */
import type { Config } from '../../contracts/generated/types.ts';

/**
 * @param raw the file as it was written: where defaults are filled in, nobody can tell what was set
 * @returns what is wrong, each naming its key
 */
export function keysWithoutEffect(raw: unknown, { archive, rabbitmq }: Config): readonly string[] {
  const file = fieldsOf(raw);
  const subscription = fieldsOf(file['fhirSubscription']);
  const folders = fieldsOf(file['folderWatch']);
  // What says that it is off is left alone, with all its keys.
  const { enabled: _, ...polling } = fieldsOf(fieldsOf(file['archive'])['polling']);
  return [
    ...idle(rabbitmq.url === undefined, 'rabbitmq', file['rabbitmq'], 'rabbitmq.url'),
    ...idle(!('enabled' in subscription), 'fhirSubscription', subscription, 'fhirSubscription.enabled: true'),
    ...idle(!('folders' in folders), 'folderWatch', folders, 'folderWatch.folders'),
    ...idle(archive.kind !== 'dicomweb', 'archive.polling', polling, 'archive.kind: dicomweb'),
  ];
}

function idle(isOff: boolean, part: string, keys: unknown, needed: string): readonly string[] {
  return isOff ? Object.keys(fieldsOf(keys)).map((key) => `${part}.${key} has no effect without ${needed}`) : [];
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
