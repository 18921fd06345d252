/** Which model reads a study, and which of its series to try, in order. */
import type { Series, Study } from '../arrival/study.ts';
import { reason, type Skipped } from '../reasons.ts';
import type { ModelPackage } from './model-package.ts';

export interface Selection {
  readonly package: ModelPackage;
  /** The one with the most slices first: of several reconstructions it is the thinnest. Never empty. */
  readonly candidates: readonly Series[];
}

/** The first package, in the order given, that finds a series with its modality and enough instances. */
export function selectModel(study: Study, packages: readonly ModelPackage[]): Selection | Skipped {
  for (const model of packages) {
    const candidates = candidatesFor(study, model);
    if (candidates.length > 0) return { package: model, candidates };
  }
  return { skipped: reason('no-model-selected', whyNone(study, packages)) };
}

function candidatesFor(study: Study, { card }: ModelPackage): Series[] {
  return study.series
    .filter((series) => reads(card.intendedUse, series.modality))
    .filter((series) => series.instances.length >= card.gates.volume.minimumSlices)
    .sort((a, b) => b.instances.length - a.instances.length || (a.seriesNumber ?? 0) - (b.seriesNumber ?? 0));
}

function reads(intendedUse: ModelPackage['card']['intendedUse'], modality: string): boolean {
  return intendedUse.some((use) => use.modality === modality);
}

function whyNone(study: Study, packages: readonly ModelPackage[]): string {
  if (packages.length === 0) return 'no model package is loaded';
  const modalities = [...new Set(study.series.map((series) => series.modality))].sort();
  const readable = study.series.filter((series) =>
    packages.some(({ card }) => reads(card.intendedUse, series.modality)),
  );
  if (readable.length === 0) return `no model reads ${modalities.join(', ')}`;
  const most = Math.max(...readable.map((series) => series.instances.length));
  const needed = Math.min(...packages.map(({ card }) => card.gates.volume.minimumSlices));
  return `the largest ${readable[0]!.modality} series has ${most} instances, the models need ${needed}`;
}
