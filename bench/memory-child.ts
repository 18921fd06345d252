/**
 * A fresh process that reads one series into a volume and a model input, and says how much memory it ever held. Runs as
 * compiled JavaScript, as the product does: the compiler inside Node that strips types would count as well.
 * Usage: node memory-child.js URL STUDY
 */
import { readFileSync } from 'node:fs';
import type { StudyInstanceUid } from '../src/uid.ts';
import { valuesChecksum, volumeChecksum } from './checksum.ts';
import { never, Product } from './product.ts';

export interface MemoryReport {
  /** Highest resident set, all threads included. */
  readonly peakBytes: number;
  readonly volumeBytes: number;
  readonly inputBytes: number;
  readonly volumeChecksum: number;
  readonly inputChecksum: number;
}

/** `getrusage` starts from what the parent held when it forked; the kernel's own mark starts with the program. */
function peakBytes(): number {
  try {
    const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kib !== undefined) return Number(kib) * 1024;
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024;
}

async function measured(url: string, study: StudyInstanceUid): Promise<MemoryReport> {
  await using product = new Product();
  const archive = await Product.archive(url, study);
  const [series] = (await archive.findStudy(study, never))!.series;
  const volume = await product.volume(archive, study, series!);
  const { voxels } = await product.input(volume);
  const [slices, rows, columns] = volume.shape;
  return {
    peakBytes: peakBytes(),
    volumeBytes: slices * rows * columns * 2,
    inputBytes: voxels.byteLength,
    volumeChecksum: volumeChecksum(volume),
    inputChecksum: valuesChecksum(voxels),
  };
}

const [url, study] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await measured(url!, study as StudyInstanceUid))}\n`);
