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
  const { url, arrivals, findingsReady } = rabbitmq;
  const known = mappingsOf(rabbitmq);
  const isUri = url !== undefined && URL.canParse(url) && /^amqps?:$/.test(new URL(url).protocol);
  const queues = arrivals.map(({ queue }) => queue);
  return [
    url === undefined || isUri ? undefined : 'rabbitmq.url must be a URI of amqp or amqps',
    findingsReady && url === undefined ? 'rabbitmq.findingsReady needs rabbitmq.url' : undefined,
    new Set(queues).size < queues.length ? 'rabbitmq.arrivals names a queue twice' : undefined,
    ...arrivals.map(({ mapping }, index) =>
      known.has(mapping) ? undefined : `rabbitmq.arrivals.${index}.mapping names no mapping`,
    ),
  ].filter((complaint) => complaint !== undefined);
}
