/** The example classifier on images that are, and are not, what it is for. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ThreadedFrameDecoder } from '../adapters/codecs/frame-decoder.ts';
import { radiograph } from '../adapters/phantom/radiograph.ts';
import { placeFiles } from '../test/support/assemble-series.ts';
import { type HeartReader, openHeartReader } from '../test/support/heart-model.ts';
import { imageFrame, imageSet } from '../test/support/image-frames.ts';
import { random } from '../test/support/random.ts';
import { dataPath, truth, withoutTestData } from '../test/support/test-data.ts';
import type { Series } from './arrival/study.ts';
import { imageSetBuilder } from './assembly/image-set.ts';
import type { ImageFrame, ImageSet } from './assembly/volume.ts';
import { mergedFindings } from './inference/images/image-findings.ts';
import type { Reading } from './inference/reading.ts';
import { isSkipped, type Skipped } from './reasons.ts';

let reader: HeartReader;
before(async () => {
  reader = await openHeartReader();
});
after(() => reader[Symbol.asyncDispose]());

function chest(heart: number, change: Parameters<typeof imageFrame>[2] = {}): ImageFrame {
  const { rows, columns, pixels } = radiograph({ heart, matrix: 256 });
  return imageFrame([rows, columns], (row, column) => pixels[row * columns + column]!, change);
}

function told(reading: Reading | Skipped): unknown[] {
  if (isSkipped(reading)) return [reading.skipped.code];
  return reading.findings.findings.map(({ key, presence }) => [key, presence]);
}

test('WR-IMG-10 a small heart is absent, a large one present, with the image as evidence', async () => {
  assert.deepEqual(told(await reader.read(imageSet([chest(0.95)]))), [['cardiomegaly', 'absent']]);
  const reading = await reader.read(imageSet([chest(1.4)]));
  assert.deepEqual(told(reading), [['cardiomegaly', 'present']]);
  assert.ok(!isSkipped(reading));
  const image = { sopInstanceUid: '1.2.3.4.1', sopClassUid: '1.2.840.10008.5.1.4.1.1.1.1' };
  assert.deepEqual(reading.findings.evidence, [image]);
  assert.deepEqual(reading.findings.findings[0]!.evidence, [image]);
  assert.equal(reading.findings.algorithm.parameters['input-shape'], '24 x 24');
});

test('WR-IMG-11 the same film stored the other way round, MONOCHROME1, gives the same probability', async () => {
  const bright = chest(1.4);
  const dark = {
    ...bright,
    slope: -1,
    intercept: 4095,
    header: { ...bright.header, photometricInterpretation: 'MONOCHROME1' },
  };
  const [first, second] = [await reader.read(imageSet([bright])), await reader.read(imageSet([dark]))];
  assert.ok(!isSkipped(first) && !isSkipped(second));
  assert.deepEqual(first.findings.findings[0]!.probability, second.findings.findings[0]!.probability);
});

const REFUSED: readonly (readonly [string, () => ImageSet, RegExp])[] = [
  ['an empty image', () => imageSet([imageFrame([256, 256], () => 7)]), /^empty-image/],
  ['noise', () => imageSet([noise()]), /^outside-model-limits neighbouring pixels/],
  ['a foot by its tag', () => imageSet([chest(1, { bodyPartExamined: 'FOOT' })]), /^wrong-body-part/],
  ['a lateral view by its tag', () => imageSet([chest(1, { viewPosition: 'LL' })]), /^wrong-view/],
  [
    'a lateral view by its pixels',
    () => imageSet([projected({ view: 'lateral' })]),
    /^(wrong-body-part Frontal|out-of-distribution)/,
  ],
  [
    'an abdomen by its pixels',
    () => imageSet([projected({ part: 'abdomen' })]),
    /^(wrong-body-part Frontal|out-of-distribution)/,
  ],
  [
    'a head by its pixels',
    () => imageSet([projected({ part: 'head', fieldOfView: 260 })]),
    /^(wrong-body-part Frontal|out-of-distribution)/,
  ],
  ['a thumbnail', () => imageSet([imageFrame([64, 64], (row) => row)]), /^outside-model-limits 64 × 64 pixels/],
  ['a mammogram', () => imageSet([chest(1)], 'MG'), /^wrong-modality MG/],
  ['a photograph', () => imageSet([chest(1, { samplesPerPixel: 3 })]), /^color-image the model reads greyscale/],
  ['a cine', () => imageSet(Array.from({ length: 9 }, () => chest(1))), /^outside-model-limits 9 images/],
  ['burned-in text', () => imageSet([chest(1, { burnedInAnnotation: 'YES' })]), /^burned-in-text/],
];

function noise(): ImageFrame {
  const draw = random(3);
  return imageFrame([256, 256], () => Math.floor(4096 * draw.next()));
}

function projected(options: Parameters<typeof radiograph>[0]): ImageFrame {
  const { rows, columns, pixels } = radiograph({ ...options, matrix: 256 });
  return imageFrame([rows, columns], (row, column) => pixels[row * columns + column]!);
}

for (const [what, images, why] of REFUSED) {
  test(`WR-IMG-12 no answer but a reason: ${what}`, async () => {
    const reading = await reader.read(images());
    assert.ok(isSkipped(reading), 'it was read');
    assert.match(`${reading.skipped.code} ${reading.skipped.detail ?? ''}`, why);
  });
}

test('WR-IMG-13 images of a series are read one by one: the most probable is told, what was left out is said', async () => {
  const reading = await reader.read(imageSet([chest(0.95), chest(1.4), chest(1, { viewPosition: 'LL' })]));
  assert.ok(!isSkipped(reading));
  const { findings, evidence, notes } = reading.findings;
  assert.deepEqual(told(reading), [['cardiomegaly', 'present']]);
  assert.equal(findings[0]!.evidence[0]!.sopInstanceUid, '1.2.3.4.2');
  assert.deepEqual(
    evidence.map(({ sopInstanceUid }) => sopInstanceUid),
    ['1.2.3.4.1', '1.2.3.4.2'],
  );
  assert.match(notes![0]!, /^1 of 3 images were not read: .*view/);
});

test('WR-IMG-14 merging: the first of equals, each key once; or every finding with the number of its image', async () => {
  const reading = await reader.read(imageSet([chest(1.4)]));
  assert.ok(!isSkipped(reading));
  const [finding] = reading.findings.findings;
  const of = (probability: number, key = 'a'): NonNullable<typeof finding> => ({ ...finding!, key, probability });
  const images = [
    { number: 1, findings: [of(0.2), of(0.9, 'b')] },
    { number: 3, findings: [of(0.7), of(0.9, 'b')] },
  ];
  assert.deepEqual(mergedFindings(images, 'maximum'), [of(0.7), of(0.9, 'b')]);
  assert.equal(mergedFindings(images, 'maximum')[1], images[0]!.findings[1]);
  const absent = images.map(({ number, findings: [first] }) => {
    const evidence = [{ sopInstanceUid: `1.2.${number}`, sopClassUid: '1.2.3' }];
    return { number, findings: [{ ...first!, presence: 'absent' as const, evidence }] };
  });
  const everywhere = mergedFindings(absent, 'maximum')[0]!.evidence;
  assert.deepEqual(
    everywhere.map(({ sopInstanceUid }) => sopInstanceUid),
    ['1.2.1', '1.2.3'],
    'absent in every image',
  );
  assert.deepEqual(
    mergedFindings(images, 'each').map(({ key }) => key),
    ['a-1', 'b-1', 'a-3', 'b-3'],
  );
  assert.deepEqual(mergedFindings(images.slice(0, 1), 'each'), images[0]!.findings);
});

/** What becomes of real images: each ends in a reason, and none in a probability that nobody can stand for. */
const REAL: Readonly<Record<string, RegExp>> = {
  'cr-chest-mono1': /^out-of-distribution standardDeviation is 0\.2/,
  'dx-chest-dog': /^patient-outside-use/,
  'mg-screening': /^wrong-modality MG/,
};

