/** From labels on the model's grid to outlines and counts at native resolution. */
import type { MaskSource } from './assembly/image-plane.ts';
import type { Volume } from './assembly/volume.ts';
import type { CoarseLabels, LabelMapOutput, RefineRule } from './inference/model-package.ts';
import type { Outlines } from './inference/reading.ts';
import type { Ports } from './ports.ts';

/**
 * Each map on its own, so that a voxel may lie in segments of several.
 * @param maps with labels that no other map has
 */
export async function outline<Source extends MaskSource>(
  voxels: Ports['voxels'],
  source: Source,
  maps: readonly CoarseLabels[],
  { segments, range }: RefineRule,
  signal: AbortSignal,
): Promise<Outlines<Source>> {
  const parts: Outlines<Source>[] = [];
  for (const [at, map] of maps.entries()) {
    const own = maps.length === 1 ? segments : segments.filter(({ label }) => label === at + 1);
    if (own.length > 0) parts.push(await voxels.refine(source, map, { segments: own, range }, signal));
  }
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first!;
  const all = parts.flatMap(({ segmentation }) => segmentation.segments);
  return {
    segmentation: { ...first.segmentation, segments: all.sort((a, b) => a.number - b.number) },
    statistics: parts.flatMap((part) => part.statistics).sort((a, b) => a.segmentNumber - b.segmentNumber),
  };
}

/** As the card says it; without a range every voxel counts that is image, so it is what the image holds. */
export async function refineRule(
  voxels: Ports['voxels'],
  images: Volume,
  { segments, refine }: LabelMapOutput,
  signal: AbortSignal,
): Promise<RefineRule> {
  if (refine.range !== undefined) return { segments, range: refine.range };
  const { values } = await voxels.count(images, signal);
  return { segments, range: { low: Math.floor(values[0]!), high: Math.ceil(values.at(-1)!) } };
}
