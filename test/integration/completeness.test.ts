/**
 * Completeness under any order of arrivals: random schedules of images and events, run through the real triage and the
 * real ledger against an archive whose content is known at every moment. Only the reading itself is left out: the second
 * look that it begins with is the product's own.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import { isFinal } from '../../src/arrival/lifecycle.ts';
import type { Study } from '../../src/arrival/study.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import type { Attempt, Clock, Ledger, Ports } from '../../src/ports.ts';
import { reason } from '../../src/reasons.ts';
import { selectOrEnd, triage } from '../../src/triage.ts';
import { nameBasedUid, type SeriesInstanceUid, type SopInstanceUid, type StudyInstanceUid } from '../../src/uid.ts';
import { countsOf, findStudy, type Outcome, type Site, Work } from '../../src/work.ts';
import { lungCard } from '../support/model-card.ts';
import { random } from '../support/random.ts';

const STUDY = nameBasedUid<StudyInstanceUid>('completeness-test', 'study');
const SERIES = nameBasedUid<SeriesInstanceUid>('completeness-test', 'series');
const QUIET_MS = 2000;
const LONGEST_WAIT_MS = 60_000;
const NEVER = new AbortController().signal;

/** What happens, and when: an image reaches the archive, or an event reaches Wetread. */
interface Happening {
  readonly atMs: number;
  readonly image?: number;
  readonly hint?: Omit<StudyHint, 'studyInstanceUid'>;
}

interface Draft {
  readonly revision: number;
  readonly instances: number;
  readonly atMs: number;
}

