import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Random, random } from '../../test/support/random.ts';
import { nameBasedUid, type StudyInstanceUid } from '../uid.ts';
import {
  dayOf,
  horizonOf,
  isIn,
  matchOf,
  type Pace,
  pauseMs,
  quietInMs,
  sweepSlices,
  windowSlices,
} from './poll-schedule.ts';
import { NOTHING_SEEN, readPollState, writePollState } from './poll-state.ts';
import {
  forget,
  judge,
  type Look,
  look,
  type SeenStudies,
  type SeenStudy,
  type StudyCounts,
  type StudyRow,
} from './polling.ts';

const uid = (name: string): StudyInstanceUid => nameBasedUid<StudyInstanceUid>('polling test', name);
const TODAY = '20260610';
const NOW = Date.parse('2026-06-10T12:00:00Z');
const DAY_MS = 24 * 3600 * 1000;
const at = (nowMs: number, more: Partial<Look> = {}): Look => ({
  nowMs,
  today: TODAY,
  quietMs: 10,
  baseline: false,
  ...more,
});
const row = (name: string, instances: number, series = 1, studyDate: string | undefined = TODAY): StudyRow => ({
  studyInstanceUid: uid(name),
  studyDate,
  counts: { series, instances },
});

/** A memory over polls, as a source keeps it. */
class Memory {
  seen: SeenStudies = new Map();
  readonly noticed: StudyInstanceUid[] = [];

  poll(rows: readonly StudyRow[], nowMs: number, images: (study: StudyInstanceUid) => StudyCounts): number {
    const { seen, settled } = look(this.seen, rows, at(nowMs));
    const after = new Map(seen);
    for (const study of settled) {
      const judgement = judge(seen.get(study)!, images(study));
      if (judgement.notice) this.noticed.push(study);
      after.set(study, judgement.study);
    }
    this.seen = after;
    return settled.length;
  }

  /** Polls in which the archive holds nothing but images. */
  plain(rows: readonly StudyRow[], nowMs: number): number {
    return this.poll(rows, nowMs, (study) => rows.find((one) => one.studyInstanceUid === study)!.counts);
  }
}

test('WR-SRC-01 a study is noticed when its counts stayed the same over two looks, and not again', () => {
  const memory = new Memory();
  memory.plain([row('a', 10)], 0);
  memory.plain([row('a', 20)], 10);
  memory.plain([row('a', 20)], 15);
  assert.deepEqual(memory.noticed, [], 'grown at the last look, or looked at again too soon');
  memory.plain([row('a', 20)], 20);
  assert.deepEqual(memory.noticed, [uid('a')]);
  for (let now = 30; now < 100; now += 10) assert.equal(memory.plain([row('a', 20)], now), 0);
  memory.plain([row('a', 21)], 100);
  memory.plain([row('a', 21)], 110);
  assert.deepEqual(memory.noticed, [uid('a'), uid('a')], 'late images');
});

test('WR-SRC-01 one look is none, however short the quiet time is', () => {
  const { settled } = look(new Map(), [row('a', 1), row('a', 1)], at(0, { quietMs: 0 }));
  assert.deepEqual(settled, []);
});

test('WR-SRC-01 a study that holds no image waits for its first one without being asked for', () => {
  const memory = new Memory();
  for (let now = 0; now < 50; now += 10) assert.equal(memory.plain([row('a', 0, 0)], now), 0);
  memory.plain([row('a', 1)], 50);
  memory.plain([row('a', 1)], 60);
  assert.deepEqual(memory.noticed, [uid('a')]);
});

test('WR-SRC-01 images that were deleted and sent again are noticed, the deletion alone is not', () => {
  const memory = new Memory();
  for (const [now, instances] of [10, 10, 9, 9, 10, 10].entries()) memory.plain([row('a', instances)], now * 10);
  assert.equal(memory.noticed.length, 2);
  for (const [now, instances] of [0, 0, 10, 10].entries()) memory.plain([row('a', instances)], 100 + now * 10);
  assert.equal(memory.noticed.length, 3);
});

test('WR-SRC-01 a clock that was set back does not keep a study waiting', () => {
  const memory = new Memory();
  memory.plain([row('a', 1)], NOW);
  memory.plain([row('a', 1)], NOW - DAY_MS);
  memory.plain([row('a', 1)], NOW - DAY_MS + 10);
  assert.deepEqual(memory.noticed, [uid('a')]);
});

