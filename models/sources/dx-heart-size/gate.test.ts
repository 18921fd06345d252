/** What a model of chest radiographs must never be asked about, whatever the tags say; and what real films become. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ThreadedFrameDecoder } from '../../../adapters/codecs/frame-decoder.ts';
import { loadModelPackage } from '../../../adapters/model-folder/model-shelf.ts';
import { part10Reader } from '../../../adapters/part10/reader.ts';
import { uniform } from '../../../adapters/phantom/random.ts';
import { voxelWorkers } from '../../../adapters/voxel-workers/voxel-workers.ts';
import { studiesBelow } from '../../../services/wetread/folder-studies.ts';
import type { ImageHeader } from '../../../src/arrival/study.ts';
import { assembleImageSet } from '../../../src/assemble-series.ts';
import type { ImageFrame, ImageSet } from '../../../src/assembly/volume.ts';
import { type CardOf, type ModelPackage, reads } from '../../../src/inference/model-package.ts';
import { readImages } from '../../../src/read-images.ts';
import { isSkipped, type ReasonCode } from '../../../src/reasons.ts';
import { dataPath, withoutTestData } from '../../../test/support/test-data.ts';
import { imageOf } from './image-of.ts';
import { chests, type Picture } from './pictures.ts';

const PACKAGE = join(import.meta.dirname, '..', '..', 'examples', 'dx-heart-size');
let model: ModelPackage & { readonly card: CardOf<'image'> };
let decoder: ThreadedFrameDecoder;
before(async () => {
  const loaded = await loadModelPackage(PACKAGE);
  const { card } = loaded;
  assert.ok(reads(card, 'image'));
  model = { ...loaded, card };
  decoder = new ThreadedFrameDecoder();
});
after(() => decoder[Symbol.asyncDispose]());

const ASKED = 'the model is asked';

/** The reason, or that nothing spoke against asking the model. */
async function outcome(images: ImageSet): Promise<string> {
  const inference = { infer: () => Promise.reject(new Error(ASKED)) };
  const reading = await readImages(
    { inference, voxels: voxelWorkers() },
    model,
    images,
    new AbortController().signal,
  ).catch((error: unknown) => error);
  if (reading instanceof Error) return reading.message;
  assert.ok(isSkipped(reading));
  return reading.skipped.code;
}

function setOf(image: ImageFrame, change: Partial<ImageHeader> = {}): ImageSet {
  const header = { ...image.header, bodyPartExamined: 'CHEST', viewPosition: 'PA', ...change };
  const { studyInstanceUid, seriesInstanceUid, modality } = header;
  return { studyInstanceUid, seriesInstanceUid, modality, images: [{ ...image, header }], notes: [] };
}

const SIZE = 256;
const picture = (value: (row: number, column: number) => number): Picture => ({
  size: SIZE,
  pixels: Float64Array.from({ length: SIZE * SIZE }, (_, at) => value(Math.floor(at / SIZE), at % SIZE)),
});
const random = uniform(3);
/** Shafts of bone, brighter at their rims, in a foot that leaves most of the film dark. */
const foot = picture((row, column) => {
  const inside = Math.abs(column - 128 - 20 * Math.sin(row / 80)) < 45 && row > 20;
  if (!inside) return 0.02;
  const shaft = Math.abs((column % 18) - 9);
  return shaft < 5 ? 0.8 + 0.04 * shaft : 0.35;
});
const chest = imageOf(chests(1, 77)[0]!.picture);

const CASES: Readonly<Record<string, readonly [ImageSet, ReasonCode | typeof ASKED]>> = {
  'a chest': [setOf(chest), ASKED],
  'a foot under the tag CHEST': [setOf(imageOf(foot)), 'out-of-distribution'],
  'a foot': [setOf(imageOf(foot), { bodyPartExamined: 'Foot' }), 'wrong-body-part'],
  noise: [setOf(imageOf(picture(() => random()))), 'outside-model-limits'],
  'an empty film': [setOf(imageOf(picture(() => 0.5))), 'empty-image'],
  'a lateral': [setOf(chest, { viewPosition: 'LL' }), 'wrong-view'],
  'a child': [setOf(chest, { patientAgeYears: 6 }), 'patient-outside-use'],
  'text burned in': [setOf(chest, { burnedInAnnotation: 'YES' }), 'burned-in-text'],
  'compressed 30 : 1': [
    setOf(chest, { lossyImageCompression: '01', lossyImageCompressionRatio: 30 }),
    'lossy-compression',
  ],
  'a photograph in colour': [setOf(chest, { samplesPerPixel: 3, photometricInterpretation: 'RGB' }), 'color-image'],
  'a mammogram': [setOf(chest, { modality: 'MG' }), 'wrong-modality'],
};
for (const [name, [images, expected]] of Object.entries(CASES)) {
  test(`WR-GAT-11 ${expected}: ${name}`, async () => assert.equal(await outcome(images), expected));
}

/** The human chest is refused as well: the model and its ranges know synthetic radiographs alone. */
const FILMS: Readonly<Record<string, string>> = {
  'cr-chest-mono1': 'out-of-distribution',
  'dx-chest-dog': 'patient-outside-use',
  'mg-screening': 'wrong-modality',
};
for (const [folder, expected] of Object.entries(FILMS)) {
  test(`WR-GAT-11 a real film: ${folder}`, { skip: withoutTestData }, async () => {
    const { studies, archive } = await studiesBelow(dataPath(folder));
    const { header, series } = studies[0]!;
    const voxels = { acquire: (byteLength: number) => new SharedArrayBuffer(byteLength), release: () => {} };
    const ports = { archive, reader: part10Reader, decoder, voxels };
    const { images } = await assembleImageSet(ports, header.studyInstanceUid, series[0]!, new AbortController().signal);
    assert.ok(images);
    assert.equal(await outcome(images), expected);
  });
}
