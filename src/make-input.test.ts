import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { voxelWorkers } from '../adapters/voxel-workers/voxel-workers.ts';
import { planeVolume } from '../test/support/plane-volume.ts';
import { twoSequencesCard } from '../test/support/two-sequences.ts';
import type { Point3 } from './arrival/study.ts';
import { applyAffine } from './assembly/geometry.ts';
import { stridesOf, type TensorLayout } from './assembly/layout.ts';
import { inputGrid } from './inference/input-grid.ts';
import type { ChannelStep, VolumeInput } from './inference/model-package.ts';
import type { GivenSlot, SeriesSlot } from './inference/slots.ts';
import { makeInput } from './make-input.ts';
import { reason } from './reasons.ts';

const workers = voxelWorkers({ threads: 2 });
after(() => workers.close());
const never = new AbortController().signal;

const { input: base } = twoSequencesCard('');
const slot = base.slots![0] as SeriesSlot;

/** Trilinear interpolation gives a linear function back exactly, but for rounding to whole stored values. */
const first = ([x, y, z]: Point3): number => 400 + 4 * x - 3 * y + 2 * z;
const second = ([x, y, z]: Point3): number => 900 - 2 * x + 5 * y - 4 * z;

const MAIN = { shape: [20, 24, 28], spacing: [2, 1.5, 1], degrees: 0, center: [3, -2, 5], value: first } as const;
/** Turned about two axes, and large enough to lie around it. */
const OTHER = { shape: [50, 60, 54], spacing: [1.2, 1, 1.4], degrees: 25, center: [4, 0, 3], value: second } as const;

function tensorOf(input: VolumeInput, given: readonly GivenSlot[] | undefined): Promise<Read> {
  return read(input, (volume) => given ?? [{ slot, volume }]);
}

interface Read {
  readonly data: Float32Array;
  readonly points: readonly { readonly at: readonly number[]; readonly position: Point3 }[];
}

async function read(
  input: VolumeInput,
  given: (volume: ReturnType<typeof planeVolume>) => readonly GivenSlot[],
): Promise<Read> {
  const main = planeVolume(MAIN, workers.acquire);
  const other = planeVolume(OTHER, workers.acquire);
  const grid = inputGrid(main, input);
  const made = await makeInput(workers, input, main, given(other), grid, never);
  const data = Float32Array.from(made);
  for (const { voxels } of [main, other]) workers.release(voxels.buffer);
  const strides = stridesOf(input.layout ?? 'DHW', grid.shape, channelsOf(input).length);
  const points: Read['points'][number][] = [];
  for (let k = 0; k < grid.shape[0]; k++)
    for (let j = 0; j < grid.shape[1]; j++)
      for (let i = 0; i < grid.shape[2]; i++) {
        const start = k * strides.slice + j * strides.row + i * strides.column;
        const at = channelsOf(input).map((_, channel) => start + channel * strides.channel);
        points.push({ at, position: applyAffine(grid.affine, [k, j, i]) });
      }
  return { data, points };
}

const channelsOf = ({ intensity }: VolumeInput): readonly ChannelStep[] =>
  'channels' in intensity ? intensity.channels : [];

const KEPT: ChannelStep = { clip: { kind: 'none' } };
const OF_SLOT: ChannelStep = { slot: 'flair', clip: { kind: 'none' } };

for (const layout of ['NCDHW', 'NDHWC', 'NCWHD', 'NCHWD', 'CDHW'] as readonly TensorLayout[]) {
  test(`WR-SLT-08 channels stand in the order of the card, each point where it lies in the patient: ${layout}`, async () => {
    const channels: [ChannelStep, ...ChannelStep[]] = [
      OF_SLOT,
      KEPT,
      { ...OF_SLOT, clip: { kind: 'units', low: 800, high: 1000 } },
    ];
    const input: VolumeInput = { ...base, layout, intensity: { datatype: 'FP32', channels } };
    const { data, points } = await tensorOf(input, undefined);
    assert.equal(data.length, 3 * points.length);
    for (const { at, position } of points) {
      const wanted = second(position);
      // a stored value is rounded by up to a half
      assert.ok(Math.abs(data[at[0]!]! - wanted) < 0.51, `slot at ${position.join()}: ${data[at[0]!]}, not ${wanted}`);
      assert.ok(Math.abs(data[at[2]!]! - Math.min(Math.max(wanted, 800), 1000)) < 0.51);
    }
    // the edge of the main volume is clamped, half a voxel wide
    const within = points.filter(({ at, position }) => Math.abs(data[at[1]!]! - first(position)) < 0.51);
    assert.ok(within.length > 0.8 * points.length, `${within.length} of ${points.length}`);
  });
}

test('WR-SLT-08 steps that ask the image ask the one that fills the slot', async () => {
  const channels: [ChannelStep, ...ChannelStep[]] = [
    KEPT,
    { slot: 'flair', clip: { kind: 'none' }, standardise: { kind: 'image' } },
  ];
  const { data, points } = await tensorOf({ ...base, intensity: { datatype: 'FP32', channels } }, undefined);
  const other = planeVolume(OTHER, workers.acquire);
  const all = Array.from(other.voxels.subarray(0, 50 * 60 * 54), (value) => value);
  workers.release(other.voxels.buffer);
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  const deviation = Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length);
  for (const { at, position } of points)
    assert.ok(Math.abs(data[at[1]!]! - (second(position) - mean) / deviation) < 0.51 / deviation + 1e-3);
});

test('WR-SLT-04 an empty slot is an image that is fill everywhere, whatever is done with its values', async () => {
  const given: readonly GivenSlot[] = [{ slot, empty: reason('slot-empty') }];
  const made = async (step: ChannelStep, fill: number): Promise<ReadonlySet<number>> => {
    const input: VolumeInput = {
      ...base,
      intensity: { datatype: 'FP32', channels: [KEPT, { slot: 'flair', ...step }] },
      slots: [{ ...slot, fill }],
    };
    const { data, points } = await tensorOf(input, given);
    return new Set(points.map(({ at }) => data[at[1]!]!));
  };
  assert.deepEqual(await made({ clip: { kind: 'none' } }, 250), new Set([250]));
  assert.deepEqual(
    await made({ clip: { kind: 'units', low: 0, high: 1000 }, to: { low: 0, high: 1 } }, 250),
    new Set([0.25]),
  );
  assert.deepEqual(
    await made({ clip: { kind: 'percentiles', low: 1, high: 99 }, to: { low: -1, high: 1 } }, 7),
    new Set([-1]),
  );
  assert.deepEqual(await made({ clip: { kind: 'none' }, standardise: { kind: 'image' } }, 7), new Set([0]));
});
