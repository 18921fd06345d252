import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { View } from '../../contracts/generated/types.ts';
import { validateReport, validateViewSet } from '../../contracts/generated/validators.js';
import { sliceVoxels } from '../../src/assembly/volume.ts';
import { type ReviewFixture, reviewFixture } from '../../test/support/review-fixture.ts';
import type { HeaderAnswer, StudyAnswer, StudyListAnswer } from './answers.ts';

let fixture: ReviewFixture;
before(async () => {
  fixture = await reviewFixture();
});
after(() => fixture[Symbol.asyncDispose]());

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(fixture.url + path, { headers });
const study = (name: string, rest = ''): string => `/api/studies/${fixture.studies[name]}${rest}`;
async function json<T>(path: string): Promise<T> {
  return (await (await get(path)).json()) as T;
}

test('WR-PAGE-20 the list has every study, newest first, with state, reason and what is to be done', async () => {
  const { studies, total } = await json<StudyListAnswer>('/api/studies');
  assert.equal(total, Object.keys(fixture.studies).length);
  assert.deepEqual(
    studies.map((s) => s.changedAt),
    studies
      .map((s) => s.changedAt)
      .toSorted()
      .reverse(),
  );
  const failed = studies.find((s) => s.studyInstanceUid === fixture.studies['failed'])!;
  assert.equal(failed.group, 'attention');
  assert.equal(failed.reason!.code, 'inference-unreachable');
  assert.match(failed.reason!.advice, /inference service runs/);
  assert.ok(failed.retryAt !== undefined);
  const filed = studies.find((s) => s.studyInstanceUid === fixture.studies['filed'])!;
  assert.deepEqual([filed.notReadCount, filed.timingsMs['assembly']], [46, 2240]);
});

test('WR-PAGE-20 no answer but the header holds patient data, and none is cached', async () => {
  const paths = [
    '/api/studies',
    study('filed'),
    study('filed', '/state'),
    study('filed', '/views/0/slices/3/outlines'),
  ];
  for (const path of paths) {
    const response = await get(path);
    assert.equal(response.headers.get('Cache-Control'), 'no-store', path);
    assert.doesNotMatch(await response.text(), /SAMPLE-0001|gidius|19600229|A-4711/, path);
  }
  const header = await json<HeaderAnswer>(study('filed', '/header'));
  assert.equal(header.patient.patientId, 'SAMPLE-0001');
  assert.equal((await get(study('filed', '/header'))).headers.get('Cache-Control'), 'no-store');
});

test('WR-PAGE-20 the study answer carries draft, view, history and trace by their contracts', async () => {
  const answer = await json<StudyAnswer>(study('filed'));
  assert.ok(validateReport(answer.draft!.report), JSON.stringify(validateReport.errors));
  assert.ok(validateViewSet({ schemaVersion: 1, views: answer.views }), JSON.stringify(validateViewSet.errors));
  assert.deepEqual(
    answer.history.map((step) => step.state),
    ['settling', 'accepted', 'triaging', 'accepted', 'reading', 'drafted', 'filed'],
  );
  assert.deepEqual(
    answer.trace.filter(({ depth }) => depth === 1).map(({ name }) => name),
    ['wetread.arrival', 'wetread.assembly', 'wetread.inference', 'wetread.reporting', 'wetread.writeback'],
  );
  const run = answer.trace.find(({ name }) => name === 'inference.run')!;
  assert.deepEqual([run.depth, run.service, run.startMs, run.durationMs], [3, 'wetread-inference', 2850, 2800]);
});

test('WR-PAGE-20 voxels of a slice are those of the archive, outlines those of the SEG', async () => {
  const view = (await json<StudyAnswer>(study('filed'))).views[0] as View;
  const k = 11;
  const index = view.slices.findIndex((s) => s.sopInstanceUid === fixture.chest.volume.slices[k]!.sopInstanceUid);
  const response = await get(study('filed', `/views/0/slices/${index}/voxels`));
  assert.equal(response.headers.get('Content-Type'), 'application/octet-stream');
  assert.deepEqual([response.headers.get('Wetread-Slope'), response.headers.get('Wetread-Intercept')], ['1', '-1024']);
  const voxels = new Int16Array(await response.arrayBuffer());
  assert.deepEqual(voxels, Int16Array.from(sliceVoxels(fixture.chest.volume, k)));
  const outlines = await json<{ segmentNumber: number }[]>(study('filed', `/views/0/slices/${index}/outlines`));
  assert.deepEqual(
    outlines.map((o) => o.segmentNumber).sort((a, b) => a - b),
    [1, 2],
  );
});

