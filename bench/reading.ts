/** From a volume to findings and to what is written back, stage by stage, as the pipeline does it. */
import { join } from 'node:path';
import { openModelShelf } from '../adapters/model-folder/model-shelf.ts';
import { software } from '../services/wetread/version.ts';
import type { StudyHeader } from '../src/arrival/study.ts';
import type { Grid } from '../src/assembly/grid.ts';
import type { Segmentation } from '../src/assembly/segmentation.ts';
import type { Volume } from '../src/assembly/volume.ts';
import type { Findings } from '../src/inference/findings.ts';
import { findingsOf, outlinedFindings, regionRules, smallestComponent } from '../src/inference/findings-from.ts';
import { gateVolume } from '../src/inference/gate/gate-volume.ts';
import { gateLabels } from '../src/inference/gate-labels.ts';
import { inputGrid } from '../src/inference/input-grid.ts';
import { encodingOf, labelsOf as labelsIn } from '../src/inference/label-encoding.ts';
import {
  type CardOf,
  type CoarseLabels,
  type LabelMapOutput,
  type ModelPackage,
  reads,
} from '../src/inference/model-package.ts';
import { inferenceRequest, intensityStep } from '../src/inference/prepare.ts';
import type { InferenceRequest, InferenceResponse } from '../src/inference/tensor.ts';
import { outline, refineRule } from '../src/outline.ts';
import type { InferenceEngine } from '../src/ports.ts';
import { draft } from '../src/reporting/draft.ts';
import type { Report } from '../src/reporting/report.ts';
import { never, type Product } from './product.ts';

const ROOT = join(import.meta.dirname, '..');
export const MODELS = join(ROOT, 'models');
export const INFERENCE_ENTRY = join(ROOT, 'services', 'inference', 'main.ts');

/** A model that outlines on volumes. */
export type VolumeModel = ModelPackage & { readonly card: CardOf<'volume'> };

export async function lungModel(): Promise<VolumeModel> {
  const shelf = await openModelShelf([MODELS]);
  const model = shelf.packages().find(({ card }) => card.name === 'ct-lung-density');
  if (model === undefined) throw shelf.refused[0]?.error ?? new Error('the model package is not there');
  const { card } = model;
  if (!reads(card, 'volume')) throw new Error('the model package reads no volume');
  return { ...model, card };
}

function outlineOf({ card: { outputs } }: ModelPackage): LabelMapOutput {
  const output = outputs.find((one) => one.kind === 'label-map');
  if (output === undefined) throw new Error('the model package outlines nothing');
  return output;
}

export interface Prepared {
  readonly grid: Grid;
  readonly request: InferenceRequest;
}

/** The input lies behind the volume; hand it back with {@link discard}. */
export async function prepare(product: Product, { card }: VolumeModel, volume: Volume): Promise<Prepared> {
  const grid = inputGrid(volume, card.input);
  const voxels = await product.voxels.resample(volume, grid, intensityStep(card.input), never);
  return { grid, request: inferenceRequest(card, grid, voxels) };
}

export function discard(product: Product, { request }: Prepared): void {
  product.voxels.release(request.inputs[0]!.data.buffer as SharedArrayBuffer);
}

export interface Reading {
  readonly segmentation: Segmentation;
  readonly findings: Findings;
}

export async function measure(
  product: Product,
  model: ModelPackage,
  volume: Volume,
  labels: CoarseLabels,
): Promise<Reading> {
  const output = outlineOf(model);
  const rule = await refineRule(product.voxels, volume, output, never);
  const { segmentation, statistics } = await outline(product.voxels, volume, [labels], rule, never);
  const regions = await product.voxels.measureRegions(
    segmentation,
    regionRules(output, rule, smallestComponent(volume)),
    never,
  );
  const outlined = { ...outlinedFindings(volume, output, statistics, regions), parameters: {} };
  return { segmentation, findings: findingsOf(volume, model, [outlined], 'cpu') };
}

export function labelsOf(model: ModelPackage, volume: Volume, grid: Grid, response: InferenceResponse): CoarseLabels {
  const output = outlineOf(model);
  const encoding = encodingOf(output);
  if (encoding.kind !== 'labels') throw new Error('the model package gives no labels');
  const labels = labelsIn(response, output, encoding, grid);
  const implausible = gateLabels([labels], volume, output);
  if (implausible !== undefined) throw new Error(`the phantom is not evaluable: ${implausible.skipped.code}`);
  return labels;
}

/** The whole way from volume to findings. */
export async function read(
  product: Product,
  model: VolumeModel,
  volume: Volume,
  engine: InferenceEngine,
): Promise<Reading> {
  const refused = gateVolume(volume, model.card, model.card.input);
  if (refused !== undefined) throw new Error(`the phantom is not evaluable: ${refused.skipped.code}`);
  const prepared = await prepare(product, model, volume);
  try {
    const response = await engine.infer(prepared.request, never);
    return await measure(product, model, volume, labelsOf(model, volume, prepared.grid, response));
  } finally {
    discard(product, prepared);
  }
}

export function reportOf(model: ModelPackage, volume: Volume, findings: Findings, study: StudyHeader): Report {
  const provenance = {
    attemptKey: 'sha256:bench',
    instanceSetDigest: 'sha256:bench',
    revision: 1,
    createdAt: '2026-01-05T09:45:00.000Z',
    software,
  };
  return draft({ study, readings: [{ images: volume, findings, model }], provenance });
}
