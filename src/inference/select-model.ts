/** Which model reads a study, and which of its series to try, in order. */
import type { Series, Study } from '../arrival/study.ts';
import { reason, type Skipped } from '../reasons.ts';
import type { ModelPackage } from './model-package.ts';

export interface Selection {
  readonly package: ModelPackage;
  /** The one with the most slices first: of several reconstructions it is the thinnest. Never empty. */
  readonly candidates: readonly Series[];
  /** Series of other modalities. */
  readonly others: readonly Series[];
}

/** The first package, in the order given, that reads a modality of the study. What its images allow, its gates decide. */
export function selectModel(study: Study, packages: readonly ModelPackage[]): Selection | Skipped {
  for (const model of packages) {
    const candidates = study.series.filter((series) => reads(model, series)).sort(mostInstancesFirst);
    if (candidates.length === 0) continue;
    return { package: model, candidates, others: study.series.filter((series) => !reads(model, series)) };
  }
  return { skipped: reason('no-model-selected', whyNone(study, packages)) };
}

function reads({ card }: ModelPackage, series: Series): boolean {
  return card.intendedUse.some((use) => use.modality === series.modality);
}

function mostInstancesFirst(a: Series, b: Series): number {
  return b.instances.length - a.instances.length || (a.seriesNumber ?? 0) - (b.seriesNumber ?? 0);
}

function whyNone(study: Study, packages: readonly ModelPackage[]): string {
  if (packages.length === 0) return 'no model package is loaded';
  const modalities = new Set(study.series.map(({ modality }) => modality || 'series without a modality'));
  return `no model reads ${[...modalities].sort().join(', ')}`;
}
