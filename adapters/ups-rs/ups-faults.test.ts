/** What goes wrong between a worklist server and Wetread, and that no item is lost, read twice or left behind. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { itemsOf, stringOf } from '../../src/dicom-json.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import {
  clock,
  count,
  ledgerInMemory,
  nextUid,
  order,
  RunningSource,
  reaches,
  stateOf,
  until,
} from '../../test/support/ups-server/running-source.ts';
import { upsServer } from '../../test/support/ups-server/ups-server.ts';
import { send, stateChange } from '../../test/support/ups-server/workitems.ts';

const PORT = 23_030;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

test('WR-UPS-07 two Wetreads on ledgers of their own: one claims each item and reads it, the other loses without a word', async () => {
  await using server = await upsServer({ port: PORT });
  using one = ledgerInMemory();
  using two = ledgerInMemory();
  await using first = new RunningSource(server, one, { aeTitle: 'ONE' });
  await using second = new RunningSource(server, two, { aeTitle: 'TWO' });
  const items: string[] = [];
  for (let index = 0; index < 20; index += 1) items.push((await order(server))[0]);
  for (const workitem of items) await reaches(server, workitem, 'IN PROGRESS');
  await until(() => first.hints.length + second.hints.length >= items.length);
  await pause(600);
  assert.equal(first.hints.length + second.hints.length, items.length);
  assert.deepEqual([first.faults(), second.faults()], [[], []]);
  assert.ok(count(server, /^PUT/) >= items.length);
});

test('WR-UPS-07 two Wetreads on one ledger: each item is noticed once, and whichever is left ends it', async () => {
  await using server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  const first = new RunningSource(server, ledger, { adoptAfterMs: 60_000 });
  await using second = new RunningSource(server, ledger, { adoptAfterMs: 60_000 });
  const items: string[] = [];
  for (let index = 0; index < 10; index += 1) items.push((await order(server))[0]);
  const isStarted = (uid: string): boolean => itemsOf(server.worklist.get(uid)!, '00741216').length > 0;
  await until(() => items.every(isStarted));
  await first.stop();
  for (const _ of items) await second.readToTheEnd();
  for (const workitem of items) await reaches(server, workitem, 'COMPLETED');
  assert.equal(first.hints.length + second.hints.length, items.length);
  assert.deepEqual([...first.faults(), ...second.faults()], []);
});

test('WR-UPS-08 Wetread ends between claim and hint: after its start the studies are noticed, and the item is ended', async () => {
  await using server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  // The answer to the claim never comes, and nothing else is done before the end.
  server.trouble = (method) => (method === 'PUT' ? 'lose the answer' : undefined);
  const first = new RunningSource(server, ledger);
  const [workitem, study] = await order(server);
  await reaches(server, workitem, 'IN PROGRESS');
  await first.stop();
  assert.equal(first.hints.length, 0);
  server.trouble = undefined;
  await using second = new RunningSource(server, ledger);
  await until(() => second.hints.length > 0);
  assert.equal(second.hints[0]?.studyInstanceUid, study);
  await second.readToTheEnd();
  await reaches(server, workitem, 'COMPLETED');
});

test('WR-UPS-08 Wetread ends between hint and end: after its start the item is completed, and nothing is noticed again', async () => {
  await using server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  const first = new RunningSource(server, ledger);
  const [workitem] = await order(server);
  await until(() => itemsOf(server.worklist.get(workitem)!, '00741216').length > 0);
  await first.stop();
  const [during] = await order(server);
  await using second = new RunningSource(server, ledger);
  await until(() => second.hints.length === 1);
  await second.readToTheEnd();
  await second.readToTheEnd();
  await reaches(server, workitem, 'COMPLETED');
  await reaches(server, during, 'COMPLETED');
  assert.equal(second.hints.length, 1);
});

test('WR-UPS-09 the server is away while a study is read, and the answer to the last word is lost: the item is ended once it is back', async () => {
  const server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  await using running = new RunningSource(server, ledger);
  const [workitem] = await order(server);
  await until(() => itemsOf(server.worklist.get(workitem)!, '00741216').length > 0);
  await server[Symbol.asyncDispose]();
  await running.readToTheEnd();
  await until(() => running.faults().includes('worklist-unreachable'));
  await using again = await upsServer({ port: PORT, worklist: server.worklist });
  again.trouble = (method) => (method === 'PUT' ? 'lose the answer' : undefined);
  await reaches(again, workitem, 'COMPLETED');
  again.trouble = undefined;
  await until(() => running.logged.some(([event]) => event === 'source-recovered'));
  await until(() => running.logged.some(([event, { state }]) => event === 'workitem-ended' && state === 'COMPLETED'));
  assert.equal(running.hints.length, 1);
});

test('WR-UPS-10 a lost socket is opened again at once; what was ordered in between is found', async () => {
  await using server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  await using running = new RunningSource(server, ledger, { reconcileMs: 60_000 });
  await until(() => count(server, /GET .*IN\+PROGRESS/) === 1);
  server.dropConnections();
  await until(() => count(server, /^UPGRADE/) === 2 && count(server, /GET .*IN\+PROGRESS/) === 2);
  const [workitem] = await order(server);
  await reaches(server, workitem, 'IN PROGRESS');
  assert.deepEqual(running.faults(), []);
});

for (const [what, trouble] of [
  ['answers 503', 503],
  ['hangs', 'hang'],
] as const) {
  test(`WR-UPS-10 a server that ${what} is left in peace for a while; then everything is found`, async () => {
    await using server = await upsServer({ port: PORT });
    using ledger = ledgerInMemory();
    await using running = new RunningSource(server, ledger, { timeoutMs: 100 });
    await until(() => count(server, /GET .*IN\+PROGRESS/) > 0);
    server.trouble = () => trouble;
    server.dropConnections();
    await until(() => running.faults().length > 0);
    server.trouble = (method) => (method === 'POST' ? undefined : trouble);
    const [workitem] = await order(server);
    server.trouble = undefined;
    await reaches(server, workitem, 'IN PROGRESS');
    await until(() => running.logged.some(([event]) => event === 'source-recovered'));
  });
}

test('WR-UPS-10 without a socket the worklist is searched, which is told once', async () => {
  await using server = await upsServer({ port: PORT });
  server.trouble = (method) => (method === 'UPGRADE' ? 404 : undefined);
  using ledger = ledgerInMemory();
  await using running = new RunningSource(server, ledger, { reconcileMs: 50 });
  const [workitem] = await order(server);
  await reaches(server, workitem, 'IN PROGRESS');
  await running.readToTheEnd();
  await reaches(server, workitem, 'COMPLETED');
  await until(() => count(server, /^UPGRADE/) > 3);
  assert.deepEqual(running.faults(), ['worklist-unreachable']);
});

test('WR-UPS-11 an item in our name under a lock that is lost is told, its studies are noticed once, and it is left alone', async () => {
  await using server = await upsServer({ port: PORT });
  using lost = ledgerInMemory();
  const first = new RunningSource(server, lost);
  const [workitem, study] = await order(server);
  await until(() => itemsOf(server.worklist.get(workitem)!, '00741216').length > 0);
  await first.stop();
  using empty = ledgerInMemory();
  await using second = new RunningSource(server, empty);
  await until(() => second.faults().length > 0);
  await pause(700);
  assert.deepEqual(second.faults(), ['worklist-claim-lost']);
  assert.deepEqual(
    second.hints.map(({ studyInstanceUid }) => studyInstanceUid),
    [study],
  );
  assert.equal(stateOf(server, workitem), 'IN PROGRESS');
});

test('WR-UPS-11 items of other performers are not touched, and one that is ended by others is let go', async () => {
  await using server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  const [theirs] = await order(server);
  await send('PUT', `${server.url}/workitems/${theirs}/state`, stateChange('IN PROGRESS', '2.25.77'));
  const [unnamed] = await order(server);
  await send('PUT', `${server.url}/workitems/${unnamed}/state`, stateChange('IN PROGRESS', '2.25.78'));
  const performer = { '00404028': { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['OTHERS'] } }] } } as const;
  await send('POST', `${server.url}/workitems/${theirs}?2.25.77`, { '00741216': { vr: 'SQ', Value: [performer] } });
  await using running = new RunningSource(server, ledger);
  const [ours] = await order(server);
  await reaches(server, ours, 'IN PROGRESS');
  await pause(900);
  assert.equal(count(server, new RegExp(`POST .*/workitems/${theirs}`)), 1);
  assert.equal(count(server, new RegExp(`POST .*/workitems/${unnamed}`)), 1, 'asked once whether it is ours');
  server.worklist.changeState(ours, 'CANCELED', lockOf(server.requests, ours));
  await until(() => running.logged.some(([event, { state }]) => event === 'workitem-ended' && state === 'CANCELED'));
  assert.deepEqual([running.hints.length, running.faults()], [1, []]);
});

/** Of an update, where the standard's form has it in the query. */
function lockOf(requests: readonly string[], workitem: string): string {
  const update = requests.find((request) => request.startsWith('POST') && request.includes(`${workitem}?`));
  return update!.split('?')[1]!;
}

test('WR-UPS-12 the lock is in the ledger before the first claim, and nothing more is kept however many items come', async () => {
  await using server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  const kept: string[] = [];
  const save = ledger.saveSourceState.bind(ledger);
  ledger.saveSourceState = async (source, state, lease) => {
    kept.push(source);
    assert.equal(count(server, /^PUT/), 0);
    await save(source, state, lease);
  };
  const state = `ups http://127.0.0.1:${PORT}/ups-rs WETREAD`;
  await using running = new RunningSource(server, ledger);
  for (let index = 0; index < 5; index += 1) {
    const [workitem] = await order(server);
    await reaches(server, workitem, 'IN PROGRESS');
    await running.readToTheEnd();
    await reaches(server, workitem, 'COMPLETED');
  }
  assert.deepEqual(kept, [state]);
  assert.match((await ledger.sourceState(state))!, /^\{"version":1,"key":"[0-9a-f]{64}"\}$/);
  const locks = new Set(server.requests.flatMap((request) => /\?(2\.25\.\d+)$/.exec(request)?.[1] ?? []));
  assert.equal(locks.size, 5);
});

