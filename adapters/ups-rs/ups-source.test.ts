/** A worklist is performed against the origin server built for tests; the ledger is real, the readings are played. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StudyTransition } from '../../src/arrival/lifecycle.ts';
import { patientDigest } from '../../src/arrival/patient-digest.ts';
import { type DicomDataSet, itemsOf, stringOf } from '../../src/dicom-json.ts';
import type { RecordPatch } from '../../src/ports.ts';
import { reason } from '../../src/reasons.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import {
  clock,
  count,
  ledgerInMemory,
  nextUid,
  order,
  progressOf,
  RESULTS,
  RunningSource,
  reaches,
  stateOf,
  until,
} from '../../test/support/ups-server/running-source.ts';
import { type Dialect, upsServer } from '../../test/support/ups-server/ups-server.ts';
import { send } from '../../test/support/ups-server/workitems.ts';

const PORT = 23_020;

for (const dialect of ['standard', 'dcm4chee'] satisfies Dialect[]) {
  test(`WR-UPS-01 ${dialect}: an item is claimed, its studies are noticed as it says, and it is completed with the results`, async () => {
    await using server = await upsServer({ port: PORT, dialect });
    using ledger = ledgerInMemory();
    await using running = new RunningSource(server, ledger, { dialect, resultsUrl: 'http://pacs.example/dicom-web' });
    const study = nextUid() as StudyInstanceUid;
    const images = ['2.999.1', '2.999.2', '2.999.2'];
    const [workitem] = await order(server, {
      studies: [{ studyInstanceUid: study, sopInstanceUids: images }],
      patientId: ' P-7 ',
      priority: 'HIGH',
    });
    await reaches(server, workitem, 'IN PROGRESS');
    await until(() => running.hints.length > 0);
    assert.deepEqual(running.hints, [
      {
        studyInstanceUid: study,
        expectedInstances: 2,
        rung: 'source-says',
        priority: 'stat',
        patientDigest: patientDigest('P-7'),
      },
    ]);
    await running.readToTheEnd();
    const item = await reaches(server, workitem, 'COMPLETED');
    assert.equal(stringOf(progressOf(item), '00741004'), '100');
    const [performed] = itemsOf(item, '00741216');
    assert.equal(stringOf(itemsOf(performed!, '00404028')[0]!, '00080100'), 'WETREAD');
    const [start, end] = [stringOf(performed!, '00404050')!, stringOf(performed!, '00404051')!];
    assert.ok(/^\d{14}\.\d{3}\+0000$/.test(start) && start < end, `${start} to ${end}`);
    const outputs = itemsOf(performed!, '00404033').map((output) => [
      stringOf(output, '0020000D'),
      stringOf(output, '0020000E'),
      stringOf(itemsOf(output, '00081199')[0]!, '00081155'),
      stringOf(itemsOf(output, '0040E025')[0]!, '00081190'),
    ]);
    const root = `http://pacs.example/dicom-web/studies/${study}/series`;
    assert.deepEqual(outputs, [
      [study, '2.25.11', '2.25.10', `${root}/2.25.11/instances/2.25.10`],
      [study, '2.25.13', '2.25.12', `${root}/2.25.13/instances/2.25.12`],
    ]);
    const events = await until(() => {
      const names = running.logged.map(([event]) => event);
      return names.includes('workitem-ended') && names;
    });
    assert.deepEqual(events, ['workitem-claimed', 'workitem-ended']);
    const sockets = server.requests.findIndex((request) => request.startsWith('UPGRADE'));
    assert.ok(sockets < server.requests.findIndex((request) => request.includes('/subscribers/WETREAD?')));
  });
}

test('WR-UPS-02 progress is told as the reading goes on, and no more often', async () => {
  await using server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  await using running = new RunningSource(server, ledger);
  const [workitem] = await order(server);
  const tells = (percent: string): Promise<unknown> =>
    until(() => stringOf(progressOf(server.worklist.get(workitem)!), '00741004') === percent);
  await tells('0');
  const look = await until(() => ledger.claim('worker', 60_000));
  await tells('10');
  await ledger.advance(look, 'accept', { priority: 'routine' });
  const attempt = await until(() => ledger.claim('worker', 60_000));
  await tells('30');
  await ledger.advance(attempt, 'draft');
  await tells('80');
  const updates = count(server, new RegExp(`^POST .*/${workitem}`));
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(count(server, new RegExp(`^POST .*/${workitem}`)), updates);
  await ledger.advance(attempt, 'file', { results: RESULTS });
  await reaches(server, workitem, 'COMPLETED');
  assert.equal(running.hints.length, 1);
});

const WITHOUT_DRAFT: readonly (readonly [string, StudyTransition, RecordPatch, RegExp])[] = [
  ['not-selected', 'select-none', { reason: reason('no-model-selected') }, /^not-selected: No model/],
  ['not-evaluable', 'refuse', { reason: reason('gantry-tilt', 'of 12 degrees') }, /^not-evaluable: Slices are sheared/],
  ['held', 'hold', { reason: reason('patient-unmatched') }, /^held: The health record holds no patient/],
  ['parked', 'park', { reason: { code: 'decode-failed' } }, /^parked: The pixel data could not be decoded/],
];
for (const [state, transition, patch, expected] of WITHOUT_DRAFT) {
  test(`WR-UPS-03 a study that ends ${state} cancels its item, with the reason`, async () => {
    await using server = await upsServer({ port: PORT });
    using ledger = ledgerInMemory();
    await using running = new RunningSource(server, ledger);
    const [workitem] = await order(server);
    await running.read([transition, patch]);
    const progress = progressOf(await reaches(server, workitem, 'CANCELED'));
    assert.match(stringOf(progress, '00741238')!, expected);
    assert.equal(stringOf(itemsOf(progress, '0074100E')[0]!, '00080100'), '110513');
    assert.ok(stringOf(progress, '00404052'));
  });
}

test('WR-UPS-03 an item that names no study is canceled; one of several studies is completed when all have drafts', async () => {
  await using server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  await using running = new RunningSource(server, ledger);
  const [empty] = await order(server, { studies: [] });
  const progress = progressOf(await reaches(server, empty, 'CANCELED'));
  assert.equal(stringOf(progress, '00741238'), 'The work item names no study');
  const [one, two] = [nextUid(), nextUid()];
  const [both] = await order(server, { studies: [{ studyInstanceUid: one }, { studyInstanceUid: two }] });
  await until(() => running.hints.length === 2);
  await running.readToTheEnd();
  assert.equal(stateOf(server, both), 'IN PROGRESS');
  await running.readToTheEnd();
  const [performed] = itemsOf(await reaches(server, both, 'COMPLETED'), '00741216');
  assert.equal(itemsOf(performed!, '00404033').length, 4);
});

test('WR-UPS-04 only items that ask for what is configured are claimed, when their input is ready, the urgent ones first', async () => {
  await using server = await upsServer({ port: PORT });
  const others = [
    await order(server, { workitemCode: 'OTHER' }),
    await order(server, { label: 'Something else' }),
    await order(server, { station: 'NEXT-DOOR' }),
    await order(server),
  ];
  const [unready] = await order(server, { station: 'HERE', readiness: 'INCOMPLETE' });
  const [low] = await order(server, { station: 'HERE', priority: 'LOW' });
  const [high] = await order(server, { station: 'HERE', priority: 'HIGH' });
  using ledger = ledgerInMemory();
  await using _running = new RunningSource(server, ledger, {
    match: {
      workitemCodes: [{ value: 'READ', scheme: '99TEST' }],
      labels: ['Preliminary read'],
      stations: [
        { value: 'HERE', scheme: '99TEST' },
        { value: 'NEXT-DOOR', scheme: 'OTHER-SCHEME' },
      ],
    },
  });
  await reaches(server, low, 'IN PROGRESS');
  const claims = server.requests.filter((request) => request.startsWith('PUT'));
  assert.deepEqual(
    claims.map((claim) => [high, low].find((uid) => claim.includes(uid))),
    [high, low],
  );
  await new Promise((resolve) => setTimeout(resolve, 400));
  for (const [workitem] of others) assert.equal(stateOf(server, workitem), 'SCHEDULED');
  assert.equal(stateOf(server, unready), 'SCHEDULED');
  await send('POST', `${server.url}/workitems/${unready}`, { '00404041': { vr: 'CS', Value: ['READY'] } });
  await reaches(server, unready, 'IN PROGRESS');
});

test('WR-UPS-04 no more items are held at once than configured; the next one is claimed when one has ended', async () => {
  await using server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  const items = [];
  for (let index = 0; index < 3; index += 1) items.push((await order(server))[0]);
  // Searches are far apart: a place that becomes free is reason enough for one.
  await using running = new RunningSource(server, ledger, { atOnce: 1, reconcileMs: 60_000 });
  for (const workitem of items) {
    await reaches(server, workitem, 'IN PROGRESS');
    assert.equal(items.filter((item) => stateOf(server, item) === 'IN PROGRESS').length, 1);
    await running.readToTheEnd();
  }
  await reaches(server, items[2]!, 'COMPLETED');
});

test('WR-UPS-05 a filtered subscription hears of matching items only, and claims them at once', async () => {
  await using server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  await using _running = new RunningSource(server, ledger, { subscription: 'filtered', reconcileMs: 60_000 });
  await until(() => count(server, /GET .*IN\+PROGRESS/) === 1);
  const [other] = await order(server, { workitemCode: 'OTHER' });
  const [ours] = await order(server);
  await reaches(server, ours, 'IN PROGRESS');
  assert.equal(count(server, /POST .*1\.2\.840\.10008\.5\.1\.4\.34\.5\.1\/subscribers\/WETREAD/), 1);
  assert.equal(count(server, new RegExp(`GET .*/${other}`)), 0);
});

test('WR-UPS-06 a cancel request ends the reading and the item, with the code that was proposed', async () => {
  await using server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  await using running = new RunningSource(server, ledger);
  const [workitem, study] = await order(server);
  await reaches(server, workitem, 'IN PROGRESS');
  const attempt = await until(() => ledger.claim('worker', 60_000));
  const proposal: DicomDataSet = {
    '0074100E': { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['110510'] } }] },
  };
  const asked = await send('POST', `${server.url}/workitems/${workitem}/cancelrequest`, proposal);
  assert.equal(asked.status, 202);
  const progress = progressOf(await reaches(server, workitem, 'CANCELED'));
  assert.equal(stringOf(itemsOf(progress, '0074100E')[0]!, '00080100'), '110510');
  await assert.rejects(ledger.advance(attempt, 'accept'), { code: 'lease-lost' });
  const record = await ledger.get(study);
  assert.deepEqual([record?.state, running.hints.length], ['closed', 1]);
  const history = await ledger.history(study);
  assert.equal(history.at(-1)?.reason?.code, 'order-withdrawn');
});

test('WR-UPS-06 a study that others brought is read though its item is canceled; one that is filed completes it', async () => {
  await using server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  await using running = new RunningSource(server, ledger);
  const study = nextUid() as StudyInstanceUid;
  const now = clock.now().toISOString();
  await ledger.notice({ studyInstanceUid: study, source: 'stow', receivedAt: now }, now);
  const [workitem] = await order(server, { studies: [{ studyInstanceUid: study }] });
  await until(() => running.hints.length === 1);
  await send('POST', `${server.url}/workitems/${workitem}/cancelrequest`, {});
  await reaches(server, workitem, 'CANCELED');
  assert.notEqual((await ledger.get(study))?.state, 'closed');
  await running.readToTheEnd();

  const [late] = await order(server);
  await until(() => running.hints.length === 2);
  await running.read(['accept', { priority: 'routine' }]);
  const attempt = await until(() => ledger.claim('worker', 60_000));
  await ledger.advance(attempt, 'draft');
  await send('POST', `${server.url}/workitems/${late}/cancelrequest`, {});
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(stateOf(server, late), 'IN PROGRESS');
  await ledger.advance(attempt, 'file', { results: RESULTS });
  await reaches(server, late, 'COMPLETED');
});

test('WR-LKT-04 a cancel request at one worklist leaves a study to the other worklist that brought it', async () => {
  await using wards = await upsServer({ port: PORT });
  await using emergency = await upsServer({ port: PORT + 1 });
  using ledger = ledgerInMemory();
  await using first = new RunningSource(wards, ledger, { name: 'ups:wards' });
  const [, study] = await order(wards);
  await until(() => first.hints.length === 1);
  await using second = new RunningSource(emergency, ledger, { name: 'ups:emergency' });
  const [workitem] = await order(emergency, { studies: [{ studyInstanceUid: study }] });
  await until(() => second.hints.length === 1);
  await send('POST', `${emergency.url}/workitems/${workitem}/cancelrequest`, {});
  await reaches(emergency, workitem, 'CANCELED');
  const record = await ledger.get(study);
  assert.deepEqual([record?.source, record?.state === 'closed'], ['ups:wards', false]);
});
