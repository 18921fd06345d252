/** Windows against one run over the whole: a network of two convolutions, run by onnxruntime, blended by the workers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { voxelWorkers } from '../adapters/voxel-workers/voxel-workers.ts';
import { lungCard } from '../test/support/model-card.ts';
import { random } from '../test/support/random.ts';
import { convolutions, type LocalEngine, localEngine } from '../test/support/tiny-networks.ts';
import { affineOf } from './assembly/geometry.ts';
import type { Grid } from './assembly/grid.ts';
import { WetreadError } from './errors.ts';
import { scoresOf } from './inference/label-encoding.ts';
import { labelSlices } from './inference/label-scores.ts';
import type { CardOf, LabelMapOutput, SlidingWindow } from './inference/model-package.ts';
import { inferenceRequest } from './inference/prepare.ts';
import { addWindow, axisPlaces, summedWeights, windowPlaces, windowWeights } from './inference/sliding-window.ts';
import type { InferenceRequest, InferenceResponse } from './inference/tensor.ts';
import { windowInput } from './inference/window-input.ts';
import { runInWindows } from './run-in-windows.ts';

const workers = voxelWorkers();
const never = new AbortController().signal;
let engine: LocalEngine;
before(async () => {
  engine = await localEngine(convolutions());
});
after(async () => {
  await engine.close();
  await workers.close();
});

const SHAPE = [37, 22, 25] as const;
const grid: Grid = {
  shape: SHAPE,
  affine: affineOf([0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]),
  spacing: [1, 1, 1],
};
const data = ((): Float32Array => {
  const chance = random(3);
  return Float32Array.from({ length: 37 * 22 * 25 }, () => chance.between(-1, 1));
})();
const ENCODING = { kind: 'logits', layout: 'NCDHW' } as const;

function cardWith(window: SlidingWindow): CardOf<'volume'> & { readonly outputs: readonly [LabelMapOutput] } {
  const card = lungCard();
  const [first] = card.outputs;
  return {
    ...card,
    input: {
      ...card.input,
      tensor: 'image',
      layout: 'NCDHW',
      intensity: { datatype: 'FP32', channels: [{ clip: { kind: 'none' } }] },
      window,
    },
    outputs: [{ ...first, tensor: 'scores', encoding: ENCODING }],
  };
}

const MARGIN = 2;
const WINDOWS: Readonly<Record<string, SlidingWindow>> = {
  'constant, a quarter': { shape: [16, 12, 14], overlap: 0.25, blend: 'constant', margin: MARGIN },
  'gaussian, half': { shape: [16, 12, 14], overlap: 0.5, blend: 'gaussian', margin: MARGIN },
  'one window across': { shape: [9, 22, 25], overlap: 0, blend: 'gaussian', margin: MARGIN },
};

/** Scores of one run over everything, `[3, slices, rows, columns]`. */
async function atOnce(card: CardOf<'volume'>): Promise<Float32Array> {
  const { outputs } = await engine.infer(inferenceRequest(card, grid, data), never);
  return outputs[0]!.data as Float32Array;
}

for (const [name, window] of Object.entries(WINDOWS)) {
  test(`WR-PRE-09 windows with a margin as wide as what the network sees give what one run gives: ${name}`, async () => {
    const card = cardWith(window);
    const whole = await atOnce(card);
    const sum = { data: new Float32Array(new SharedArrayBuffer(whole.byteLength)), shape: SHAPE };
    for (const place of windowPlaces(SHAPE, window)) {
      const input = windowInput({ data, layout: 'NCDHW', shape: SHAPE, channels: 1 }, window.shape, place);
      const response = await engine.infer(inferenceRequest(card, { shape: window.shape }, input), never);
      const scores = scoresOf(response, card.outputs[0], ENCODING, { ...grid, shape: window.shape });
      const weights = windowWeights(SHAPE, window, place);
      addWindow({ ...scores, shape: window.shape, weights }, sum, place, 0, window.shape[0]);
    }
    const { slice, row, column } = summedWeights(SHAPE, window);
    let worst = 0;
    for (let at = 0; at < whole.length; at++) {
      const [k, j, i] = [Math.floor(at / 550) % 37, Math.floor(at / 25) % 22, at % 25];
      const blended = sum.data[at]! / (slice[k]! * row[j]! * column[i]!);
      worst = Math.max(worst, Math.abs(blended - whole[at]!));
    }
    assert.ok(worst < 1e-5, `off by ${worst}`);
  });

  test(`WR-PRE-10 labels out of windows are those of one run, byte by byte the same in every run: ${name}`, async () => {
    const card = cardWith(window);
    const whole = await atOnce(card);
    const labelled = async (ahead: number, delays: boolean): Promise<Uint8Array> => {
      const chance = random(4);
      const infer = async (request: InferenceRequest): Promise<InferenceResponse> => {
        if (delays) await pause(chance.integer(0, 5));
        return await engine.infer(request, never);
      };
      const ports = { voxels: workers, inference: { infer } };
      const ask = { ...card, input: { ...card.input, window: { ...window, atOnce: ahead } } };
      const { maps } = await runInWindows({ ports, card: ask, grid, data, signal: never });
      assert.equal(maps.length, 1);
      return maps[0]!.labels;
    };
    const labels = await labelled(1, false);
    const expected = new Uint8Array(labels.length);
    const strides = { channel: labels.length, slice: 550, row: 25, column: 1 };
    labelSlices({ grid, data: whole, channels: 3, strides, choice: { kind: 'highest' } }, 0, 37, [expected]);
    for (let at = 0; at < labels.length; at++) {
      const [first, second] = [0, 1, 2].map((c) => whole[c * labels.length + at]!).toSorted((a, b) => b - a);
      if (first! - second! > 1e-4) assert.equal(labels[at], expected[at]);
    }
    assert.ok(new Set(labels).size === 3, 'every class is there');
    assert.deepEqual(await labelled(5, true), labels);
  });
}

