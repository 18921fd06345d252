/** Faults of a Wetread with nothing but its embedded parts. */
import assert from 'node:assert/strict';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { STOW_TYPE, stowBody } from '../support/dicomweb-server.ts';
import { clockAhead } from '../support/shifted-clock.ts';
import type { EmbeddedSite } from './embedded-site.ts';
import { inPieces, killedAt, serverFails } from './faults.ts';
import type { FaultRow, Scene } from './row.ts';

type Row = FaultRow<EmbeddedSite>;

const STAGES = ['arrival', 'assembly', 'inference', 'reporting', 'writeback'];

/** Every boundary of every stage, where the embedded parts leave a log line. */
export const KILLED_ROWS: readonly Row[] = [
  { name: 'kill -9 of Wetread: before triage', studies: 10, fault: killedAt({ event: 'study-noticed' }) },
  { name: 'kill -9 of Wetread: after triage', studies: 10, fault: killedAt({ event: 'triage-ended' }) },
  { name: 'kill -9 of Wetread: before reading', studies: 10, fault: killedAt({ event: 'read-started' }) },
  ...STAGES.flatMap((stage) => [
    { name: `kill -9 of Wetread: before ${stage}`, studies: 10, fault: killedAt({ event: 'stage-started', stage }) },
    { name: `kill -9 of Wetread: after ${stage}`, studies: 10, fault: killedAt({ event: 'stage-ended', stage }) },
  ]),
  { name: 'kill -9 of Wetread: after reading', studies: 10, fault: killedAt({ event: 'read-ended' }) },
];

export const INFERENCE_ROWS: readonly Row[] = [
  { name: 'kill -9 of the inference process', studies: 10, fault: inferenceSignalled('SIGKILL') },
  { name: 'the inference process hangs', studies: 10, fault: inferenceSignalled('SIGSTOP') },
];

export const EVENT_ROWS: readonly Row[] = [
  { name: 'studies are sent while Wetread is down', studies: 20, fault: sentWhileDown },
  { name: 'every study is sent three times', studies: 20, fault: sentThrice },
  { name: 'instances one by one, out of order, of all studies at once', studies: 20, fault: inPieces() },
  { name: 'requests that are no DICOM among the others', studies: 20, fault: sentAmongPoison },
  { name: 'connections of senders are cut', studies: 20, fault: serverFails('archive', 'refuse') },
  { name: 'senders hang in the middle of a study', studies: 20, fault: serverFails('archive', 'silent') },
];

export const FROZEN_ROWS: readonly Row[] = [
  { name: 'Wetread is frozen for longer than its lease', studies: 20, fault: frozen },
];

export const CLOCK_ROWS: readonly Row[] = [
  { name: 'the clock jumps two hours forwards', studies: 20, fault: clockJumps(7200) },
  { name: 'the clock jumps two hours backwards', studies: 20, fault: clockJumps(-7200) },
];

export const DISK_ROWS: readonly Row[] = [{ name: 'the disk is full', studies: 30, fault: diskFull }];

/** Whoever sends hears nothing, or a refusal, and sends again. */
async function sentWhileDown({ site, send, healed }: Scene<EmbeddedSite>): Promise<void> {
  await site.wetread.kill();
  const sent = send();
  await sleep(1000);
  await site.wetread.start();
  healed();
  await sent;
}

async function sentThrice({ send, healed }: Scene<EmbeddedSite>): Promise<void> {
  await Promise.all([send(), send(), send()]);
  healed();
}

async function sentAmongPoison({ site, send, studies, healed }: Scene<EmbeddedSite>): Promise<void> {
  const url = `http://127.0.0.1:${site.servers.archive!.proxy.port}/dicom-web/studies`;
  const post = (body: string | Uint8Array<ArrayBuffer>, type = STOW_TYPE): Promise<Response> =>
    fetch(url, { method: 'POST', body, headers: { 'content-type': type, accept: 'application/dicom+json' } });
  const sent = send();
  const half = stowBody(...studies[0]!.files).subarray(0, 1500);
  const poisons: Promise<Response>[] = [
    post('no multipart at all', 'text/plain'),
    post(new Uint8Array(stowBody(new TextEncoder().encode('no DICOM')))),
    post(new Uint8Array(stowBody(new Uint8Array(10_000).fill(0xff)))),
    post(new Uint8Array(half)),
  ];
  const statuses = (await Promise.all(poisons)).map(({ status }) => status);
  assert.deepEqual(statuses, [415, 409, 409, 400]);
  healed();
  await sent;
}

function inferenceSignalled(signal: NodeJS.Signals): Row['fault'] {
  return async ({ site, send, ended, healed }) => {
    const sent = send();
    await ended(2);
    await site.wetread.said({ event: 'stage-started', stage: 'inference' });
    process.kill(site.wetread.inferencePid()!, signal);
    healed();
    await sent;
  };
}

async function frozen({ site, send, ended, healed }: Scene<EmbeddedSite>): Promise<void> {
  const sent = send();
  await ended(2);
  await site.wetread.said({ event: 'stage-started' });
  site.wetread.signal('SIGSTOP');
  await sleep(5000);
  site.wetread.signal('SIGCONT');
  healed();
  await sent;
}

/** Of Wetread and its inference process; their monotonic clock goes on. */
function clockJumps(seconds: number): Row['fault'] {
  return async ({ site, send, ended, healed }) => {
    await using clock = clockAhead();
    await site.wetread.kill();
    await site.wetread.start({ environment: clock.environment });
    const noticed = site.wetread.said({ event: 'study-noticed' });
    const sent = send();
    await noticed;
    clock.set(seconds);
    healed();
    await sent;
    await ended(20);
    await site.wetread.kill();
    await site.wetread.start();
  };
}

/** A file takes all but so much of the disk. */
const LEFT_BYTES = 256 * 1024;

async function diskFull({ site, send, healed }: Scene<EmbeddedSite>): Promise<void> {
  const ballast = join(site.dataDirectory, 'ballast');
  const { bavail, bsize } = statfsSync(site.dataDirectory);
  writeFileSync(ballast, new Uint8Array(bavail * bsize - LEFT_BYTES));
  const sent = send();
  await sleep(4000);
  assert.equal(statfsSync(site.dataDirectory).bavail, 0, 'the disk is full');
  rmSync(ballast);
  if (!site.wetread.isRunning) await site.wetread.start();
  healed();
  await sent;
}
