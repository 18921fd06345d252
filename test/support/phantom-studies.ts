/** Small synthetic studies, each made once per process: what end-to-end tests read. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChestCtOptions } from '../../adapters/phantom/chest-ct.ts';
import { headStudy, phantomStudy, scoutFiles } from '../../adapters/phantom/phantom-study.ts';

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
