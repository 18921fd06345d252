/** Faults of the servers that Wetread works with, and of Wetread in the middle of talking to them. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  answersCut,
  arrivedWhileDown,
  downAtStart,
  inPieces,
  killedWhen,
  serverFails,
  serverKilled,
  serverRefuses,
} from './faults.ts';
import type { FaultRow, Scene } from './row.ts';
import type { ServerSite } from './server-site.ts';
import type { ServerName } from './site.ts';

type Row = FaultRow<ServerSite>;

const STORE = /^POST \/dicom-web\/studies/;
const RETRIEVE = /^GET \/dicom-web\/studies\/[\d.]+\/series\/[\d.]+ HTTP/;
const FILE = /^POST \/fhir\/? HTTP/;

export const WRITEBACK_ROWS: readonly Row[] = [
  { name: 'kill -9 of Wetread: before store', studies: 10, fault: killedWhen('archive', STORE, 'asked') },
  { name: 'kill -9 of Wetread: after store', studies: 10, fault: killedWhen('archive', STORE, 'answered') },
  { name: 'kill -9 of Wetread: before file', studies: 10, fault: killedWhen('record', FILE, 'asked') },
  { name: 'kill -9 of Wetread: after file', studies: 10, fault: killedWhen('record', FILE, 'answered') },
];

export const ARCHIVE_ROWS: readonly Row[] = [
  ...httpServerRows('archive', 'the archive'),
  { name: 'retrieves are cut in mid-multipart', studies: 10, fault: answersCut('archive', RETRIEVE, 2000, 8) },
];

export const RECORD_ROWS: readonly Row[] = httpServerRows('record', 'the FHIR server');

export const INFERENCE_SERVICE_ROWS: readonly Row[] = httpServerRows('inference', 'the inference service');

export const DATABASE_ROWS: readonly Row[] = [
  { name: 'kill -9 of the database', studies: 10, fault: serverKilled('database') },
  { name: 'the database hangs', studies: 10, fault: serverFails('database', 'silent') },
  { name: 'the database refuses connections', studies: 10, fault: serverRefuses('database') },
  { name: 'the database is down at start', studies: 10, fault: downAtStart('database') },
];

export const REPLICA_ROWS: readonly Row[] = [
  { name: 'two replicas on the same studies', studies: 20, fault: twoReplicas },
  { name: 'kill -9 of one of two replicas', studies: 20, fault: replicaKilled },
  { name: 'one of two replicas is frozen for longer than its lease', studies: 20, fault: replicaFrozen },
];

export const ARRIVAL_ROWS: readonly Row[] = [
  { name: 'studies arrive in the archive while Wetread is down', studies: 40, fault: arrivedWhileDown() },
  {
    name: 'images come one by one, seconds apart, and Wetread is killed between them',
    studies: 20,
    fault: inPieces(diesBetween),
  },
];

function httpServerRows(server: ServerName, means: string): readonly Row[] {
  return [
    { name: `kill -9 of ${means}`, studies: 10, fault: serverKilled(server) },
    { name: `${means} hangs`, studies: 10, fault: serverFails(server, 'silent') },
    { name: `${means} answers 503`, studies: 10, fault: serverFails(server, { status: 503 }) },
    { name: `${means} answers 429`, studies: 10, fault: serverFails(server, { status: 429 }) },
    { name: `${means} is down at start`, studies: 10, fault: downAtStart(server) },
  ];
}

/** Longer than the quiet period: what is there is looked at, and refused for too few slices, before the rest comes. */
const APART_MS = 2500;

async function diesBetween({ wetread }: ServerSite): Promise<void> {
  await sleep(APART_MS);
  await wetread.kill();
  await wetread.start();
}

async function twoReplicas({ site, send, ended, studies, healed }: Scene<ServerSite>): Promise<void> {
  await site.replica.start();
  healed();
  await send();
  await ended(studies.length);
  await site.replica.kill();
}

async function replicaKilled({ site, send, ended, studies, healed }: Scene<ServerSite>): Promise<void> {
  await site.replica.start();
  const reading = site.wetread.said({ event: 'stage-started', stage: 'writeback' });
  const sent = send();
  await reading;
  await site.wetread.kill();
  healed();
  await sent;
  await ended(studies.length);
  await site.wetread.start();
  await site.replica.kill();
}

async function replicaFrozen({ site, send, ended, studies, healed }: Scene<ServerSite>): Promise<void> {
  await site.replica.start();
  const reading = site.wetread.said({ event: 'stage-started', stage: 'writeback' });
  const sent = send();
  await reading;
  site.wetread.signal('SIGSTOP');
  await sleep(6000);
  site.wetread.signal('SIGCONT');
  healed();
  await sent;
  await ended(studies.length);
  await site.replica.kill();
}
