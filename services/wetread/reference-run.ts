/** Statistics of the images below a folder, as the gate of a package computes them: what its reference ranges are made of. */
import { ThreadedFrameDecoder } from '../../adapters/codecs/frame-decoder.ts';
import { part10Reader } from '../../adapters/part10/reader.ts';
import { voxelWorkers } from '../../adapters/voxel-workers/voxel-workers.ts';
import type { Series, Study } from '../../src/arrival/study.ts';
import { type AssemblyPorts, assembleImageSet, assembleVolume, releaseImages } from '../../src/assemble-series.ts';
import { type Images, isVolume } from '../../src/assembly/volume.ts';
import { gateVolume } from '../../src/inference/gate/gate-volume.ts';
import type { Statistics } from '../../src/inference/gate/reference-ranges.ts';
import { statisticsOfImage, statisticsOfVolume } from '../../src/inference/gate/statistics.ts';
import { outsideImageLimits, outsideSeriesLimits } from '../../src/inference/images/gate-image.ts';
import { type ModelCard, readsImages } from '../../src/inference/model-package.ts';
import type { ModelShelf } from '../../src/ports.ts';
import { type Reason, reason } from '../../src/reasons.ts';
import { decideOn } from '../../src/selection.ts';
import { studiesBelow } from './folder-studies.ts';

export interface ReferenceRun {
  readonly cases: readonly Statistics[];
  /** Why the others are none: what the package would not read decides nothing about what it reads. */
  readonly left: readonly Reason[];
}

/** Every series, and every image of a model of images, that passes all other limits of the card is a case. */
export async function referenceRun(card: ModelCard, folder: string, signal: AbortSignal): Promise<ReferenceRun> {
  const { studies, archive } = await studiesBelow(folder);
  await using decoder = new ThreadedFrameDecoder();
  const voxels = voxelWorkers();
  const ports: AssemblyPorts = { archive, reader: part10Reader, decoder, voxels };
  const run: FoundCases = { cases: [], left: [] };
  try {
    for (const study of studies) {
      const decision = await decideOn(study, { source: 'folder' }, [], shelfOf(card), archive, signal);
      for (const { series, left } of decision.judged.flatMap(({ readings }) => readings.flatMap((one) => one.series))) {
        if (left === undefined) await addCases(run, card, ports, study, series, signal);
        else run.left.push(left);
      }
    }
  } finally {
    await voxels.close();
  }
  return run;
}

/** The card alone, as if every study were its own: what it says of series decides. */
function shelfOf(card: ModelCard): ModelShelf {
  return { packages: () => [{ card: { ...card, onlyByRule: false }, digest: '' }], refused: [] };
}

interface FoundCases extends ReferenceRun {
  readonly cases: Statistics[];
  readonly left: Reason[];
}

async function addCases(
  run: FoundCases,
  card: ModelCard,
  ports: AssemblyPorts,
  { header: { studyInstanceUid } }: Study,
  series: Series,
  signal: AbortSignal,
): Promise<void> {
  const assemble = readsImages(card) ? assembleImageSet : assembleVolume;
  const { images, skipped } = await assemble(ports, studyInstanceUid, series, signal);
  if (images === undefined) {
    run.left.push(skipped ?? reason('no-readable-series'));
    return;
  }
  try {
    addStatistics(run, card, images);
  } finally {
    releaseImages(ports.voxels, images);
  }
}

function addStatistics({ cases, left }: FoundCases, card: ModelCard, images: Images): void {
  if (isVolume(images)) {
    const { reference: _, ...input } = card.input;
    if (input.kind === 'image' || input.kind === 'pictures') return;
    const refused = gateVolume(images, card, input);
    if (refused === undefined) cases.push(statisticsOfVolume(images));
    else left.push(refused.skipped);
    return;
  }
  if (!readsImages(card)) return;
  const outside = outsideSeriesLimits(images, card);
  if (outside !== undefined) left.push(outside);
  else
    for (const image of images.images) {
      const why = outsideImageLimits(image, card);
      if (why === undefined) cases.push(statisticsOfImage(image));
      else left.push(why);
    }
}
