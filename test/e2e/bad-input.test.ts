/** What goes wrong has a typed reason in the summary, the page and the metric; the rest goes on, nothing is lost. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { directoryArchive } from '../../adapters/directory/archive.ts';
import { readDataSet, readIdentity } from '../../adapters/part10/reader.ts';
import type { Summary } from '../../contracts/generated/types.ts';
import { validateSummary } from '../../contracts/generated/validators.js';
import { type Config, parseConfig } from '../../services/wetread/config.ts';
import { importFolder } from '../../services/wetread/import-folder.ts';
import { startWetread, type Wetread } from '../../services/wetread/server.ts';
import { summaryOf } from '../../services/wetread/summary.ts';
import { isSkipped } from '../../src/reasons.ts';
import { parseUid, type StudyInstanceUid } from '../../src/uid.ts';
import { scout, smallChest, smallHead, TemporaryFolder } from '../support/phantom-studies.ts';
import { inferencePids, type RunningWetread, runWetread } from '../support/running-wetread.ts';

const root = join(import.meta.dirname, '..', '..');

async function summaryAfter(running: RunningWetread, folder: string): Promise<Summary> {
  const { files } = await running.wetread.importFolder(folder);
  await running.wetread.whenFinal();
  const summary = await summaryOf(running.wetread.ports.ledger, files, 'test');
  assert.equal(validateSummary(structuredClone(summary)), true, JSON.stringify(validateSummary.errors));
  return summary;
}

/** Overwrites a text value of the same length in every instance. */
function withText(instances: readonly Uint8Array[], from: string, to: string): Uint8Array[] {
  assert.equal(from.length, to.length);
  return instances.map((bytes) => Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll(from, to), 'latin1'));
}

test('WR-BAD-01 an empty folder, and one without DICOM, say so', async () => {
  await using running = await runWetread();
  await using folder = new TemporaryFolder();
  const empty = await summaryAfter(running, folder.path);
  assert.deepEqual(
    empty.files.notRead.map((row) => row.reason.code),
    ['folder-without-dicom'],
  );
  folder.write({ 'notes.txt': 'no DICOM here', 'deep/er/readme.md': '# none' });
  const other = await summaryAfter(running, folder.path);
  assert.equal(other.files.skipped, 2);
  assert.deepEqual(other.studies, []);
});

test('WR-BAD-02 a folder of everything: each bad file has its reason, the good study is read', async () => {
  await using running = await runWetread();
  await using folder = new TemporaryFolder();
  const chest = smallChest();
  folder.writeStudy('a/chest', chest);
  folder.writeStudy('b/head', smallHead());
  folder.writeStudy('c/scout', scout());
  folder.write({
    'truncated.dcm': chest[0]!.subarray(0, 20_000),
    'empty.dcm': new Uint8Array(0),
    'notes.txt': 'not DICOM',
    'same-uid.dcm': withText([chest[0]!], 'Phantom^Chest', 'Someone^Other')[0]!,
    'huge.dcm': hugeHeader(chest[1]!),
  });
  const summary = await summaryAfter(running, folder.path);
  const reasons = Object.fromEntries(summary.files.notRead.map((row) => [row.file, row.reason.code]));
  assert.equal(reasons['truncated.dcm'], 'truncated-file');
  assert.equal(reasons['empty.dcm'], 'empty-file');
  assert.equal(reasons['same-uid.dcm'], 'uid-conflict');
  assert.equal(summary.files.skipped, 1);
  const chestRow = summary.studies.find((row) => row.state === 'filed');
  assert.deepEqual(
    chestRow?.notRead.map((row) => row.reason.code),
    ['header-implausible'],
  );
  const states = summary.studies.map((row) => `${row.state} ${row.reason?.code ?? ''}`).sort();
  assert.deepEqual(states, ['filed ', 'not-evaluable localizer', 'not-evaluable wrong-body-part']);
  assert.ok(
    summary.studies.every((row) => row.state === 'filed' || row.findings.length === 0),
    'never a number',
  );
  const metrics = await (await fetch(`${running.wetread.url}/metrics`)).text();
  assert.match(metrics, /wetread_not_read_total\{[^}]*reason="wrong-body-part"[^}]*\} 24/);
  assert.match(metrics, /wetread_not_read_total\{[^}]*reason="truncated-file"[^}]*\} 1/);
  const page = (await (await fetch(`${running.wetread.url}/api/studies`)).json()) as {
    refused: { code: string; count: number }[];
  };
  const refused = page.refused.map(({ code, count }) => `${code} ${count}`).sort();
  assert.deepEqual(
    refused,
    Object.values(reasons)
      .map((code) => `${code} 1`)
      .concat('not-dicom 1')
      .sort(),
    'the page names them',
  );
});

