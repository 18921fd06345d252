/** Memory of parts is filled anew while a series is read: what is handed back must be read by nobody. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ThreadedFrameDecoder } from '../../adapters/codecs/frame-decoder.ts';
import { part10Reader } from '../../adapters/part10/reader.ts';
import { voxelWorkers } from '../../adapters/voxel-workers/voxel-workers.ts';
import { volumeFault } from '../../bench/reference.ts';
import { phantomSeries, shuffled } from '../../bench/study/phantom-series.ts';
import { STORED_FORMS, storedFiles } from '../../bench/study/stored-form.ts';
import { assembleVolume } from '../../src/assemble-series.ts';
import type { ImageArchive } from '../../src/ports.ts';

const never = new AbortController().signal;
const phantom = phantomSeries({ slices: 24, matrix: 64, spacing: 12 });

for (const form of STORED_FORMS) {
  test(`WR-BEN-06 ${form}: every part is handed back, and spoiling it then spoils no voxel`, async (t) => {
    const decoder = new ThreadedFrameDecoder();
    const voxels = voxelWorkers({ threads: 1 });
    t.after(() => Promise.all([decoder.close(), voxels.close()]));
    const files = shuffled(await storedFiles(phantom, form)).map((file) => new Uint8Array(file));
    const reused = new Set<Uint8Array>();
    const archive: Pick<ImageArchive, 'retrieveSeries' | 'reuse'> = {
      async *retrieveSeries() {
        yield* files;
      },
      reuse(bytes) {
        reused.add(bytes);
        bytes.fill(0xff);
      },
    };
    const ports = { archive: archive as ImageArchive, reader: part10Reader, decoder, voxels };
    const { images: volume } = await assembleVolume(ports, phantom.studyInstanceUid, phantom.series, never);
    assert.equal(volume && volumeFault(volume, phantom), undefined);
    assert.equal(volume?.header.modality, 'CT');
    assert.equal(reused.size, files.length);
  });
}
