/**
 * The whole path of an order: a work item is created, a phantom study is read, and the item ends with references to the
 * SR and the SEG that stand in the PACS. Wetread also runs as a process of its own, so that it can be killed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readIdentity } from '../../adapters/part10/reader.ts';
import { type DicomDataSet, itemsOf, stringOf } from '../../src/dicom-json.ts';
import { isSkipped } from '../../src/reasons.ts';
import { startCommand } from '../support/command-line.ts';
import { type DicomwebServer, dicomwebServer, send as request, stow, stowBody } from '../support/dicomweb-server.ts';
import { smallChest, smallHead, TemporaryFolder } from '../support/phantom-studies.ts';
import { runWetread } from '../support/running-wetread.ts';
import { reaches } from '../support/ups-server/running-source.ts';
import { type Dialect, type UpsServer, upsServer } from '../support/ups-server/ups-server.ts';
import { scheduledWorkitem, send, type WorkitemRequest } from '../support/ups-server/workitems.ts';

const PORTS = { worklist: 23_040, pacs: 23_041 };
let numbers = 0;

async function inPacs(pacs: DicomwebServer, files: readonly Uint8Array[]): Promise<string> {
  assert.equal((await stow(pacs.url, stowBody(...files))).status, 200);
  const identity = readIdentity(files[0]!);
  assert.ok(!isSkipped(identity));
  return identity.studyInstanceUid;
}

async function order(worklist: UpsServer, item: WorkitemRequest): Promise<string> {
  numbers += 1;
  const uid = `2.999.4.${numbers}`;
  assert.equal((await send('POST', `${worklist.url}/workitems?${uid}`, scheduledWorkitem(item))).status, 201);
  return uid;
}

function configuration(dialect: Dialect, worklist: UpsServer): object {
  return {
    completeness: { quietSeconds: 0.3, longestWaitSeconds: 2 },
    archive: { kind: 'dicomweb', url: `http://127.0.0.1:${PORTS.pacs}/dicom-web`, polling: { enabled: false } },
    ups: [
      {
        url: worklist.url,
        dialect,
        match: { workitemCodes: [{ value: 'READ', scheme: '99TEST' }] },
        reconcileSeconds: 1,
      },
    ],
  };
}

/** Output Information Sequence: every address in it gives the object that it names. */
async function requireResults(item: DicomDataSet): Promise<void> {
  const [performed] = itemsOf(item, '00741216');
  const outputs = itemsOf(performed!, '00404033');
  const classes: string[] = [];
  for (const output of outputs) {
    const [reference] = itemsOf(output, '00081199');
    const url = stringOf(itemsOf(output, '0040E025')[0]!, '00081190')!;
    const headers = { Accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' };
    const { status, body } = await request(url, { headers });
    assert.equal(status, 200);
    assert.ok(body.includes(stringOf(reference!, '00081155')!));
    classes.push(stringOf(reference!, '00081150')!);
  }
  // SEG and SR.
  assert.deepEqual(classes.toSorted(), ['1.2.840.10008.5.1.4.1.1.66.4', '1.2.840.10008.5.1.4.1.1.88.34']);
}

for (const dialect of ['standard', 'dcm4chee'] satisfies Dialect[]) {
  test(`WR-UPS-14 ${dialect}: from the order to a completed item whose SR and SEG are in the PACS; what has no draft is canceled`, async () => {
    await using pacs = await dicomwebServer({ port: PORTS.pacs });
    await using worklist = await upsServer({ port: PORTS.worklist, dialect });
    const chest = await inPacs(pacs, smallChest());
    const head = await inPacs(pacs, smallHead());
    await using running = await runWetread(configuration(dialect, worklist));
    const patientId = await patientIdOf(pacs, chest);
    const right = await order(worklist, { studies: [{ studyInstanceUid: chest }], patientId, priority: 'HIGH' });
    const item = await reaches(worklist, right, 'COMPLETED');
    await requireResults(item);
    const records = await running.wetread.ports.ledger.list();
    const [record] = records;
    assert.deepEqual(
      [records.length, record?.state, record?.source, record?.priority, record?.completeness?.rung],
      [1, 'filed', 'ups', 'stat', 'source-says'],
    );

    const unreadable = await order(worklist, {
      studies: [{ studyInstanceUid: head }],
      patientId: await patientIdOf(pacs, head),
    });
    const unknown = await order(worklist, { studies: [{ studyInstanceUid: '2.999.5' }] });
    const reasonOf = async (uid: string): Promise<string | undefined> =>
      stringOf(itemsOf(await reaches(worklist, uid, 'CANCELED'), '00741002')[0]!, '00741238');
    assert.match((await reasonOf(unreadable))!, /^not-evaluable: /);
    assert.match((await reasonOf(unknown))!, /^not-selected: The archive does not know the study/);
    const mistaken = await order(worklist, { studies: [{ studyInstanceUid: chest }], patientId: 'someone else' });
    assert.match((await reasonOf(mistaken))!, /^held: The event names another patient/);
  });
}

async function patientIdOf(pacs: DicomwebServer, study: string): Promise<string> {
  const headers = { Accept: 'application/dicom+json' };
  const { body } = await request(`${pacs.url}/studies?StudyInstanceUID=${study}`, { headers });
  const [found] = JSON.parse(body.toString()) as DicomDataSet[];
  return stringOf(found!, '00100020')!;
}

test('WR-UPS-15 Wetread is killed while it reads: started again, it ends the item, and one SR and one SEG stand in the PACS', async () => {
  await using folder = new TemporaryFolder();
  await using pacs = await dicomwebServer({ port: PORTS.pacs });
  await using worklist = await upsServer({ port: PORTS.worklist });
  const study = await inPacs(pacs, smallChest());
  const config = {
    ...configuration('standard', worklist),
    dataDirectory: `${folder.path}/data`,
    // The study of a worker that was killed goes to the next one after so long.
    ledger: { kind: 'sqlite', leaseSeconds: 1 },
    http: { port: 0 },
  };
  folder.write({ 'site.json': JSON.stringify(config) });
  const args = ['serve', '--config', `${folder.path}/site.json`];
  const workitem = await order(worklist, {
    studies: [{ studyInstanceUid: study }],
    patientId: await patientIdOf(pacs, study),
  });
  {
    await using first = startCommand(args, { program: [process.execPath, 'services/wetread/main.ts'] });
    await first.said(/"event":"read-started"/);
    first.killAll('SIGKILL');
    await first.ended;
  }
  assert.equal(stringOf(worklist.worklist.get(workitem)!, '00741000'), 'IN PROGRESS');
  await using _second = startCommand(args, { program: [process.execPath, 'services/wetread/main.ts'] });
  await requireResults(await reaches(worklist, workitem, 'COMPLETED'));
  const results = pacs.use.archive.instances({ studyInstanceUid: study }).length - smallChest().length;
  assert.equal(results, 2);
});
