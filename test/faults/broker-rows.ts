/** Faults of the broker, and of what comes through it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { studyUid } from '../support/part10.ts';
import type { BrokerSite } from './broker-site.ts';
import { arrivedWhileDown, downAtStart, killedAt, serverFails, serverKilled } from './faults.ts';
import type { FaultRow, Scene } from './row.ts';

type Row = FaultRow<BrokerSite>;

export const BROKER_ROWS: readonly Row[] = [
  { name: 'kill -9 of the broker', studies: 40, fault: serverKilled('broker') },
  { name: 'the broker hangs', studies: 40, fault: serverFails('broker', 'silent') },
  { name: 'the broker refuses connections', studies: 40, fault: serverFails('broker', 'refuse') },
  { name: 'the broker is down at start', studies: 40, fault: downAtStart('broker') },
];

export const MESSAGE_ROWS: readonly Row[] = [
  {
    name: 'kill -9 of Wetread: between the commit and the answer to the broker',
    studies: 20,
    fault: killedAt({ event: 'study-noticed' }),
  },
  { name: 'every message comes five times', studies: 20, fault: messagesRepeated },
  { name: 'messages come before the images, in reverse order', studies: 20, fault: messagesFirst },
  { name: 'poisoned messages among the others', studies: 20, fault: messagesPoisoned },
  { name: 'a message of 10 MB among the others', studies: 20, fault: messageTooLarge },
];

export const THOUSAND_ROWS: readonly Row[] = [
  { name: '1,000 studies arrive while Wetread is down', studies: 1000, fault: arrivedWhileDown() },
];

async function messagesRepeated({ send, healed }: Scene<BrokerSite>): Promise<void> {
  for (let time = 0; time < 5; time += 1) await send();
  healed();
}

async function messagesFirst({ site, studies, healed }: Scene<BrokerSite>): Promise<void> {
  for (const { studyInstanceUid } of studies.toReversed()) await site.publish(json({ studyInstanceUid }));
  await sleep(1000);
  healed();
  for (const study of studies) await site.store(study);
}

async function messagesPoisoned({ site, send, healed }: Scene<BrokerSite>): Promise<void> {
  const sent = send();
  const poisons = [
    'no JSON',
    '',
    '[]',
    'null',
    '{"studyInstanceUid":"not a UID"}',
    '{"studyInstanceUid":"1.2.3","patientName":"not wanted"}',
    `{"studyInstanceUid":${'['.repeat(5000)}`,
  ];
  for (const poison of poisons) await site.publish(Buffer.from(poison));
  await site.publish(json({ studyInstanceUid: studyUid('a study that nobody has'), complete: true }));
  healed();
  await sent;
}

async function messageTooLarge({ site, send, healed }: Scene<BrokerSite>): Promise<void> {
  const sent = send();
  await site.publish(Buffer.alloc(10_000_000, '['));
  await site.publish(json({ studyInstanceUid: '1.2.3', archive: 'x'.repeat(10_000_000) }));
  healed();
  await sent;
}

function json(content: object): Uint8Array {
  return Buffer.from(JSON.stringify(content));
}
