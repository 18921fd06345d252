/**
 * What becomes of every series of the test data that a CT model might be given: assembled and gated, the model not run.
 * One row for each folder, in the order of their series.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ThreadedFrameDecoder } from '../../../adapters/codecs/frame-decoder.ts';
import { part10Reader } from '../../../adapters/part10/reader.ts';
import { studiesBelow } from '../../../services/wetread/folder-studies.ts';
import { assembleVolume } from '../../../src/assemble-series.ts';
import { gateVolume } from '../../../src/inference/gate/gate-volume.ts';
import { lungCard } from '../../../test/support/model-card.ts';
import { dataPath, withoutTestData } from '../../../test/support/test-data.ts';

const card = lungCard();
const { input } = card;
assert.ok(input.kind === 'volume');
let decoder: ThreadedFrameDecoder;
before(() => {
  decoder = new ThreadedFrameDecoder();
});
after(() => decoder[Symbol.asyncDispose]());

/** `MODALITY count: outcome` of each series; series of one outcome are counted together. */
async function outcomes(folder: string): Promise<readonly string[]> {
  const { studies, archive } = await studiesBelow(dataPath(folder));
  const voxels = { acquire: (byteLength: number) => new SharedArrayBuffer(byteLength), release: () => {} };
  const found = new Map<string, number>();
  for (const { header, series } of studies)
    for (const one of series) {
      if (!['CT', 'MR', 'PT'].includes(one.modality)) continue;
      const ports = { archive, reader: part10Reader, decoder, voxels };
      const { images, skipped } = await assembleVolume(
        ports,
        header.studyInstanceUid,
        one,
        new AbortController().signal,
      );
      const refused = images === undefined ? skipped : gateVolume(images, card, input)?.skipped;
      const row = `${one.modality}: ${refused?.code ?? 'reads'}`;
      found.set(row, (found.get(row) ?? 0) + 1);
    }
  return [...found].map(([row, count]) => `${count} ${row}`).sort();
}

const ROWS: Readonly<Record<string, readonly string[]>> = {
  'ct-chest-nlst': ['1 CT: reads'],
  'ct-14-syntaxes': ['1 CT: too-few-slices'],
  'ct-body-j2k-overlap': [],
  'ct-head-ge-tilt': ['1 CT: spacing-irregular'],
  'ct-head-philips-study': ['1 CT: localizer', '1 CT: screenshot', '1 CT: wrong-body-part'],
  'ct-multiframe-fragments': ['1 CT: too-few-slices'],
  'dicomdir-media': [
    '1 CT: localizer',
    '1 CT: no-pixel-data',
    '1 CT: slices-missing',
    '1 CT: too-few-slices',
    '1 MR: derived-image',
    '2 MR: orientation-mixed',
    '4 MR: too-few-slices',
  ],
  'mr-9-syntaxes': ['1 MR: pixel-format-unsupported'],
  'mr-brain-ge-oblique': ['1 MR: wrong-modality'],
  'mr-enhanced-siemens': ['1 MR: wrong-modality'],
  'mr-enhanced-small': ['1 MR: geometry-missing'],
  'rtstruct-phantom': ['1 CT: too-few-slices', '3 CT: geometry-missing'],
  'seg-liver-ct': ['1 CT: too-few-slices', '4 CT: patient-outside-use'],
  'signed-and-overlays': [],
  'sr-tid1500-dwv': ['1 MR: geometry-missing'],
  'sr-tid1500-highdicom': ['1 CT: too-few-slices'],
  'syntaxes-small': ['1 CT: geometry-missing', '1 MR: too-few-slices', '2 CT: too-few-slices'],
  'malformed-dcmjs': ['1 MR: wrong-modality'],
  'malformed-pydicom': [],
};
for (const [folder, expected] of Object.entries(ROWS)) {
  test(`WR-GAT-09 read or refused, and why: ${folder}`, { skip: withoutTestData }, async () => {
    assert.deepEqual(await outcomes(folder), expected);
  });
}

test('WR-GAT-10 a real brain MR under the tag CT, with units of CT, is refused by its pixels', {
  skip: withoutTestData,
}, async () => {
  const { studies, archive } = await studiesBelow(dataPath('mr-brain-ge-oblique'));
  const { header, series } = studies[0]!;
  const voxels = { acquire: (byteLength: number) => new SharedArrayBuffer(byteLength), release: () => {} };
  const ports = { archive, reader: part10Reader, decoder, voxels };
  const { images } = await assembleVolume(ports, header.studyInstanceUid, series[0]!, new AbortController().signal);
  assert.ok(images);
  const tagged = { ...images, modality: 'CT', units: 'HU', header: { ...images.header, bodyPartExamined: 'CHEST' } };
  const gate: typeof input.gate = {
    ...input.gate,
    minimumSlices: 1,
    minimumExtentMm: [1, 1, 1],
    maximumSpacingMm: [99, 99, 99],
  };
  assert.equal(gateVolume(tagged, card, { ...input, gate })?.skipped.code, 'outside-model-limits');
  const byLooks = gateVolume(tagged, card, { ...input, gate: { ...gate, values: [] } });
  assert.equal(byLooks?.skipped.code, 'out-of-distribution');
});
