/** G3: the resampling kernel alone, volume and result warm, against the same loop in C. */
import { rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { composeAffine, invertAffine } from '../../src/assembly/geometry.ts';
import { sliceVoxels, type Volume } from '../../src/assembly/volume.ts';
import type { Context } from '../harness/context.ts';
import { unanswered } from '../harness/context.ts';
import { timed } from '../harness/processor-time.ts';
import type { Question } from '../harness/verdict.ts';
import { compileNative, RESAMPLE } from '../native/compile.ts';
import { LimitProcess } from '../native/limit-process.ts';
import { INPUT_STEP, type ModelInput, Product } from '../product.ts';
import { inputFault, type ReferenceInput, referenceInput, valuesFault } from '../reference.ts';
import { cacheFolder } from '../study/stored-form.ts';

const LIMIT = 'the same loop in C, SSE4.2, 2 threads';
const KERNEL = 'voxel workers, 2 threads';

const QUESTION: Question = {
  goal: 'G3',
  title: 'resample and window / the same in C at 128 bits',
  target: { kind: 'at-most', value: 1.5 },
  unit: 'ratio',
  measure: (samples) => samples[KERNEL]!.wallMs / samples[LIMIT]!.wallMs,
};

export async function kernel({ bench, replay }: Context): Promise<void> {
  const compiled = compileNative(RESAMPLE);
  if ('missing' in compiled) return bench.add(unanswered(QUESTION, 'limit-missing', compiled.missing));
  await using product = new Product();
  const { studyInstanceUid, series } = replay.phantom;
  const volume = await product.volume(await Product.archive(replay.url, studyInstanceUid), studyInstanceUid, series);
  const reference = referenceInput(replay.phantom);
  const input = await product.input(volume);
  const files = { voxels: join(cacheFolder(), 'voxels.raw'), result: join(cacheFolder(), 'resampled.raw') };
  try {
    writeVoxels(files.voxels, volume);
    await using limit = await LimitProcess.start(compiled.path, limitArguments(files, volume, input));
    const fault = inputFault(input, reference) ?? (await limitFault(files.result, reference));
    product.voxels.release(input.voxels.buffer as SharedArrayBuffer);
    if (fault !== undefined) return bench.add(unanswered(QUESTION, 'unequal', fault));
    const resample = async (): Promise<void> => {
      const { voxels } = await product.input(volume);
      product.voxels.release(voxels.buffer as SharedArrayBuffer);
    };
    await bench.compare(
      [QUESTION],
      [
        { name: LIMIT, role: 'limit', run: () => limit.run() },
        { name: KERNEL, role: 'product', run: () => timed(resample) },
      ],
    );
  } finally {
    for (const file of Object.values(files)) rmSync(file, { force: true });
  }
}

/** In the order of the slices. */
function writeVoxels(file: string, volume: Volume): void {
  writeFileSync(file, '');
  for (let k = 0; k < volume.shape[0]; k++) {
    const voxels = sliceVoxels(volume, k);
    writeFileSync(file, Buffer.from(voxels.buffer, voxels.byteOffset, voxels.byteLength), { flag: 'a' });
  }
}

function limitArguments(
  files: { readonly voxels: string; readonly result: string },
  volume: Volume,
  { grid }: ModelInput,
): readonly string[] {
  const toIndex = composeAffine(invertAffine(volume.affine), grid.affine);
  // Axes are parallel: the diagonal has the steps, the last column the start.
  const [start, step] = [
    [toIndex[3], toIndex[7], toIndex[11]],
    [toIndex[0], toIndex[5], toIndex[10]],
  ];
  const { channels, fill } = INPUT_STEP;
  const [{ low, high }] = channels;
  const numbers = [...volume.shape, ...grid.shape, ...start, ...step, volume.slices[0]!.intercept, low, high, fill];
  return [files.voxels, ...numbers.map(String), files.result];
}

async function limitFault(file: string, reference: ReferenceInput): Promise<string | undefined> {
  const bytes = await readFile(file);
  const fault = valuesFault(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4), reference);
  return fault === undefined ? undefined : `the limit is wrong: ${fault}`;
}