/** Rows and Columns of 40,000 over the pixel data of a small slice, under another SOP Instance UID. */
function hugeHeader(bytes: Uint8Array): Uint8Array {
  const identity = readIdentity(bytes);
  assert.ok(!isSkipped(identity));
  const { sopInstanceUid } = identity;
  const copy = Buffer.from(
    withText(
      [bytes],
      sopInstanceUid,
      sopInstanceUid.replace(/\d$/, (d) => String((Number(d) + 1) % 10)),
    )[0]!,
  );
  for (const element of [0x10, 0x11]) {
    const at = copy.indexOf(Buffer.from([0x28, 0x00, element, 0x00, 0x55, 0x53, 0x02, 0x00]));
    assert.ok(at > 0);
    copy.writeUInt16LE(40_000, at + 8);
  }
  return copy;
}

test('WR-BAD-03 two patients under one Study Instance UID: the second is refused, the first is read', async () => {
  await using running = await runWetread();
  await using folder = new TemporaryFolder();
  const chest = smallChest();
  folder.writeStudy('a', chest.slice(0, -1));
  folder.writeStudy('b', withText(chest.slice(-1), 'PHANTOM-3', 'PHANTOM-9'));
  const summary = await summaryAfter(running, folder.path);
  assert.deepEqual(
    summary.files.notRead.map((row) => row.reason.code),
    ['patient-conflict'],
  );
  assert.deepEqual(
    summary.studies.map((row) => row.state),
    ['filed'],
  );
});

test('WR-BAD-04 the inference process is killed in a run: the study is read all the same', async () => {
  await using running = await runWetread();
  let killed = 0;
  running.onLog = (event, { stage }) => {
    if (event !== 'stage-started' || stage !== 'inference' || killed > 0) return;
    const hunt = setInterval(() => {
      for (const pid of inferencePids()) {
        process.kill(pid, 'SIGKILL');
        killed += 1;
        clearInterval(hunt);
      }
    }, 5);
  };
  await running.send(smallChest());
  const failed = await running.reached('failed');
  assert.equal(failed.reason?.code, 'inference-unreachable');
  assert.equal((await fetch(`${running.wetread.url}/healthz`)).status, 200);
  const filed = await running.reached('filed');
  assert.equal(killed, 1);
  assert.equal(filed.attempts, 2);
});

test('WR-BAD-05 a model file changed by one byte: no number, the study is parked with the reason', async () => {
  await using models = new TemporaryFolder();
  cpSync(join(root, 'models', 'ct-lung-density'), join(models.path, 'ct-lung-density'), { recursive: true });
  const graph = join(models.path, 'ct-lung-density', 'lungs.onnx');
  const bytes = readFileSync(graph);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(graph, bytes);
  await using running = await runWetread({ models: [models.path], bundledModels: false });
  await running.send(smallChest());
  const parked = await running.reached('parked');
  assert.equal(parked.reason?.code, 'package-invalid');
  assert.match(parked.reason?.detail ?? '', /lungs\.onnx/);
  assert.equal((await fetch(`${running.wetread.url}/readyz`)).status, 503);
  const page = (await (await fetch(`${running.wetread.url}/api/studies/${parked.studyInstanceUid}`)).json()) as {
    reason?: { code: string };
  };
  assert.match(JSON.stringify(page), /package-invalid/);
});

test('WR-BAD-06 the archive goes down half-way and comes back: the study is read, results are stored there', async () => {
  await using folder = new TemporaryFolder();
  const start = (port: number) =>
    startWetread(
      parseConfig({
        dataDirectory: folder.path,
        bundledModels: false,
        http: { port },
        telemetry: { logLevel: 'silent' },
      }),
      { listen: true },
    );
  let pacs = await start(0);
  const { archive } = pacs.ports;
  const imported = await importFolderOf(pacs);
  const port = Number(new URL(pacs.url).port);
  await using reader = await runWetread({ archive: { kind: 'dicomweb', url: `${pacs.url}/dicom-web` } });
  let stopped: PromiseLike<void> | undefined;
  reader.onLog = (event, { stage }) => {
    if (event === 'stage-started' && stage === 'assembly') stopped ??= pacs[Symbol.asyncDispose]();
  };
  await reader.wetread.noticeStudy(imported);
  const failed = await reader.reached('failed');
  assert.match(failed.reason?.code ?? '', /^archive-(unreachable|truncated)$/);
  await stopped;
  pacs = await start(port);
  await reader.reached('filed');
  assert.ok(archive);
  const results = await fetch(`${pacs.url}/dicom-web/studies/${imported}/instances?Modality=SR`, {
    headers: { accept: 'application/dicom+json' },
  });
  assert.equal(((await results.json()) as object[]).length, 1);
  await pacs[Symbol.asyncDispose]();
});

async function importFolderOf(pacs: Awaited<ReturnType<typeof startWetread>>) {
  await using source = new TemporaryFolder();
  source.writeStudy('chest', smallChest());
  const { studies } = await pacs.importFolder(source.path);
  return [...studies][0]!;
}