test('WR-UPS-13 a study whose draft covers what the item names is not read again', async () => {
  await using server = await upsServer({ port: PORT });
  using ledger = ledgerInMemory();
  await using running = new RunningSource(server, ledger);
  const study = nextUid() as StudyInstanceUid;
  const now = clock.now().toISOString();
  await ledger.notice({ studyInstanceUid: study, source: 'stow', receivedAt: now }, now);
  await running.readToTheEnd();
  const named = (...sopInstanceUids: string[]): Promise<[string, StudyInstanceUid]> =>
    order(server, { studies: [{ studyInstanceUid: study, sopInstanceUids }] });
  const [covered] = await named('2.999.1', '2.999.2');
  await reaches(server, covered, 'COMPLETED');
  assert.equal(running.hints.length, 0);
  const [grown] = await named('2.999.1', '2.999.2', '2.999.3');
  await until(() => running.hints.length === 1);
  await running.readToTheEnd();
  const [performed] = itemsOf(await reaches(server, grown, 'COMPLETED'), '00741216');
  assert.ok(stringOf(performed!, '00404051'));
});

test('WR-UPS-18 credentials go with every request and with the socket, and to no other host that the server names', async () => {
  const asked: [string, string | undefined][] = [];
  const server = createServer(({ method, url, headers }, response) => {
    asked.push([`${method} ${url?.split('?')[0]}`, headers.authorization]);
    const elsewhere = `ws://localhost:${PORT}/elsewhere`;
    if (method === 'POST') response.writeHead(201, { 'content-location': elsewhere }).end();
    else response.writeHead(headers.authorization === 'Bearer new' ? 204 : 401).end();
  });
  server.on('upgrade', ({ url, headers }, socket) => {
    asked.push([`UPGRADE ${url}`, headers.authorization]);
    socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(PORT, resolve));
  using ledger = ledgerInMemory();
  {
    const authorize = async (_signal: AbortSignal, refused?: object): Promise<{ authorization: string }> => ({
      authorization: refused === undefined ? 'Bearer old' : 'Bearer new',
    });
    await using running = new RunningSource({ url: `http://127.0.0.1:${PORT}/rs` }, ledger, { authorize });
    await until(() => running.faults().length > 0);
    assert.deepEqual(running.faults(), ['worklist-unreachable']);
  }
  await new Promise((resolve) => server.close(resolve));
  const [socket, subscription, ...searches] = asked;
  assert.deepEqual(socket, ['UPGRADE /rs/subscribers/WETREAD', 'Bearer old']);
  assert.match(subscription![0], /^POST \/rs\/workitems\/1\.2\.840\.10008\.5\.1\.4\.34\.5\/subscribers\/WETREAD$/);
  assert.deepEqual(
    searches.slice(0, 4).map(([, authorization]) => authorization),
    ['Bearer old', 'Bearer new', 'Bearer old', 'Bearer new'],
  );
  assert.ok(asked.every(([request, authorization]) => !request.includes('elsewhere') && authorization !== undefined));
});