/** A day of one study: until nothing more happens and the study has come to rest. */
class Day {
  #nowMs = 0;
  readonly #images = new Set<number>();
  readonly drafts: Draft[] = [];
  readonly lookedAtMs: number[] = [];
  readonly #longestWaitMs: number;
  readonly #clock: Clock = { now: () => new Date(this.#nowMs), monotonicMs: () => this.#nowMs };
  readonly ledger: Ledger = sqliteLedger({ file: ':memory:', clock: this.#clock });

  constructor(longestWaitMs = LONGEST_WAIT_MS) {
    this.#longestWaitMs = longestWaitMs;
  }

  get images(): number {
    return this.#images.size;
  }

  async live(happenings: readonly Happening[]): Promise<void> {
    const toCome = happenings.toSorted((a, b) => a.atMs - b.atMs);
    const lastMs = toCome.at(-1)!.atMs;
    for (; this.#nowMs <= lastMs + 3 * this.#longestWaitMs; this.#nowMs += 250) {
      while (toCome[0] !== undefined && toCome[0].atMs <= this.#nowMs) await this.#happens(toCome.shift()!);
      await this.#work();
    }
  }

  async #happens({ image, hint }: Happening): Promise<void> {
    if (image !== undefined) this.#images.add(image);
    if (hint === undefined) return;
    const settledMs = this.#nowMs + (hint.rung === undefined ? QUIET_MS : 0);
    const event = { ...hint, studyInstanceUid: STUDY, source: 'test', receivedAt: new Date(this.#nowMs).toISOString() };
    await this.ledger.notice(event, new Date(settledMs).toISOString());
  }

  async #work(): Promise<void> {
    const attempt = await this.ledger.claim('worker', 60_000);
    if (attempt === undefined) return;
    const outcome = await (attempt.task === 'triage' ? this.#triage(attempt) : this.#read(attempt));
    await this.ledger.advance(attempt, outcome.transition, outcome.patch);
  }

  #triage(attempt: Attempt): Promise<Outcome> {
    this.lookedAtMs.push(this.#nowMs);
    return triage(attempt, this.#ports(), this.#site, NEVER);
  }

  async #read(attempt: Attempt): Promise<Outcome> {
    const work = new Work(attempt, this.#ports(), this.#site, NEVER);
    const study = await findStudy(work);
    if (study === undefined) return work.wait(this.#site.patience, reason('study-not-found'));
    const reading = await selectOrEnd(work, study);
    if ('transition' in reading) return reading;
    await this.ledger.advance(attempt, 'draft');
    this.drafts.push({ revision: attempt.revision, instances: countsOf(study).instances, atMs: this.#nowMs });
    return work.end('file');
  }

  get #site(): Site {
    return { ...SITE, patience: { quietMs: QUIET_MS, longestWaitMs: this.#longestWaitMs } };
  }

  /** Only what triage uses. */
  #ports(): Ports {
    const models = { packages: () => [{ card: lungCard(), digest: 'sha256:0' }], refused: [] };
    const archive = { findStudy: async () => this.#study() };
    const log = { write: () => {} };
    return { archive, clock: this.#clock, ledger: this.ledger, log, models } as unknown as Ports;
  }

  #study(): Study | undefined {
    if (this.#images.size === 0) return undefined;
    const instances = [...this.#images].map((image) => ({
      sopInstanceUid: nameBasedUid<SopInstanceUid>('completeness-test', `image ${image}`),
      sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
    }));
    return {
      header: { studyInstanceUid: STUDY, requests: [] },
      series: [{ seriesInstanceUid: SERIES, modality: 'CT', instances }],
    };
  }
}

const SITE = { largestStudy: 1000, rules: [] } as unknown as Site;

/** Images in bursts; every burst is followed by an event, some events come twice, early, or with a count. */
function randomDay(seed: number): { readonly happenings: readonly Happening[]; readonly expected: number | undefined } {
  const numbers = random(seed);
  const between = (low: number, high: number): number => numbers.integer(low, high);
  const total = between(1, 12);
  const expected = numbers.next() < 0.5 ? total : undefined;
  const happenings: Happening[] = [];
  let atMs = 0;
  for (let image = 0; image < total; image += 1) {
    atMs += numbers.next() < 0.2 ? between(0, 20_000) : between(0, 500);
    happenings.push({ atMs, image });
    const hint = expected === undefined ? {} : { expectedInstances: expected };
    const repeats = image === total - 1 ? between(1, 3) : between(0, 2);
    for (let repeat = 0; repeat < repeats; repeat += 1) happenings.push({ atMs: atMs + between(0, 3000), hint });
  }
  // The last word comes after the last image, as every source promises.
  happenings.push({
    atMs: atMs + between(0, 5000),
    hint: expected === undefined ? {} : { expectedInstances: expected },
  });
  return { happenings, expected };
}

test('WR-CPL-02 whatever the order of images and events, the last draft holds every image, and revisions only rise', async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const { happenings, expected } = randomDay(seed);
    const day = new Day();
    await day.live(happenings);
    const about = `seed ${seed}: ${JSON.stringify(day.drafts)}`;
    const record = (await day.ledger.get(STUDY))!;
    assert.ok(isFinal(record.state), `${about} ended ${record.state}`);
    assert.equal(record.state, 'filed', about);
    assert.equal(day.drafts.at(-1)?.instances, day.images, about);
    assert.equal(record.completeness?.counts.instances, day.images, about);
    const revisions = day.drafts.map(({ revision }) => revision);
    assert.equal(revisions.at(-1), record.revision, `${about}: the current draft is the last one`);
    assert.ok(
      revisions.every((revision, index) => index === 0 || revision > revisions[index - 1]!),
      about,
    );
    if (expected === undefined) continue;
    const early = day.drafts.filter(({ instances, atMs }) => instances < expected && atMs < LONGEST_WAIT_MS);
    assert.deepEqual(early, [], `${about}: half a study was read although ${expected} images were expected`);
  }
});

test('WR-CPL-02 images that never come are waited for so long, then what is there is read, and the record says so', async () => {
  const day = new Day();
  await day.live([
    { atMs: 0, image: 1 },
    { atMs: 0, hint: { expectedInstances: 2 } },
  ]);
  assert.deepEqual(
    day.drafts.map(({ instances }) => instances),
    [1],
  );
  assert.ok(day.drafts[0]!.atMs >= LONGEST_WAIT_MS);
  assert.equal((await day.ledger.get(STUDY))?.completeness?.rung, 'waited-enough');
  const [, waited] = await day.ledger.history(STUDY);
  assert.deepEqual([waited?.transition, waited?.reason], ['wait', { code: 'instances-awaited', detail: '1 of 2' }]);
});

test('WR-CPL-03 an event that is faster than the archive is waited for; a study that never comes is told as not found', async () => {
  const late = new Day();
  await late.live([
    { atMs: 0, hint: {} },
    { atMs: 20_000, image: 1 },
  ]);
  assert.equal((await late.ledger.get(STUDY))?.state, 'filed');
  const never = new Day();
  await never.live([{ atMs: 0, hint: {} }]);
  const record = await never.ledger.get(STUDY);
  assert.deepEqual([record?.state, record?.reason?.code], ['not-selected', 'study-not-found']);
  assert.equal(record?.completeness?.rung, undefined, 'what is not there is not complete');
});

test('WR-CPL-05 images that come one by one after the only event are read once, all of them, soon after the last', async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const numbers = random(seed);
    const images: Happening[] = [];
    let atMs = numbers.integer(0, 20_000);
    for (let image = 0; image < 8; image += 1) {
      images.push({ atMs, image });
      atMs += numbers.integer(0, QUIET_MS - 500);
    }
    const day = new Day();
    await day.live([{ atMs: 0, hint: {} }, ...images]);
    const { state, completeness } = (await day.ledger.get(STUDY))!;
    assert.equal(state, 'filed', `seed ${seed}`);
    // An event that comes with the first images, and a first look among them, know nothing of the others.
    if (images[0]!.atMs <= QUIET_MS) continue;
    assert.deepEqual([completeness?.rung, day.drafts.length], ['counts-unchanged', 1], `seed ${seed}`);
    const [draft] = day.drafts;
    assert.equal(draft!.instances, 8, `seed ${seed}`);
    assert.ok(draft!.atMs - images.at(-1)!.atMs <= 3 * QUIET_MS, `seed ${seed}: ${draft!.atMs} ms`);
    const [, waited] = await day.ledger.history(STUDY);
    assert.deepEqual([waited?.transition, waited?.reason?.code], ['wait', 'quiet-awaited'], `seed ${seed}`);
  }
});

test('WR-CPL-03 a study that the source saw complete and the archive does not know is told at once', async () => {
  const day = new Day();
  await day.live([{ atMs: 0, hint: { rung: 'source-says' } }]);
  const [, , , last] = await day.ledger.history(STUDY);
  assert.deepEqual([last?.transition, last?.reason?.code], ['select-none', 'study-not-found']);
});

test('WR-CPL-04 the patient of the event is compared with that of the images before anything is read', async () => {
  const day = new Day();
  await day.live([
    { atMs: 0, image: 1 },
    { atMs: 0, hint: { patientDigest: 'of another' } },
  ]);
  const record = await day.ledger.get(STUDY);
  assert.deepEqual([record?.state, record?.reason?.code], ['held', 'event-patient-mismatch']);
  assert.deepEqual(day.drafts, []);
});

test('WR-CPL-04 a study of more instances than are read is refused by the number', async () => {
  const day = new Day();
  const images = Array.from({ length: 1001 }, (_, image) => ({ atMs: 0, image }));
  await day.live([...images, { atMs: 0, hint: {} }]);
  const record = await day.ledger.get(STUDY);
  assert.deepEqual(
    [record?.state, record?.reason],
    ['not-evaluable', { code: 'too-many-instances', detail: '1001 instances, at most 1000' }],
  );
});

test('WR-LKT-08 the longer a study is waited for, the less often it is looked at; it says why it waits, and is told at the end of the wait', async () => {
  const longestWaitMs = 600_000;
  const never = new Day(longestWaitMs);
  await never.live([{ atMs: 0, hint: {} }]);
  const waits = never.lookedAtMs.map((atMs, look) => atMs - (never.lookedAtMs[look - 1] ?? 0));
  assert.ok(waits.length < 60, `${waits.length} looks in ten minutes`);
  assert.ok(waits.at(-2)! > 10 * waits[1]!, waits.join(' '));
  assert.ok(Math.abs(never.lookedAtMs.at(-1)! - longestWaitMs) < 2 * QUIET_MS, `ended at ${never.lookedAtMs.at(-1)}`);
  const [, waited] = await never.ledger.history(STUDY);
  assert.deepEqual([waited?.transition, waited?.reason?.code], ['wait', 'study-not-found']);
});