for (const [folder, outcome] of Object.entries(REAL)) {
  test(`WR-IMG-15 real images: ${folder}`, { skip: withoutTestData }, async (t) => {
    const decoder = new ThreadedFrameDecoder();
    t.after(() => decoder.close());
    const reading = await reader.read(await assembled(folder, decoder));
    const said = isSkipped(reading)
      ? `${reading.skipped.code} ${reading.skipped.detail ?? ''}`
      : JSON.stringify(reading.findings.findings.map(({ presence, probability }) => [presence, probability]));
    t.diagnostic(said);
    assert.match(said, outcome);
  });
}

async function assembled(folder: string, decoder: ThreadedFrameDecoder): Promise<ImageSet> {
  const { seriesInstanceUid, modality, instances } = truth().folders[folder]!.series[0]!;
  const all = instances.map(({ sop }) => ({ sopInstanceUid: sop, sopClassUid: '' }));
  const series = { seriesInstanceUid, modality, instances: all } as unknown as Series;
  const builder = imageSetBuilder(
    series,
    (bytes) => new SharedArrayBuffer(bytes),
    () => undefined,
  );
  await placeFiles(
    builder,
    instances.map(({ file }) => dataPath(folder, file)),
    decoder,
  );
  const { images, skipped } = builder.finish();
  assert.ok(images !== undefined, skipped?.code);
  return images;
}
