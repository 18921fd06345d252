/** A model package as the core sees it: its card, its digest, and the vocabulary of segmentation outputs. */
import type { ModelCard, ReferenceVectors } from '../../contracts/generated/types.ts';
import type { Grid } from '../assembly/grid.ts';
import type { Code } from '../codes.ts';

export type {
  ChannelStep,
  ClassificationOutput,
  DetectionOutput,
  EmbeddingOutput,
  ImageGate,
  ImageInput,
  LabelMapOutput,
  MeasurementOutput,
  ModelCard,
  PicturesInput,
  PictureView,
  ReferenceVectors,
  SlicesInput,
  SlidingWindow,
  TextOutput,
  VolumeInput,
} from '../../contracts/generated/types.ts';

/** What a model reads: a volume, or slices of one as pictures; images on their own, as tensors or as pictures. */
export type InputRule = ModelCard['input'];

/** A card, by the kind of its input. */
export type CardOf<K extends InputRule['kind']> = ModelCard & { readonly input: Extract<InputRule, { kind: K }> };

export function reads<K extends InputRule['kind']>(card: ModelCard, kind: K): card is CardOf<K> {
  return card.input.kind === kind;
}

/** A card of images that each stand on their own. */
export type CardOfImages = CardOf<'image' | 'pictures'>;

export function readsImages(card: ModelCard): card is CardOfImages {
  return reads(card, 'image') || reads(card, 'pictures');
}

export type OutputRule = ModelCard['outputs'][number];

/** Names of the tensors that an output is read from, each once. */
export function outputTensors(output: OutputRule): readonly string[] {
  switch (output.kind) {
    case 'label-map':
    case 'classification':
    case 'measurement':
    case 'embedding':
      return [output.tensor];
    case 'detection': {
      const { places, scores, labels, radius, gate } = output;
      return [...new Set([places, scores, labels, radius, ...gate].flatMap((role) => role?.tensor ?? []))];
    }
    case 'text':
      return [];
  }
}

export interface ModelPackage {
  readonly card: ModelCard;
  /** `sha256:…` over every file of the package. */
  readonly digest: string;
  /** Id of the key that signed it, where the site checks signatures. */
  readonly signedBy?: string;
  /** Template of a runtime that has one. */
  readonly prompt?: string;
  /** Of embeddings, by the name of their file. */
  readonly references?: Readonly<Record<string, ReferenceVectors>>;
}

/** Labels as the model gave them, on the grid of its input. */
export interface CoarseLabels {
  readonly grid: Grid;
  /** `shape` of the grid, one label a voxel; 0 is background. */
  readonly labels: Uint8Array<SharedArrayBuffer>;
}

/** One output segment: which coarse label, and what it is. */
export interface RefineSegment {
  readonly label: number;
  readonly number: number;
  readonly key: string;
  readonly title: string;
  readonly category: Code;
  readonly type: Code;
  readonly laterality?: Code;
  readonly color: readonly [number, number, number];
}

/** How coarse labels become masks at native resolution: declared in the card, no code. */
export interface RefineRule {
  readonly segments: readonly RefineSegment[];
  /** A voxel within reach of the coarse label belongs to the segment when its value lies in this range (units). */
  readonly range: { readonly low: number; readonly high: number };
}

/** What was counted inside one segment at native resolution. */
export interface SegmentStatistics {
  readonly segmentNumber: number;
  readonly voxels: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** Counts of values `histogramLow + i` (units, rounded). */
  readonly histogramLow: number;
  readonly histogram: Uint32Array;
  /** Slice with the largest area of the segment, along the normal. */
  readonly largestSlice: number;
  /** First and last slice with any voxel; the segment is cut off where they are the volume's. */
  readonly firstSlice: number;
  readonly lastSlice: number;
}
