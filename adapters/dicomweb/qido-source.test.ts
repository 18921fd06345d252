/** Polling against the embedded archive's own DICOMweb server, and against servers with habits of their own. */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { dayOf } from '../../src/arrival/poll-schedule.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type { LogEvent, SafeAttributes } from '../../src/log-events.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import type { DicomFile } from '../../src/writeback/artifact.ts';
import { MANUFACTURER } from '../../src/writeback/modules.ts';
import { type DicomwebServer, dicomwebServer, stow, stowBody } from '../../test/support/dicomweb-server.ts';
import { part10File, seriesUid, studyUid, text } from '../../test/support/part10.ts';
import type { ChangeFeed } from './change-feed.ts';
import { type QidoSourceOptions, qidoSource } from './qido-source.ts';

const DAY_MS = 24 * 3600 * 1000;
const daysAgo = (days: number): string => dayOf(Date.now() - days * DAY_MS);

function image(study: string, n: number, studyDate = daysAgo(0)): DicomFile {
  return part10File({
    study,
    instance: `${study}/${n}`,
    attributes: { '00080020': text('DA', studyDate), '00200013': text('IS', n) },
  });
}

function ownReport(study: string): DicomFile {
  const attributes = { '00080020': text('DA', daysAgo(0)), '00080070': text('LO', MANUFACTURER) };
  return part10File({ study, series: `${study}/own`, modality: 'SR', attributes });
}

async function store(server: DicomwebServer, ...files: readonly DicomFile[]): Promise<void> {
  const answer = await stow(server.url, stowBody(...files.map(({ bytes }) => bytes)));
  assert.equal(answer.status, 200);
}

