/**
 * Answers to QIDO-RS searches as servers give them, one row each: what is written in their documentation and sources, or
 * seen from them. Whatever the form, the study is named with the images that it holds.
 */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { dayOf } from '../../src/arrival/poll-schedule.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type { LogEvent, SafeAttributes } from '../../src/log-events.ts';
import { seriesUid, studyUid } from '../../test/support/part10.ts';
import { qidoSource } from './qido-source.ts';

const TODAY = dayOf(Date.now());
const STUDY = studyUid('study');
const SERIES = seriesUid('series');

interface Question {
  readonly path: string;
  readonly query: URLSearchParams;
}

interface Server {
  readonly name: string;
  /** Below the address. */
  readonly root: string;
  /** Status and rows; the rows of another day than today are never asked of it. */
  readonly studies: (question: Question) => readonly [status: number, rows?: unknown];
  readonly series: readonly object[];
}

const element = (vr: string, ...values: readonly unknown[]): object => ({ vr, Value: values });

const SERVERS: readonly Server[] = [
  {
    name: 'Orthanc, DICOMweb plugin before 1.18: numbers are strings, a date that it does not index is left empty',
    root: '/dicom-web',
    studies: () => [
      200,
      [
        {
          '00080020': element('DA', TODAY),
          '0020000D': element('UI', STUDY),
          '00201206': element('IS', '1'),
          '00201208': element('IS', '3'),
        },
      ],
    ],
    series: [
      {
        '00080060': element('CS', 'CT'),
        '00080070': { vr: 'LO' },
        '0020000E': element('UI', SERIES),
        '00201209': element('IS', '3'),
      },
    ],
  },
  {
    name: 'dcm4chee: an AE title in the root, empty elements without Value, private elements, 204 for nothing',
    root: '/dcm4chee-arc/aets/DCM4CHEE/rs',
    studies: ({ query }) =>
      query.get('offset') === '0'
        ? [
            200,
            [
              {
                '00080020': element('DA', TODAY),
                '00080030': { vr: 'TM' },
                '00081190': element('UR', 'http://elsewhere/studies'),
                '0020000D': element('UI', STUDY),
                '00201206': element('IS', 1),
                '00201208': element('IS', 3),
                '77770010': element('LO', 'DCM4CHEE Archive 5'),
              },
            ],
          ]
        : [204],
    series: [{ '00080060': element('CS', 'CT'), '0020000E': element('UI', SERIES), '00201209': element('IS', 3) }],
  },
  {
    name: 'Google: counts only where they are asked for, no more than it likes in one page',
    root: '/v1/projects/p/locations/l/datasets/d/dicomStores/s/dicomWeb',
    studies: ({ query }) => {
      const counts = query.get('includefield')?.includes('00201208')
        ? { '00201206': element('IS', 1), '00201208': element('IS', 3) }
        : {};
      const row = { '00080020': element('DA', TODAY), '0020000D': element('UI', STUDY), ...counts };
      return Number(query.get('offset')) === 0 ? [200, [row]] : [204];
    },
    series: [{ '00080060': element('CS', 'CT'), '0020000E': element('UI', SERIES), '00201209': element('IS', 3) }],
  },
  {
    name: 'Azure: the version in the root, 400 for more than 200 at once, 206 with a warning, no count of a series',
    root: '/v2',
    studies: ({ query }) => {
      if (Number(query.get('limit')) > 200) return [400];
      const row = { '00080020': element('DA', TODAY), '0020000D': element('UI', STUDY) };
      return query.get('offset') === '0' ? [206, [row]] : [204];
    },
    series: [{ '00080060': element('CS', 'CT'), '0020000E': element('UI', SERIES) }],
  },
  {
    name: 'elements without vr, tags in lower case, a date with points, a UID padded with NUL',
    root: '/dicomweb',
    studies: () => [
      200,
      [
        {
          '00080020': { Value: [`${TODAY.slice(0, 4)}.${TODAY.slice(4, 6)}.${TODAY.slice(6)}`] },
          '0020000d': { Value: [`${STUDY}\0`] },
          '00201208': { Value: ['3'] },
        },
      ],
    ],
    series: [{ '00080060': { Value: ['CT'] }, '0020000e': { Value: [SERIES] }, '00201209': { Value: [3] } }],
  },
];

type Answer = (question: Question, response: ServerResponse) => void;

