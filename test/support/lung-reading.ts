/** The bundled lung model as the pipeline runs it, without the process in between. */
import { join } from 'node:path';
import { isImagePlane } from '../../src/assembly/image-plane.ts';
import type { Segmentation } from '../../src/assembly/segmentation.ts';
import type { Volume } from '../../src/assembly/volume.ts';
import type { Finding, Findings } from '../../src/inference/findings.ts';
import { isSkipped, type Skipped } from '../../src/reasons.ts';
import { type ModelReader, openModelReader } from './model-reading.ts';

export const LUNG_PACKAGE = join(import.meta.dirname, '..', '..', 'models', 'ct-lung-density');

export interface LungReading {
  readonly findings: Findings;
  readonly segmentation: Segmentation;
}

export interface LungReader extends Omit<ModelReader, 'read'> {
  read(volume: Volume): Promise<LungReading | Skipped>;
}

export async function openLungReader(): Promise<LungReader> {
  const reader = await openModelReader(LUNG_PACKAGE);
  return {
    ...reader,
    async read(volume) {
      const reading = await reader.read(volume);
      if (isSkipped(reading)) return reading;
      const { source, ...masks } = reading.outlines![0].segmentation;
      if (isImagePlane(source)) throw new Error('a volume was read');
      return { segmentation: { source, ...masks }, findings: reading.findings };
    },
  };
}

/** The value of one measure of one finding; undefined where it has none. */
export function measuredValue(findings: Findings, finding: string, measure: string): number | undefined {
  return findingOf(findings, finding).measurements.find(({ key }) => key === measure)?.value;
}

export function findingOf(findings: Findings, key: string): Finding {
  const found = findings.findings.find((one) => one.key === key);
  if (found === undefined) throw new Error(`no finding ${key}`);
  return found;
}

/** Whether a voxel of a slice is in a segment. */
export function isInSegment(segmentation: Segmentation, segment: number, k: number, voxel: number): boolean {
  const { bits } = segmentation.segments.find(({ number }) => number === segment)!;
  return ((bits[k * segmentation.bytesPerSlice + (voxel >> 3)]! >> (voxel & 7)) & 1) === 1;
}
