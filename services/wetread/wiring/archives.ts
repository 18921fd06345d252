/** From configuration to the archives beside the first one, by their names. */
import { dicomwebArchive } from '../../../adapters/dicomweb/archive.ts';
import { readIdentity } from '../../../adapters/part10/reader.ts';
import type { ImageArchive } from '../../../src/ports.ts';
import type { Config } from '../config.ts';
import type { WiredAccess } from './access.ts';

export function furtherArchives(
  { archives }: Config,
  access: WiredAccess['archives'],
): ReadonlyMap<string, ImageArchive> {
  const open = (name: string, url: string): ImageArchive =>
    dicomwebArchive({ url, ...access.get(name), identify: readIdentity });
  return new Map(archives.map(({ name, url }) => [name, open(name, url)]));
}
