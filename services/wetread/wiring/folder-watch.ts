/** From configuration to the folders that are watched for files. */
import type { DirectoryArchive } from '../../../adapters/directory/archive.ts';
import { folderWatch } from '../../../adapters/directory/folder-watch.ts';
import type { Ports, StudySource } from '../../../src/ports.ts';
import type { Config } from '../config.ts';

export function wireFolderWatch(
  { folderWatch: watched, archive: { maxPartBytes }, completeness }: Config,
  archive: DirectoryArchive | undefined,
  ports: Ports,
): readonly StudySource[] {
  // Without the embedded archive no folder is configured.
  if (archive === undefined) return [];
  const { folders, after, storedFolder, refusedFolder, intervalSeconds } = watched;
  return folders.map((folder) =>
    folderWatch({
      folder,
      archive,
      intervalMs: intervalSeconds * 1000,
      quietMs: completeness.quietSeconds * 1000,
      after,
      ...(storedFolder !== undefined && { storedFolder }),
      ...(refusedFolder !== undefined && { refusedFolder }),
      maxFileBytes: maxPartBytes,
      ports,
    }),
  );
}