test('WR-PAGE-20 documents come under their media types; DICOM is saved as a file', async () => {
  const types = {
    'sr.dcm': 'application/dicom',
    'seg.dcm': 'application/dicom',
    'bundle.json': 'application/fhir+json',
    'report.json': 'application/json',
    'trace.json': 'application/json',
    'view.json': 'application/json',
    'embedding.json': 'application/json',
  } as const;
  for (const [name, type] of Object.entries(types)) {
    const response = await get(study('filed', `/documents/${name}`));
    assert.equal(response.headers.get('Content-Type')!.split(';')[0], type);
    const bytes = new Uint8Array(await response.arrayBuffer());
    assert.deepEqual(bytes, new Uint8Array(fixture.chest.documents[name as keyof typeof types]));
    const disposition = response.headers.get('Content-Disposition');
    assert.equal(
      disposition,
      name.endsWith('.dcm') ? `attachment; filename=${fixture.studies['filed']}.${name}` : null,
    );
  }
});

test('WR-PAGE-20 an unchanged answer costs a 304', async () => {
  const first = await get('/api/studies');
  const again = await get('/api/studies', { 'If-None-Match': first.headers.get('ETag')! });
  assert.equal(again.status, 304);
});

test('WR-PAGE-20 what is not there is 404, a broken UID 422, an archive that is down 503', async () => {
  const unknown = '/api/studies/1.2.3';
  for (const path of [
    unknown,
    `${unknown}/header`,
    `${unknown}/documents/sr.dcm`,
    `${unknown}/views/0/slices/0/voxels`,
    '/api/nothing',
  ]) {
    assert.equal((await get(path)).status, 404, path);
  }
  for (const rest of [
    '/documents/passwd',
    '/documents/constructor',
    '/views/0/slices/9999/voxels',
    '/views/0/slices/-1/outlines',
    '/views/0/slices/x/voxels',
  ]) {
    assert.equal((await get(study('filed', rest))).status, 404, rest);
  }
  assert.equal((await get('/api/studies/not-a-uid')).status, 422);
  assert.equal((await get(study('parked', '/header'))).status, 503);
  assert.equal((await get('/assets/../api.ts')).status, 404);
});

test('WR-PAGE-21 the page may load from its own origin only', async () => {
  for (const path of ['/', '/studies/1.2.3', '/assets/main.js', '/api/studies']) {
    const response = await get(path);
    assert.equal(response.status, 200, path);
    const policy = response.headers.get('Content-Security-Policy')!;
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.equal(response.headers.get('X-Content-Type-Options'), 'nosniff');
  }
});

const decide = (name: string, body: object, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(fixture.url + study(name, '/moves'), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Wetread-Operator': 'page', ...headers },
    body: JSON.stringify(body),
  });

test('WR-OPS-20 an operator moves a study as the state table allows, and the history keeps why', async () => {
  const { moves } = await json<StudyAnswer>(study('parked'));
  assert.deepEqual(
    moves.map(({ move }) => move),
    ['replay', 'close'],
  );
  const closed = await decide('parked', { move: 'close', note: '  read\u0007 without\na draft ' });
  assert.equal(closed.status, 200);
  const after = await json<StudyAnswer>(study('parked'));
  assert.equal(after.state, 'closed');
  assert.deepEqual(
    [after.history.at(-1)!.reason!.code, after.history.at(-1)!.reason!.detail],
    ['operator-decision', 'read without a draft'],
  );
  assert.equal((await decide('parked', { move: 'park' })).status, 409);
  assert.equal((await decide('parked', { move: 'replay' })).status, 200);
  assert.equal((await json<StudyAnswer>(study('parked'))).state, 'accepted');
});

test('WR-OPS-21 what does not come from the own page, or is no decision, moves nothing', async () => {
  const { state } = await json<StudyAnswer>(study('held'));
  const foreign = [
    decide('held', { move: 'close' }, { 'Sec-Fetch-Site': 'cross-site' }),
    decide('held', { move: 'close' }, { Origin: 'https://elsewhere.example' }),
    decide('held', { move: 'close' }, { 'Content-Type': 'text/plain' }),
    decide('held', { move: 'sign' }),
    decide('held', { move: 'close', note: 7 }),
    fetch(fixture.url + study('held', '/moves'), { method: 'POST' }),
  ];
  for (const response of await Promise.all(foreign)) assert.equal(response.status, 400);
  const unknown = await fetch(`${fixture.url}/api/studies/1.2.3/moves`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Wetread-Operator': 'page' },
    body: '{"move":"close"}',
  });
  assert.equal(unknown.status, 404);
  assert.equal((await json<StudyAnswer>(study('held'))).state, state);
});

test('WR-OPS-22 completeness with its evidence, rule and priority are told', async () => {
  const { completeness, rule, priority } = await json<StudyAnswer>(study('filed'));
  assert.deepEqual([completeness!.rung, completeness!.instances, completeness!.series], ['counts-unchanged', 120, 2]);
  assert.match(completeness!.text, /Two looks at the archive/);
  assert.deepEqual([rule, priority], ['test', 'routine']);
});
