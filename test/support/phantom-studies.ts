/** Small synthetic studies, each made once per process: what end-to-end tests read. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChestCtOptions } from '../../adapters/phantom/chest-ct.ts';
import { headStudy, phantomStudy, scoutFiles } from '../../adapters/phantom/phantom-study.ts';
import { dayOf } from '../../src/arrival/poll-schedule.ts';

/** A whole chest at 256 × 256 and 5 mm: read in a second or two. */
export const SMALL_CHEST: ChestCtOptions = { seed: 3, matrix: 256, slices: 66, sliceSpacing: 5, emphysema: 0.12 };

let chest: readonly Uint8Array[] | undefined;

export function smallChest(): readonly Uint8Array[] {
  chest ??= [...phantomStudy(SMALL_CHEST)];
  return chest;
}

export function smallHead(): readonly Uint8Array[] {
  return [...headStudy({ seed: 4, matrix: 128, slices: 24 })];
}

export function scout(): readonly Uint8Array[] {
  return [...scoutFiles({ seed: 5, matrix: 128 })];
}

/** The files with today's Study Date (0008,0020), as an archive has them that is asked for new studies. */
export function datedToday(files: readonly Uint8Array[]): readonly Uint8Array[] {
  const studyDate = Buffer.from('\x08\0\x20\0DA\x08\0', 'latin1');
  return files.map((file) => {
    const dated = Buffer.from(file);
    dated.write(dayOf(Date.now()), dated.indexOf(studyDate) + studyDate.length, 'latin1');
    return dated;
  });
}

export class TemporaryFolder implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), 'wetread-test-'));

  /** Writes files below the folder; names may hold folders. */
  write(files: Readonly<Record<string, Uint8Array | string>>): void {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(this.path, name, '..'), { recursive: true });
      writeFileSync(join(this.path, name), content);
    }
  }

  writeStudy(folder: string, instances: readonly Uint8Array[]): void {
    this.write(Object.fromEntries(instances.map((bytes, index) => [`${folder}/IM${index}`, bytes])));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
