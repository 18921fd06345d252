/**
 * The whole way from voxels to located findings, on chests with nodules at known places that nothing was fitted on.
 * Slow, because every case makes and reads a chest.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { headPaints } from '../../../adapters/phantom/body-parts.ts';
import { type ChestCtOptions, chestCt, phantomCt } from '../../../adapters/phantom/chest-ct.ts';
import type { PlantedNodule } from '../../../adapters/phantom/nodules.ts';
import type { Finding } from '../../../src/inference/findings.ts';
import { explain, isSkipped } from '../../../src/reasons.ts';
import { type ModelReader, openModelReader } from '../../../test/support/model-reading.ts';
import { phantomVolume } from '../../../test/support/phantom-volume.ts';
import { heldOutPhantoms, matches } from './phantoms.ts';

const PACKAGE = join(import.meta.dirname, '..', '..', 'examples', 'ct-nodule-candidates');

let reader: ModelReader;
before(async () => {
  reader = await openModelReader(PACKAGE);
});
after(() => reader.close());

interface Result {
  readonly planted: readonly PlantedNodule[];
  readonly found: readonly PlantedNodule[];
  /** Detections that hit no nodule. */
  readonly others: number;
  /** Of the hits: from the mark to the middle of the nodule, mm. */
  readonly distances: readonly number[];
}

async function findingsOn(options: ChestCtOptions): Promise<readonly [readonly PlantedNodule[], readonly Finding[]]> {
  const ct = chestCt(options);
  const volume = phantomVolume(ct, (byteLength) => reader.acquire(byteLength));
  try {
    const reading = await reader.read(volume);
    if (isSkipped(reading)) assert.fail(explain(reading.skipped));
    return [ct.nodules, reading.findings.findings];
  } finally {
    reader.release(volume);
  }
}

function compare(planted: readonly PlantedNodule[], findings: readonly Finding[]): Result {
  const marks = findings.flatMap(({ region, laterality }) =>
    region?.kind === 'patient-sphere' ? [{ center: region.center, side: laterality?.meaning.toLowerCase() }] : [],
  );
  const hits = marks.flatMap(({ center, side }) => {
    const nodule = planted.find((each) => matches(each, center));
    if (nodule === undefined) return [];
    assert.equal(side, nodule.side);
    return [{ nodule, distance: Math.hypot(...center.map((place, axis) => place - nodule.center[axis]!)) }];
  });
  const found = planted.filter((each) => hits.some(({ nodule }) => nodule === each));
  return { planted, found, others: marks.length - hits.length, distances: hits.map(({ distance }) => distance) };
}

const results: Result[] = [];
for (const [name, options] of Object.entries(heldOutPhantoms()))
  test(`WR-DET-07 nodules at known places are marked there, on the right side: ${name}`, async (t) => {
    const [planted, findings] = await findingsOn(options);
    const result = compare(planted, findings);
    results.push(result);
    const { found, others, distances } = result;
    const farthest = Math.max(0, ...distances);
    t.diagnostic(`${found.length} of ${planted.length} found, ${others} others, at most ${farthest.toFixed(1)} mm off`);
    assert.ok(farthest <= 5, `a mark is ${farthest.toFixed(1)} mm from the middle of its nodule`);
    if (planted.length === 0 && others === 0)
      assert.deepEqual(
        findings.map(({ key, presence }) => [key, presence]),
        [['nodule', 'absent']],
      );
  });

test('WR-DET-07 sensitivity and other marks on held-out chests are what the card says', () => {
  const sum = (count: (result: Result) => number): number => results.reduce((total, each) => total + count(each), 0);
  const [found, planted] = [sum((each) => each.found.length), sum((each) => each.planted.length)];
  const others = sum((each) => each.others);
  const said = `${found} of ${planted} nodules marked in ${results.length} chests, other marks: ${others}`;
  const { performance } = reader.model.card.facts;
  assert.ok(typeof performance === 'string' && performance.includes(said), said);
});

test('WR-DET-08 a head is no chest without nodules', async () => {
  const ct = phantomCt(headPaints(), 0, { matrix: 256, slices: 90, seed: 3 });
  const volume = phantomVolume(ct, (byteLength) => reader.acquire(byteLength));
  try {
    const reading = await reader.read(volume);
    assert.ok(isSkipped(reading));
  } finally {
    reader.release(volume);
  }
});
