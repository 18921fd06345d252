/** What the keys of RabbitMQ mean together; knows no adapter. */
import type { Config } from '../../contracts/generated/types.ts';
import { type MessageMapping, READY_MADE_MAPPINGS } from '../../src/arrival/message-mapping.ts';

/** The contract of Wetread's own messages stands where others have a mapping. */
export const OWN_CONTRACT = 'wetread';

/** By the names that {@link complaintsOfRabbitmq} lets pass; undefined for the own contract. */
export function mappingsOf({ mappings }: Config['rabbitmq']): ReadonlyMap<string, MessageMapping | undefined> {
  const foreign = Object.entries({ ...READY_MADE_MAPPINGS, ...mappings });
  return new Map<string, MessageMapping | undefined>([...foreign, [OWN_CONTRACT, undefined]]);
}

/** Whether filed drafts leave events in the ledger. */
export function announcesFindings({ rabbitmq }: Config): boolean {
  return rabbitmq.url !== undefined && rabbitmq.findingsReady;
}

/** What the schema cannot say. @returns what is wrong, each naming its key */
export function complaintsOfRabbitmq({ rabbitmq }: Config): readonly string[] {
  const { url, arrivals } = rabbitmq;
  const known = mappingsOf(rabbitmq);
  const queues = arrivals.map(({ queue }) => queue);
  return [
    url === undefined ? undefined : complaintOfUri(url, rabbitmq),
    new Set(queues).size < queues.length ? 'rabbitmq.arrivals names a queue twice' : undefined,
    ...arrivals.map(({ mapping }, index) =>
      known.has(mapping) ? undefined : `rabbitmq.arrivals.${index}.mapping names no mapping`,
    ),
  ].filter((complaint) => complaint !== undefined);
}

/** The file holds the password of a user that the URI has to name, and takes the place of one in the URI. */
function complaintOfUri(text: string, { passwordFile, tls }: Config['rabbitmq']): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^amqps?:$/.test(url.protocol)) return 'rabbitmq.url must be a URI of amqp or amqps';
  if (url.protocol === 'amqp:' && tls !== undefined) return 'rabbitmq.tls has no effect without amqps in rabbitmq.url';
  if (passwordFile === undefined) return undefined;
  if (url.username === '') return 'rabbitmq.url names no user for the password of rabbitmq.passwordFile';
  return url.password === ''
    ? undefined
    : 'rabbitmq.url holds a password, and rabbitmq.passwordFile is set: keep the file';
}
