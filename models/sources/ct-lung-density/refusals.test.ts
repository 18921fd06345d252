/** What is no complete chest ends without a number, whatever its tags say: tags are left out here. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ChestCtOptions, chestCt, type PhantomCt } from '../../../adapters/phantom/chest-ct.ts';
import { abdomenCt, headCt } from '../../../adapters/phantom/phantom-study.ts';
import { isSkipped, type ReasonCode } from '../../../src/reasons.ts';
import { type LungReader, openLungReader } from '../../../test/support/lung-reading.ts';
import { phantomVolume } from '../../../test/support/phantom-volume.ts';

let reader: LungReader;
before(async () => {
  reader = await openLungReader();
});
after(() => reader.close());

const SMALL: ChestCtOptions = { matrix: 208, sliceSpacing: 5 };

/** Slices `first … end - 1` of another phantom. */
function part(ct: PhantomCt, first: number, end: number): PhantomCt {
  const { geometry } = ct;
  return {
    ...ct,
    count: end - first,
    slice: (k) => ct.slice(k + first),
    geometry: { ...geometry, imagePositionPatient: (k) => geometry.imagePositionPatient(k + first) },
  };
}

const chest = chestCt({ ...SMALL, slices: 66 });
const CASES: readonly (readonly [string, () => PhantomCt, ReasonCode, RegExp])[] = [
  ['a head', () => headCt({ matrix: 208 }), 'out-of-distribution', /denseBehindPercent is -/],
  ['an abdomen full of gas', () => abdomenCt({ matrix: 208 }), 'wrong-body-part', /lung|airways/],
  [
    'the lower half of a chest',
    () => part(chest, 0, 32),
    'coverage-insufficient',
    /% of the largest area lies in the last slice/,
  ],
  [
    'the upper half of a chest',
    () => part(chest, 34, 66),
    'coverage-insufficient',
    /% of the largest area lies in the first slice/,
  ],
  ['a single slice', () => part(chest, 30, 32), 'too-few-slices', /2 slices/],
  ['one lung filled with fluid', () => withoutLeftLung(chest), 'wrong-body-part', /left lung: \d+ ml/],
];

for (const [name, phantom, code, detail] of CASES) {
  test(`WR-MOD-05 never a number: ${name}`, async () => {
    const volume = phantomVolume(phantom(), (byteLength) => reader.acquire(byteLength));
    try {
      const reading = await reader.read(volume);
      assert.ok(isSkipped(reading), 'was measured');
      assert.equal(reading.skipped.code, code);
      assert.match(reading.skipped.detail ?? '', detail);
    } finally {
      reader.release(volume);
    }
  });
}

function withoutLeftLung(ct: PhantomCt): PhantomCt {
  return {
    ...ct,
    slice(k) {
      const { voxels, tissues } = ct.slice(k);
      for (let i = 0; i < voxels.length; i++)
        if (tissues[i] === 2 || (tissues[i] === 4 && i % 208 > 104)) voxels[i] = 10;
      return { voxels, tissues };
    },
  };
}
