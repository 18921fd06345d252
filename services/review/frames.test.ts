import assert from 'node:assert/strict';
import { test } from 'node:test';
import { part10Reader } from '../../adapters/part10/reader.ts';
import type { ImageHeader, ModalityLut } from '../../src/arrival/study.ts';
import type { EncodedInstance, FrameDecoder, StoredFrame } from '../../src/ports.ts';
import { sampleVolume } from '../../test/support/sample-report.ts';
import { frameSource, frameVoxels } from './frames.ts';

const { header } = sampleVolume();

function instance(changes: Partial<ImageHeader> = {}): EncodedInstance {
  return { header: { ...header, ...changes } } as EncodedInstance;
}

function frame(pixels: StoredFrame['pixels']): StoredFrame {
  return { rows: 1, columns: pixels.length, samplesPerPixel: 1, pixels };
}

function values(changes: Partial<ImageHeader>, pixels: StoredFrame['pixels']): number[] {
  const { voxels, slope, intercept } = frameVoxels(instance(changes), 0, frame(pixels));
  return Array.from(voxels, (v) => v * slope + intercept);
}

test('signed values pass through, without a copy', () => {
  const pixels = Int16Array.of(-5, 0, 1024);
  assert.equal(frameVoxels(instance(), 0, frame(pixels)).voxels, pixels);
  assert.deepEqual(values({}, pixels), [-1029, -1024, 0]);
});

test('unsigned values above INT16 keep their value', () => {
  const frames = [{ ...header.frames[0]!, rescaleSlope: 2, rescaleIntercept: 10 }];
  assert.deepEqual(values({ frames }, Uint16Array.of(0, 40_000, 65_535)), [10, 80_010, 131_080]);
});

test('a modality LUT takes the place of slope and intercept, and clamps', () => {
  const modalityLut: ModalityLut = { firstMapped: 10, values: Uint16Array.of(100, 200, 50_000) };
  assert.deepEqual(values({ modalityLut }, Int16Array.of(0, 10, 11, 12, 99)), [100, 100, 200, 50_000, 50_000]);
});

test('WR-COL-07 colour is handed on as bright as it is', () => {
  const color = { samplesPerPixel: 3, bitsAllocated: 8, bitsStored: 8 };
  const red = Uint8Array.of(255, 0, 0, 0, 255, 0);
  assert.deepEqual(values({ ...color, photometricInterpretation: 'RGB', frames: [] }, red), [76, 150]);
  assert.deepEqual(values({ ...color, photometricInterpretation: 'YBR_FULL', frames: [] }, red), [255, 0]);
});

test('a multi-frame instance is retrieved and read once for all of its frames', async () => {
  let retrieved = 0;
  const decoder: FrameDecoder = {
    decode: async (_instance, index) => frame(Int16Array.of(index)),
    decodeInto: async () => undefined,
  };
  const source = frameSource({
    retrieveInstance: async () => {
      retrieved += 1;
      return new Uint8Array(1);
    },
    reader: { ...part10Reader, read: () => instance({ numberOfFrames: 3 }) },
    decoder,
  });
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = header;
  const at = (frameNumber: number) =>
    source({ studyInstanceUid, seriesInstanceUid, sopInstanceUid, frameNumber }, new AbortController().signal);
  assert.deepEqual((await at(1))!.voxels, Int16Array.of(0));
  assert.deepEqual((await at(3))!.voxels, Int16Array.of(2));
  assert.equal(await at(4), undefined);
  assert.equal(retrieved, 1);
});