const mountable = process.getuid?.() === 0 && process.platform === 'linux';
test('WR-BAD-07 disk full: what does not fit is named, what was accepted is kept', {
  skip: !mountable && 'needs root to mount a small tmpfs',
}, async () => {
  await using folder = new TemporaryFolder();
  const disk = join(folder.path, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk], { encoding: 'utf8' });
  assert.equal(mounted.status, 0, mounted.stderr);
  try {
    const source = join(folder.path, 'source');
    folder.writeStudy('source/chest', smallChest());
    const config = parseConfig({ dataDirectory: disk, http: { port: 0 }, telemetry: { logLevel: 'silent' } });
    const stored = await importInto(config, source);
    const enlarged = spawnSync('mount', ['-o', 'remount,size=64m', disk], { encoding: 'utf8' });
    assert.equal(enlarged.status, 0, enlarged.stderr);

    await using again = await startWetread(config, { listen: true });
    assert.equal(await instancesIn(again), stored, 'every acknowledged instance is there');
    await again.whenFinal();
    const [record, ...others] = await again.ports.ledger.list();
    assert.ok(record, 'what was accepted is read after the next start');
    assert.equal(others.length, 0);
    assert.equal(record.state, 'not-evaluable');
  } finally {
    spawnSync('umount', ['-l', disk]);
  }
});

async function importInto(config: Config, source: string): Promise<number> {
  await using wetread = await startWetread(config, { listen: true });
  const { files } = await wetread.importFolder(source);
  assert.ok(files.stored > 0, 'some fit');
  const refused = files.notRead.filter((row) => row.file !== '.');
  assert.ok(refused.length > 0, 'some do not');
  assert.deepEqual([...new Set(files.notRead.map((row) => row.reason.code))], ['disk-full']);
  assert.equal(files.stored + refused.length, files.seen);
  assert.equal(await instancesIn(wetread), files.stored);
  assert.match(await (await fetch(`${wetread.url}/metrics`)).text(), /wetread_not_read_total\{[^}]*reason="disk-full"/);
  return files.stored;
}

async function instancesIn(wetread: Wetread): Promise<number> {
  const answer = await fetch(`${wetread.url}/dicom-web/instances`, { headers: { accept: 'application/dicom+json' } });
  return ((await answer.json()) as object[]).length;
}

test('WR-BAD-08 a store that fails for one file does not end the walk', async () => {
  await using folder = new TemporaryFolder();
  folder.write({ '1': 'a', '2': 'b', '3': 'c' });
  let calls = 0;
  const { files } = await importFolder(folder.path, async () => {
    calls += 1;
    if (calls === 2) throw new Error('EIO');
    return { skipped: { code: 'not-dicom' } };
  });
  assert.equal(files.seen, 3);
  assert.equal(files.skipped, 2);
  assert.deepEqual(
    files.notRead.map((row) => [row.file, row.reason.code]),
    [['2', 'internal']],
  );
});

test('WR-BAD-09 another birth date than the record has: held, nothing leaves, sending again tries again', async () => {
  await using running = await runWetread();
  const known = {
    issuerOfPatientId: 'WETREAD-PHANTOM',
    studyInstanceUid: parseUid<StudyInstanceUid>('1.2.3'),
    patientId: 'PHANTOM-3',
    patientBirthDate: '19600229',
    requests: [],
  };
  await running.wetread.ports.healthRecord.match(known, AbortSignal.timeout(5000));
  const stranger = withText(smallChest(), '19600229', '19600228');
  await running.send(stranger);
  const held = await running.reached('held');
  assert.equal(held.reason?.code, 'patient-mismatch');
  const { ledger } = running.wetread.ports;
  assert.ok(await ledger.document(held.studyInstanceUid, 'report.json'), 'the draft waits');
  const results = await fetch(`${running.wetread.url}/dicom-web/instances?Modality=SR`, {
    headers: { accept: 'application/dicom+json' },
  });
  assert.equal(results.status, 204, 'no result in the archive');
  const reports = (await (await fetch(`${running.wetread.url}/fhir/DiagnosticReport`)).json()) as { total: number };
  assert.equal(reports.total, 0);
  await running.send(stranger);
  await running.wetread.whenFinal();
  const steps = (await ledger.history(held.studyInstanceUid)).map((step) => step.transition);
  assert.deepEqual(
    steps.filter((step) => step === 'replay' || step === 'hold'),
    ['hold', 'replay', 'hold'],
  );
});

test('WR-BAD-10 stored but not noticed before a kill: read after the next start', async () => {
  await using folder = new TemporaryFolder();
  const config = parseConfig({
    dataDirectory: folder.path,
    http: { port: 0 },
    telemetry: { logLevel: 'silent' },
    completeness: { quietSeconds: 0 },
  });
  {
    await using archive = await directoryArchive({
      folder: join(folder.path, 'archive'),
      identify: readIdentity,
      describe: (bytes) => {
        const read = readDataSet(bytes);
        return isSkipped(read) ? read : read.dataSet;
      },
    });
    for (const bytes of smallChest()) await archive.storeInstance(bytes);
  }
  await using wetread = await startWetread(config, { listen: false });
  await wetread.whenFinal();
  assert.deepEqual(
    (await wetread.ports.ledger.list()).map((record) => record.state),
    ['filed'],
  );
});