interface Polling {
  /** Every hint, in order. */
  readonly hints: StudyHint[];
  readonly logged: [LogEvent, SafeAttributes][];
  readonly states: Map<string, string>;
  /** Called with every hint before it counts as committed. */
  onHint: (hint: StudyHint) => void;
  /** Resolves when the condition holds; looked at after every poll and hint. */
  until(condition: () => boolean): Promise<void>;
  /** Resolves after so many further polls. */
  polls(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** A source that polls every few milliseconds until the test ends. */
function polling(t: TestContext, url: string, more: Partial<QidoSourceOptions> = {}, states = new Map()): Polling {
  const waiting = new Set<() => void>();
  const stopping = new AbortController();
  let polled = 0;
  const changed = (): void => {
    for (const look of waiting) look();
  };
  const self: Polling = {
    hints: [],
    logged: [],
    states,
    onHint: () => {},
    until: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!condition()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    polls: (count) => {
      const goal = polled + count;
      return self.until(() => polled >= goal);
    },
    async stop() {
      stopping.abort(new WetreadError('timeout', 'stop'));
      await running;
    },
  };
  const source = qidoSource({
    url,
    intervalMs: 5,
    windowDays: 2,
    sweepDays: 10,
    sweepMs: DAY_MS,
    quietMs: 5,
    // Asked for once at the end of every poll, and of every failure.
    chance: () => {
      polled += 1;
      queueMicrotask(changed);
      return 0;
    },
    ports: {
      ledger: {
        sourceState: async (source) => states.get(source),
        saveSourceState: async (source, state) => void states.set(source, state),
      },
      log: {
        write: (event, attributes) => {
          self.logged.push([event, attributes]);
          changed();
        },
      },
      clock: { now: () => new Date(), monotonicMs: () => 0 },
    },
    ...more,
  });
  const running = source.run(async (hint) => {
    self.onHint(hint);
    self.hints.push(hint);
    changed();
  }, stopping.signal);
  t.after(() => self.stop());
  return self;
}

const named = ({ hints }: Polling): StudyInstanceUid[] => hints.map(({ studyInstanceUid }) => studyInstanceUid);

async function pacs(t: TestContext): Promise<DicomwebServer> {
  const server = await dicomwebServer();
  t.after(() => server[Symbol.asyncDispose]());
  return server;
}

test('WR-SRC-01 studies of the last days are named once, and again when they have grown', async (t) => {
  const server = await pacs(t);
  await store(server, image('today', 1), image('yesterday', 1, daysAgo(1)), image('future', 1, daysAgo(-40)));
  const source = polling(t, server.url);
  await source.until(() => source.hints.length === 3);
  await source.polls(3);
  assert.deepEqual(new Set(named(source)), new Set(['today', 'yesterday', 'future'].map(studyUid)));
  assert.ok(source.hints.every(({ rung }) => rung === 'counts-unchanged'));
  await store(server, image('today', 2));
  await source.until(() => source.hints.length > 3);
  await source.polls(3);
  assert.deepEqual(named(source).slice(3), [studyUid('today')]);
});

test('WR-SRC-02 what Wetread stored in the archive names no study', async (t) => {
  const server = await pacs(t);
  await store(server, image('study', 1));
  const source = polling(t, server.url);
  await source.until(() => source.hints.length === 1);
  await store(server, ownReport('study'));
  await source.polls(5);
  assert.equal(source.hints.length, 1);
  await store(server, image('study', 2));
  await source.until(() => source.hints.length === 2);
});

test('WR-SRC-04 an old study that was there before is not named, one that is imported later is', async (t) => {
  const server = await pacs(t);
  await store(server, image('old', 1, daysAgo(6)), image('older', 1, daysAgo(30)));
  const source = polling(t, server.url, { sweepMs: 1 });
  await source.polls(5);
  assert.deepEqual(source.hints, []);
  await store(server, image('imported', 1, daysAgo(7)));
  await source.until(() => source.hints.length === 1);
  assert.deepEqual(named(source), [studyUid('imported')]);
});

test('WR-SRC-05 after a restart only what changed meanwhile is named', async (t) => {
  const server = await pacs(t);
  await store(server, image('one', 1), image('two', 1));
  const before = polling(t, server.url);
  await before.until(() => before.hints.length === 2);
  await before.polls(1);
  await before.stop();
  await store(server, image('two', 2), image('three', 1));
  const after = polling(t, server.url, {}, before.states);
  await after.until(() => after.hints.length === 2);
  await after.polls(3);
  assert.deepEqual(new Set(named(after)), new Set([studyUid('two'), studyUid('three')]));
});

test('WR-SRC-07 a hint that could not be committed is given again, also after a restart', async (t) => {
  const server = await pacs(t);
  await store(server, image('one', 1));
  const source = polling(t, server.url);
  let tries = 0;
  source.onHint = () => {
    tries += 1;
    throw new WetreadError('disk-full', 'The ledger could not be written');
  };
  await source.until(() => source.logged.length === 1);
  await source.stop();
  assert.equal(tries, 1);
  assert.deepEqual(
    source.logged.map(([event, { errorCode }]) => [event, errorCode]),
    [['source-fault', 'disk-full']],
  );
  const again = polling(t, server.url, {}, source.states);
  await again.until(() => again.hints.length === 1);
});

// ---- servers with habits of their own -------------------------------------------------------------------------------

type Answer = (url: URL, response: ServerResponse) => void;

async function against(t: TestContext, answer: Answer): Promise<string> {
  const server = createServer((request, response) => answer(new URL(request.url ?? '', 'http://pacs'), response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/dicom-web`;
}

function json(response: ServerResponse, rows: readonly object[]): void {
  response.writeHead(200, { 'content-type': 'application/dicom+json' }).end(JSON.stringify(rows));
}

const studyRow = (name: string, instances?: number, studyDate = daysAgo(0)): object => ({
  '00080020': { Value: [studyDate] },
  '0020000d': { Value: [studyUid(name)] },
  ...(instances === undefined ? {} : { '00201206': { Value: ['1'] }, '00201208': { Value: [String(instances)] } }),
});
const seriesRow = (name: string, instances?: number): object => ({
  '00080060': { vr: 'CS', Value: ['CT'] },
  '0020000E': { vr: 'UI', Value: [seriesUid(name)] },
  ...(instances === undefined ? {} : { '00201209': { vr: 'IS', Value: [instances] } }),
});
const isSeriesSearch = (url: URL): boolean => url.pathname.endsWith('/series');

test('WR-SRC-08 a server that ignores date, limit and offset, and leaves vr out, is read all the same', async (t) => {
  const rows = [...Array.from({ length: 30 }, (_, n) => studyRow(`study ${n}`, 3)), studyRow('old', 3, '20010101')];
  const url = await against(t, (asked, response) => json(response, isSeriesSearch(asked) ? [seriesRow('s', 3)] : rows));
  const source = polling(t, url);
  await source.until(() => source.hints.length >= 30);
  await source.polls(3);
  assert.equal(source.hints.length, 30);
  assert.ok(!named(source).includes(studyUid('old')));
});

test('WR-SRC-08 pages of a server that gives few at once, and 204 where nothing matches', async (t) => {
  const rows = Array.from({ length: 23 }, (_, n) => studyRow(`study ${n}`, 3));
  const url = await against(t, (asked, response) => {
    if (isSeriesSearch(asked)) return json(response, [seriesRow('s', 3)]);
    assert.ok(Number(asked.searchParams.get('limit')) <= 200);
    const offset = Number(asked.searchParams.get('offset'));
    const page = asked.searchParams.get('StudyDate') === daysAgo(0) ? rows.slice(offset, offset + 5) : [];
    if (page.length > 0) json(response, page);
    else response.writeHead(204).end();
  });
  const source = polling(t, url);
  await source.until(() => source.hints.length === 23);
});

test('WR-SRC-08 a server that counts neither studies nor series is counted, in turns', async (t) => {
  const names = Array.from({ length: 60 }, (_, n) => `study ${n}`);
  let instances = 2;
  const url = await against(t, (asked, response) => {
    const today = asked.searchParams.get('StudyDate') === daysAgo(0);
    if (isSeriesSearch(asked)) return json(response, [seriesRow('s')]);
    if (!asked.pathname.endsWith('/instances')) return json(response, today ? names.map((name) => studyRow(name)) : []);
    const found = Array.from({ length: instances }, (_, n) => ({ '00080018': { Value: [studyUid(`image ${n}`)] } }));
    json(response, asked.searchParams.get('offset') === '0' ? found : []);
  });
  const source = polling(t, url);
  await source.until(() => source.hints.length === 60);
  assert.equal(new Set(named(source)).size, 60);
  instances = 3;
  await source.until(() => source.hints.length === 120);
  assert.equal(new Set(named(source).slice(60)).size, 60);
});

test('WR-SRC-08 one study whose series are refused does not hold up the others', async (t) => {
  const url = await against(t, (asked, response) => {
    if (asked.pathname.includes(studyUid('bad'))) response.writeHead(400).end();
    else if (isSeriesSearch(asked)) json(response, [seriesRow('s', 3)]);
    else json(response, [studyRow('bad', 3), studyRow('good', 3)]);
  });
  const source = polling(t, url);
  await source.until(() => source.hints.length === 1 && source.logged.length > 0);
  assert.deepEqual(named(source), [studyUid('good')]);
  const refused = { source: 'qido', studyInstanceUid: studyUid('bad'), errorCode: 'archive-refused' };
  assert.deepEqual(source.logged[0], ['source-fault', refused]);
});

test('WR-LKT-10 a study whose series are refused is told once, and again after they were listed in between', async (t) => {
  let status = 400;
  let instances = 3;
  const url = await against(t, (asked, response) => {
    if (!isSeriesSearch(asked)) json(response, [studyRow('bad', instances)]);
    else if (status === 200) json(response, [seriesRow('s', instances)]);
    else response.writeHead(status).end();
  });
  const source = polling(t, url);
  const faults = (): number => source.logged.filter(([event]) => event === 'source-fault').length;
  await source.until(() => faults() > 0);
  await source.polls(5);
  assert.equal(faults(), 1);
  status = 200;
  await source.until(() => source.hints.length === 1);
  [status, instances] = [400, 4];
  await source.until(() => faults() === 2);
});

test('WR-SRC-09 a server that fails is asked again after growing delays, which the log tells; then it goes on', async (t) => {
  let status = 503;
  const url = await against(t, (asked, response) => {
    if (status !== 200) response.writeHead(status).end();
    else json(response, isSeriesSearch(asked) ? [seriesRow('s', 3)] : [studyRow('study', 3)]);
  });
  const source = polling(t, url);
  await source.until(() => source.logged.length === 2);
  status = 200;
  await source.until(() => source.hints.length === 1);
  assert.deepEqual(source.logged, [
    ['source-fault', { source: 'qido', errorCode: 'archive-unreachable', attempt: 1, durationMs: 900 }],
    ['source-fault', { source: 'qido', errorCode: 'archive-unreachable', attempt: 2, durationMs: 1800 }],
    ['source-recovered', { source: 'qido' }],
  ]);
});

test('WR-SRC-09 a server that says nothing does not keep a source from being stopped', async (t) => {
  const asked = Promise.withResolvers<void>();
  const url = await against(t, () => asked.resolve());
  const source = polling(t, url);
  await asked.promise;
  await source.stop();
  assert.deepEqual([source.hints, source.logged], [[], []]);
});

test('WR-FEED-11 rows that name no study are told once, counted, and hold up nothing', async (t) => {
  const rows = [
    {},
    { '0020000D': { Value: ['1.2.03'] }, '00201208': { vr: 'IS', Value: [2] } },
    { '0020000D': { vr: 'UI' } },
    studyRow('good', 3),
  ];
  const url = await against(t, (asked, response) => json(response, isSeriesSearch(asked) ? [seriesRow('s', 3)] : rows));
  const source = polling(t, url, { name: 'qido:second', archive: 'second' });
  await source.until(() => source.hints.length === 1);
  await source.polls(3);
  assert.deepEqual(source.hints, [
    { studyInstanceUid: studyUid('good'), rung: 'counts-unchanged', archive: 'second', instances: 3 },
  ]);
  const refused = source.logged.filter(([event]) => event === 'source-row-refused');
  // Those without any UID come as one row from a search by pages.
  assert.deepEqual(refused, [
    ['source-row-refused', { source: 'qido:second', errorCode: 'uid-invalid', instances: 2 }],
  ]);
});

test('WR-FEED-14 where the list of changes fails, days are looked through at every poll, which the log tells once', async (t) => {
  const server = await pacs(t);
  let fails = false;
  const feed: ChangeFeed = {
    name: 'changes',
    read: async () => {
      if (fails) throw new WetreadError('archive-refused', 'The archive answered 404');
      return { studies: new Set(), cursor: '1', isEnd: true };
    },
  };
  const source = polling(t, server.url, { feed });
  await source.polls(2);
  await store(server, image('unlisted', 1));
  await source.polls(3);
  assert.deepEqual(source.hints, [], 'the list says that nothing changed');
  fails = true;
  await source.until(() => source.hints.length === 1);
  await source.polls(2);
  fails = false;
  await source.until(() => source.logged.length === 2);
  const about = { source: 'qido:changes' };
  assert.deepEqual(source.logged, [
    ['source-fault', { ...about, errorCode: 'archive-refused' }],
    ['source-recovered', about],
  ]);
});
