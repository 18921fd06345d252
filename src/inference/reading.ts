/** What one model made of one series. */
import type { Segmentation } from '../assembly/segmentation.ts';
import type { Images } from '../assembly/volume.ts';
import type { Finding, Findings } from './findings.ts';
import type { ModelPackage, SegmentStatistics } from './model-package.ts';

/** Regions of a volume, and what was counted in them: one item of `statistics` per segment. */
export interface Outlines {
  readonly segmentation: Segmentation;
  readonly statistics: readonly SegmentStatistics[];
}

/** What one output of a model says. */
export interface OutputReading {
  readonly findings: readonly Finding[];
  /** Of an output that outlines; a model has at most one. */
  readonly outlines?: Outlines;
  /** What else the findings depend on: part of what a reading can be repeated from (safety R4). */
  readonly parameters: Readonly<Record<string, string>>;
  /** What must be known beside the findings: they join the caveats of the draft. */
  readonly notes?: readonly string[];
}

export interface Reading {
  readonly model: ModelPackage;
  /** What was read. Its voxels, or pixels, are gone once the draft is made. */
  readonly images: Images;
  readonly findings: Findings;
  /** Of a model that outlines. */
  readonly outlines?: Outlines;
}