test('WR-SRC-02 results of Wetread change the counts and are not noticed; images beside them are', () => {
  const memory = new Memory();
  const images = { series: 1, instances: 10 };
  for (const now of [0, 10]) memory.poll([row('a', 10)], now, () => images);
  for (const now of [20, 30, 40]) memory.poll([row('a', 12, 3)], now, () => images);
  assert.equal(memory.noticed.length, 1);
  for (const now of [50, 60]) memory.poll([row('a', 13, 3)], now, () => ({ series: 1, instances: 11 }));
  assert.equal(memory.noticed.length, 2);
});

test('WR-SRC-03 shuffled, late, repeated and missing rows: every study is noticed as it is in the end', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const faults = unsteadyArchive(random(seed));
    assert.deepEqual(faults, [], `seed ${seed}`);
  }
});

interface Held {
  images: StudyCounts;
  own: number;
  /** Rows as they were at some time, from which a server may answer. */
  readonly rows: StudyRow[];
  /** What it held when it was noticed. */
  readonly read: StudyCounts[];
}

/** Studies grow while an archive that orders, repeats, delays and forgets rows is polled. @returns what went wrong */
function unsteadyArchive(chance: Random): string[] {
  const memory = new Memory();
  const held = new Map<StudyInstanceUid, Held>();
  const names = Array.from({ length: 6 }, (_, index) => `study ${index}`);
  const faults: string[] = [];
  const list = (steady: boolean): StudyRow[] => {
    const rows = [...held.values()].flatMap(({ rows: past }) => {
      if (steady) return past.slice(-1);
      const times = chance.integer(0, 2);
      return Array.from({ length: times }, () => past.at(-chance.integer(1, Math.min(2, past.length)))!);
    });
    return chance.shuffled(rows);
  };
  const poll = (nowMs: number, steady: boolean): void => {
    const before = memory.noticed.length;
    memory.poll(list(steady), nowMs, (study) => held.get(study)!.images);
    for (const study of memory.noticed.slice(before)) {
      const { images, read } = held.get(study)!;
      const last = read.at(-1);
      if (last !== undefined && last.instances === images.instances) faults.push('noticed without a change');
      read.push(images);
      held.get(study)!.own += 2;
    }
    for (const [study, { images, own, rows }] of held) {
      rows.push({
        studyInstanceUid: study,
        studyDate: TODAY,
        counts: { series: images.series + own, instances: images.instances + own },
      });
    }
  };
  for (let turn = 0; turn < 30; turn += 1) {
    const study = uid(chance.pick(names));
    const one = held.get(study) ?? { images: { series: 0, instances: 0 }, own: 0, rows: [], read: [] };
    const { series, instances } = one.images;
    one.images = { series: series + chance.integer(0, 1), instances: instances + chance.integer(1, 5) };
    if (one.rows.length === 0) one.rows.push({ studyInstanceUid: study, studyDate: TODAY, counts: one.images });
    held.set(study, one);
    poll(turn * 10, false);
  }
  for (let turn = 30; turn < 34; turn += 1) poll(turn * 10, true);
  for (const { images, read } of held.values()) {
    if (read.at(-1)?.instances !== images.instances) faults.push('the last images were never noticed');
  }
  return faults;
}

test('WR-SRC-04 what the first sweep finds was there before; what a later one finds is noticed', () => {
  const first = look(new Map(), [row('old', 5, 1, '20260601')], at(0, { baseline: true }));
  const later = look(first.seen, [row('old', 5, 1, '20260601'), row('imported', 5, 1, '20260602')], at(100));
  const again = look(later.seen, [row('old', 5, 1, '20260601'), row('imported', 5, 1, '20260602')], at(200));
  assert.deepEqual([first.settled, later.settled, again.settled], [[], [], [uid('imported')]]);
  const grown = look(again.seen, [row('old', 6, 1, '20260601')], at(300));
  const { settled, seen } = look(grown.seen, [row('old', 6, 1, '20260601')], at(400));
  assert.deepEqual(settled, [uid('old')]);
  assert.ok(judge(seen.get(uid('old'))!, { series: 1, instances: 6 }).notice);
});

test('WR-SRC-04 a poll asks for the last days, for what lies in the future, and for the days of waiting studies', () => {
  const asked = (polledMs: number | undefined, seen: SeenStudies): string[] =>
    windowSlices(NOW, 2, polledMs, seen).map(matchOf);
  assert.deepEqual(asked(undefined, new Map()), ['20260611-', '20260610', '20260609', '20260608']);
  const { seen } = look(new Map(), [row('late import', 5, 1, '20260520')], at(NOW));
  assert.ok(asked(NOW, seen).includes('20260520'), 'its second look does not wait for the next sweep');
  assert.equal(asked(NOW - 3 * DAY_MS, new Map()).at(-1), '20260605', 'what came while nothing was asked');
  assert.ok(asked(0, new Map()).length < 400);
  assert.deepEqual(sweepSlices(NOW, 2, 4).map(matchOf), ['20260607', '20260606']);
  assert.deepEqual(sweepSlices(NOW, 2, 1), []);
});

