/** QIDO-RS polling of the embedded archive's own DICOMweb server. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type QidoSourceOptions, qidoSource } from '../../../adapters/dicomweb/qido-source.ts';
import { dayOf } from '../../../src/arrival/poll-schedule.ts';
import { dicomwebServer, stow, stowBody } from '../../support/dicomweb-server.ts';
import { part10File, studyUid, text } from '../../support/part10.ts';
import type { SourceKind } from './source-kind.ts';

const DAY_MS = 24 * 3600 * 1000;

export function qidoKind(port: number): SourceKind {
  return { name: 'QIDO-RS polling', skip: false, start: () => start(port) };
}

async function start(port: number): ReturnType<SourceKind['start']> {
  const folder = await mkdtemp(join(tmpdir(), 'wetread-source-'));
  let server = await dicomwebServer({ folder, port });
  let images = 0;
  return {
    source: (ports) => qidoSource({ url: server.url, ...FAST, ports }),
    announce: async (name) => {
      images += 1;
      const attributes = { '00080020': text('DA', dayOf(Date.now())) };
      const { bytes } = part10File({ study: name, instance: `image ${images}`, attributes });
      assert.equal((await stow(server.url, stowBody(bytes))).status, 200);
      return studyUid(name);
    },
    breakServer: async () => server[Symbol.asyncDispose](),
    mendServer: async () => {
      server = await dicomwebServer({ folder, port });
    },
    patientData: ['Doe', 'patient of', '19700101'],
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

export const FAST = {
  intervalMs: 20,
  windowDays: 1,
  sweepDays: 2,
  sweepMs: DAY_MS,
  quietMs: 1,
  chance: () => 0,
} satisfies Partial<QidoSourceOptions>;
