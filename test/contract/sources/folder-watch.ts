/** A folder that is watched, and the embedded archive that its files go to. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderWatch } from '../../../adapters/directory/folder-watch.ts';
import { testArchive } from '../../support/directory-archive.ts';
import { part10File, studyUid } from '../../support/part10.ts';
import type { SourceKind } from './source-kind.ts';

export const folderWatchKind: SourceKind = { name: 'folder watch', skip: false, start };

async function start(): ReturnType<SourceKind['start']> {
  const root = await mkdtemp(join(tmpdir(), 'wetread-source-'));
  const folder = join(root, 'Doe^Jane');
  const unmounted = join(root, 'unmounted');
  await mkdir(folder);
  const stored = await testArchive();
  let images = 0;
  return {
    source: (ports) =>
      folderWatch({
        folder,
        archive: stored.archive,
        intervalMs: 20,
        quietMs: 1,
        after: 'keep',
        maxFileBytes: 1024 * 1024,
        ports,
      }),
    announce: async (name) => {
      images += 1;
      const { bytes } = part10File({ study: name, instance: `image ${images}` });
      await mkdir(join(folder, name), { recursive: true });
      await writeFile(join(folder, name, `Doe Jane ${images}.dcm`), bytes);
      return studyUid(name);
    },
    breakServer: () => rename(folder, unmounted),
    mendServer: () => rename(unmounted, folder),
    patientData: ['Doe', 'patient of', '19700101'],
    async [Symbol.asyncDispose]() {
      await stored[Symbol.asyncDispose]();
      await rm(root, { recursive: true });
    },
  };
}