const SMALL: SlidingWindow = { shape: [9, 12, 14], overlap: 0.5, blend: 'gaussian', atOnce: 3 };

test('WR-PRE-11 no more requests are on the way than the card allows, and none is sent after a cancellation', async () => {
  let [running, most, sent] = [0, 0, 0];
  const stop = new AbortController();
  const infer = async (request: InferenceRequest, signal: AbortSignal): Promise<InferenceResponse> => {
    sent++;
    running++;
    most = Math.max(most, running);
    await pause(1);
    if (sent >= 6) stop.abort(new WetreadError('timeout', 'enough'));
    try {
      if (signal.aborted) throw WetreadError.from(signal.reason, 'timeout');
      return await engine.infer(request, signal);
    } finally {
      running--;
    }
  };
  const run = {
    ports: { voxels: workers, inference: { infer } },
    card: cardWith(SMALL),
    grid,
    data,
    signal: stop.signal,
  };
  await assert.rejects(runInWindows(run), { code: 'timeout' });
  const sentBefore = sent;
  await pause(30);
  assert.deepEqual([most, sent], [3, sentBefore]);
  assert.ok(sent <= 9 && sent < windowPlaces(SHAPE, SMALL).length);
});

test('WR-PRE-11 the fault of a window ends the others, and is the one that is told', async () => {
  const gone: boolean[] = [];
  const infer = async (request: InferenceRequest, signal: AbortSignal): Promise<InferenceResponse> => {
    const at = gone.length;
    gone.push(false);
    if (at === 2) throw new WetreadError('inference-failed', 'the third');
    if (at < 2) return await engine.infer(request, signal);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    gone[at] = true;
    throw WetreadError.from(signal.reason, 'timeout');
  };
  const run = { ports: { voxels: workers, inference: { infer } }, card: cardWith(SMALL), grid, data, signal: never };
  await assert.rejects(runInWindows(run), { message: 'the third' });
  await pause(5);
  assert.deepEqual(
    gone.slice(3),
    gone.slice(3).map(() => true),
  );
});

test('WR-PRE-09 windows lie evenly from edge to edge, overlap as declared, and cover every voxel', () => {
  assert.deepEqual(axisPlaces(128, 128, { overlap: 0.5 }), [0]);
  assert.deepEqual(axisPlaces(256, 128, { overlap: 0.5 }), [0, 64, 128]);
  assert.deepEqual(axisPlaces(130, 128, { overlap: 0.5 }), [0, 2]);
  const chance = random(12);
  for (let n = 0; n < 300; n++) {
    const window = chance.integer(4, 40);
    const [size, margin] = [window + chance.integer(0, 90), chance.integer(0, Math.ceil(window / 2) - 1)];
    const overlap = chance.between(0, 0.9);
    const places = axisPlaces(size, window, { overlap, margin });
    assert.deepEqual([places[0], places.at(-1)], [0, size - window]);
    for (let i = 1; i < places.length; i++)
      assert.ok(places[i]! - places[i - 1]! <= Math.max(1, Math.ceil(window * (1 - overlap))));
    const rule: SlidingWindow = { shape: [window, window, window], overlap, blend: 'constant', margin };
    const { slice } = summedWeights([size, window, window], rule);
    assert.ok(
      slice.every((weight) => weight > 0),
      `${size} ${window} ${margin} ${overlap}`,
    );
  }
});
