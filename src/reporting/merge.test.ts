/** What must hold of a draft of several models, whatever they say: generated readings, seeded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateReport } from '../../contracts/generated/validators.js';
import { effusionFinding, findingsOf, lungFinding, volumeOf } from '../../test/support/findings.ts';
import { lungCard } from '../../test/support/model-card.ts';
import { random } from '../../test/support/random.ts';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../../test/support/sample-report.ts';
import type { Finding, Findings } from '../inference/findings.ts';
import { deviceObserverUid, observationUid, trackingUid } from '../writeback/identity.ts';
import { draft } from './draft.ts';
import type { Report } from './report.ts';

const volume = sampleVolume();
const { provenance } = sampleReport(sampleSegmentation(volume));
const evidence = sampleReport(sampleSegmentation(volume)).readings[0].evidence;

function drafted(readings: readonly Findings[]): Report {
  return draft({
    study: sampleStudyHeader(volume),
    readings: readings.map((findings) => ({ images: volume, findings, model: { card: lungCard() } })),
    provenance,
  });
}

/** Findings of one to four models under the same keys. */
function readingsOf(seed: number): readonly Findings[] {
  const numbers = random(seed);
  const pick = <T>(values: readonly T[]): T => values[numbers.integer(0, values.length - 1)]!;
  return Array.from({ length: numbers.integer(1, 4) }, (_, at) => {
    const found: Finding[] = [
      lungFinding([volumeOf(pick([1000, 1050, 1500, 4000]))]),
      effusionFinding(pick(['present', 'absent', 'undetermined']), { probability: numbers.next() }),
    ];
    const kept = found.filter(() => numbers.next() < 0.8);
    return { ...findingsOf(`model-${at}`, kept), seriesInstanceUid: volume.seriesInstanceUid, evidence };
  });
}

const byName = ({ readings }: Report): unknown =>
  readings.toSorted((a, b) => (a.algorithm.name < b.algorithm.name ? -1 : 1));
const disagreed = ({ sections }: Report): unknown =>
  sections
    .flatMap(({ sentences }) => sentences.filter(({ notice }) => notice === 'disagreement'))
    .map(({ findingKeys }) => findingKeys.toSorted().join(' '))
    .sort();

test('WR-MUL-06 the order of the models changes no finding and no disagreement; nothing is averaged or lost', () => {
  let apart = 0;
  for (let seed = 1; seed <= 300; seed += 1) {
    const readings = readingsOf(seed);
    const [one, other] = [drafted(readings), drafted(readings.toReversed())];
    assert.ok(validateReport(structuredClone(one)), JSON.stringify(validateReport.errors));
    assert.deepEqual(byName(one), byName(other));
    assert.deepEqual(disagreed(one), disagreed(other));
    assert.deepEqual(one.readings, readings, 'as the models said it');
    apart += (disagreed(one) as unknown[]).length;
  }
  assert.ok(apart > 100, `${apart} disagreements`);
});

test('WR-MUL-06 two models may use one key: each sentence and each tracking identity names its own', () => {
  const readings = ['ct-a', 'ct-b'].map((name) => ({
    ...findingsOf(name, [lungFinding([volumeOf(1000)])]),
    seriesInstanceUid: volume.seriesInstanceUid,
    evidence,
  }));
  const report = drafted(readings);
  assert.deepEqual(
    report.sections[1]!.sentences.map(({ findingKeys }) => findingKeys),
    [['ct-a/lung-right'], ['ct-b/lung-right']],
  );
  const uids = report.readings.map(({ algorithm, findings: [finding] }) => {
    return [
      trackingUid(report, algorithm, finding!.key),
      observationUid(report, algorithm, finding!.key, 'volume'),
      deviceObserverUid(algorithm),
    ];
  });
  assert.equal(new Set(uids.flat()).size, 6);
});

test('WR-MUL-06 a model that would read twice is refused', () => {
  const reading = { ...findingsOf('ct-a', []), seriesInstanceUid: volume.seriesInstanceUid, evidence };
  assert.throws(() => drafted([reading, reading]), { code: 'internal' });
  assert.throws(() => drafted([]), { code: 'internal' });
});