test('WR-SRC-04 a day and the days from it on', () => {
  const tomorrow = { from: '20260611', onwards: true };
  const today = { from: TODAY, onwards: false };
  assert.deepEqual([isIn(today, TODAY), isIn(today, '20260609'), isIn(today, undefined)], [true, false, true]);
  assert.deepEqual([isIn(tomorrow, '20300101'), isIn(tomorrow, TODAY)], [true, false]);
});

test('WR-SRC-05 what no poll lists again is forgotten; a study without a date stays while it is listed', () => {
  const rows = [row('old', 1, 1, '20260501'), row('new', 1), { ...row('undated', 1), studyDate: undefined }];
  const { seen } = look(new Map(), rows, at(NOW, { baseline: true }));
  const horizon = horizonOf(NOW, 2, 14);
  assert.equal(horizon, '20260526');
  assert.deepEqual([...forget(seen, horizon, NOW).keys()], [uid('new'), uid('undated')]);
  const later = NOW + 30 * DAY_MS;
  const listed = look(seen, [rows[2]!], at(later, { today: dayOf(later) }));
  assert.deepEqual([...forget(listed.seen, horizonOf(later, 2, 14), later).keys()], [uid('undated')]);
});

test('WR-SRC-05 a study that waits for its second look is kept, but not for ever', () => {
  const { seen } = look(new Map(), [row('imported', 1, 1, '20200101')], at(NOW));
  assert.equal(forget(seen, '20260526', NOW + 1000).size, 1);
  assert.equal(forget(seen, '20260526', NOW + 2 * DAY_MS).size, 0);
});

test('WR-SRC-05 where the polling stands comes back from its text; another version is as none', () => {
  const memory = new Memory();
  for (const now of [NOW, NOW + 10]) memory.plain([row('read', 3), row('empty', 0, 0)], now);
  memory.plain([row('waiting', 4)], NOW + 20);
  const state = { seen: memory.seen, polledMs: NOW, sweptMs: NOW - 5 };
  const text = writePollState(state);
  assert.deepEqual(readPollState(text), state);
  assert.deepEqual(readPollState(undefined), NOTHING_SEEN);
  assert.deepEqual(readPollState(text.replace('"version":1', '"version":2')), NOTHING_SEEN);
});

test('WR-SRC-06 polls come at the interval while studies arrive, more seldom while none does, and spare a slow archive', () => {
  const pace = (idlePolls: number, tookMs: number, chance = 0.5, quiet: Pick<Pace, 'quietInMs'> = {}): number =>
    Math.round(pauseMs({ intervalMs: 10_000, idlePolls, tookMs, ...quiet }, chance));
  assert.equal(pace(0, 50), 10_000);
  assert.equal(pace(1, 50), 12_500);
  assert.equal(pace(1000, 50), 30_000);
  assert.equal(pace(0, 20_000), 40_000);
  assert.equal(pace(0, 10 ** 9), 300_000);
  assert.deepEqual([pace(0, 50, 0), pace(0, 50, 1)], [9_000, 11_000]);
  assert.equal(pace(0, 20_000, 0.5, { quietInMs: 1_500 }), 1_500);
  assert.equal(pace(0, 50, 0.5, { quietInMs: 60_000 }), 10_000);
});

test('WR-SRC-06 a study is looked at again as soon as it has been quiet for long enough, and an overdue one does not hurry', () => {
  const study = (sinceMs: number, judged = false): SeenStudy => {
    return { studyDate: TODAY, counts: { series: 1, instances: 2 }, sinceMs, judged };
  };
  const seen = (...studies: readonly SeenStudy[]): SeenStudies =>
    new Map(studies.map((one, index) => [uid(String(index)), one]));
  assert.equal(quietInMs(seen(study(NOW - 500), study(NOW - 1_500)), NOW, 2_000), 500);
  assert.equal(quietInMs(seen(study(NOW - 500, true)), NOW, 2_000), undefined);
  assert.equal(quietInMs(seen(study(NOW - 9_000)), NOW, 2_000), undefined);
});