async function serve(t: TestContext, answer: Answer): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname: path, searchParams: query } = new URL(request.url ?? '', 'http://pacs');
    answer({ path, query }, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function send(response: ServerResponse, status: number, rows?: unknown): void {
  if (rows === undefined) response.writeHead(status).end();
  else response.writeHead(status, { 'content-type': 'application/dicom+json' }).end(JSON.stringify(rows));
}

/** The first thing that a source says of the server: a hint, or a log line. */
async function firstWord(t: TestContext, url: string): Promise<StudyHint | [LogEvent, SafeAttributes]> {
  const stopping = new AbortController();
  const said = Promise.withResolvers<StudyHint | [LogEvent, SafeAttributes]>();
  const source = qidoSource({
    url,
    intervalMs: 5,
    windowDays: 1,
    sweepDays: 1,
    sweepMs: 3_600_000,
    quietMs: 1,
    ports: {
      ledger: { sourceState: async () => undefined, saveSourceState: async () => {} },
      log: { write: (event, attributes) => said.resolve([event, attributes]) },
      clock: { now: () => new Date(), monotonicMs: () => 0 },
    },
  });
  const running = source.run(async (hint) => said.resolve(hint), stopping.signal);
  t.after(() => {
    stopping.abort(new WetreadError('timeout', 'stop'));
    return running;
  });
  return said.promise;
}

for (const server of SERVERS) {
  test(`WR-FEED-15 ${server.name}`, async (t) => {
    const url = await serve(t, (question, response) => {
      const below = question.path.slice(server.root.length);
      const instances = Array.from({ length: 3 }, (_, n) => ({ '00080018': element('UI', studyUid(`image ${n}`)) }));
      const isFirstPage = (question.query.get('offset') ?? '0') === '0';
      if (!question.path.startsWith(server.root)) send(response, 404);
      else if (below.endsWith('/instances')) send(response, 200, isFirstPage ? instances : []);
      else if (below.endsWith('/series')) send(response, 200, server.series);
      else if (question.query.get('StudyDate') === TODAY) send(response, ...server.studies(question));
      else send(response, 204);
    });
    const hint = { studyInstanceUid: STUDY, rung: 'counts-unchanged', instances: 3 };
    assert.deepEqual(await firstWord(t, `${url}${server.root}`), hint);
  });
}

/** What is no answer to a search, and the code under which the log and the metrics tell of it. */
const NO_ANSWERS: readonly { readonly name: string; readonly answer: Answer; readonly errorCode: string }[] = [
  {
    name: 'a redirect to another server',
    answer: (_question, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/studies' }).end(),
    errorCode: 'archive-refused',
  },
  {
    name: 'a page for humans, such as a log-in',
    answer: (_question, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>'),
    errorCode: 'archive-refused',
  },
  {
    name: 'one object in place of a list',
    answer: (_question, response) => send(response, 200, { error: 'no' }),
    errorCode: 'archive-refused',
  },
  { name: '400', answer: (_question, response) => send(response, 400), errorCode: 'archive-refused' },
  { name: '503', answer: (_question, response) => send(response, 503), errorCode: 'archive-unreachable' },
  {
    name: 'a connection that is cut',
    answer: (_question, response) => response.destroy(),
    errorCode: 'archive-unreachable',
  },
];

for (const { name, answer, errorCode } of NO_ANSWERS) {
  test(`WR-FEED-16 ${name}: the log says so, with the code and when it is tried again`, async (t) => {
    const [event, attributes] = (await firstWord(t, await serve(t, answer))) as [LogEvent, SafeAttributes];
    assert.equal(event, 'source-fault');
    assert.deepEqual([attributes.source, attributes.errorCode, attributes.attempt], ['qido', errorCode, 1]);
    assert.ok((attributes.durationMs ?? 0) > 0);
  });
}

test('WR-FEED-16 a redirect within the server is followed', async (t) => {
  const url = await serve(t, ({ path, query }, response) => {
    if (!path.startsWith('/new'))
      return void response.writeHead(307, { location: `/new${path}?${String(query)}` }).end();
    if (path.endsWith('/series')) send(response, 200, SERVERS[1]!.series);
    else if (query.get('StudyDate') === TODAY) send(response, ...SERVERS[1]!.studies({ path, query }));
    else send(response, 204);
  });
  const hint = (await firstWord(t, url)) as StudyHint;
  assert.equal(hint.studyInstanceUid, STUDY);
});
