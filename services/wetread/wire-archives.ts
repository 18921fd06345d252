/** From configuration to the archives beside the first one, by their names. */
import { dicomwebArchive } from '../../adapters/dicomweb/archive.ts';
import { readIdentity } from '../../adapters/part10/reader.ts';
import type { ImageArchive } from '../../src/ports.ts';
import type { Config } from './config.ts';

export function furtherArchives({ archives }: Config): ReadonlyMap<string, ImageArchive> {
  return new Map(archives.map(({ name, url }) => [name, dicomwebArchive({ url, identify: readIdentity })]));
}
