/**
 * Radiographs with rectangles of two brightnesses at known pixels, and a package that outlines them by thresholds: a
 * segmentation of images whose answer can be worked out.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphBuilder, type Value } from '../../adapters/onnx-writer/graph-builder.ts';
import { floats } from '../../adapters/onnx-writer/tensor-literal.ts';
import { writeModel } from '../../adapters/onnx-writer/write-model.ts';
import type { Radiograph } from '../../adapters/phantom/radiograph.ts';
import { voxelWorkers } from '../../adapters/voxel-workers/voxel-workers.ts';
import type { ImageHeader } from '../../src/arrival/study.ts';
import type { ImageFrame } from '../../src/assembly/volume.ts';
import { code } from '../../src/codes.ts';
import type { CardOf, LabelMapOutput } from '../../src/inference/model-package.ts';
import type { Reading } from '../../src/inference/reading.ts';
import { readImages } from '../../src/read-images.ts';
import { explain, isSkipped, type Skipped } from '../../src/reasons.ts';
import { imageFrame, imageSet } from './image-frames.ts';
import { type Mark, markCard } from './marked-radiograph.ts';
import { packageOf } from './model-card.ts';
import { seal } from './model-package.ts';
import { localEngine } from './tiny-networks.ts';

/** Rows and columns: neither square nor a multiple of eight, so that no mask ends on a byte. */
export const OUTLINED_SIZE = [211, 301] as const;
const BRIGHTEST = 4095;
/** By the brightest value. Half of each is its limit, so that an edge stays where it is however the image is resized. */
const LUNG_BRIGHTNESS = 0.4;
const LIMITS = { lung: 0.2, heart: 0.5 } as const;

export interface Structures {
  readonly heart?: Mark;
  /** Dimmer rectangles; the heart lies over them. */
  readonly lungs?: readonly Mark[];
}

export function pixelOf({ heart, lungs = [] }: Structures): (row: number, column: number) => number {
  const isIn = ({ minimum, maximum }: Mark, row: number, column: number): boolean =>
    column >= minimum[0] && column < maximum[0] && row >= minimum[1] && row < maximum[1];
  return (row, column) => {
    if (heart !== undefined && isIn(heart, row, column)) return BRIGHTEST;
    if (lungs.some((lung) => isIn(lung, row, column))) return Math.round(LUNG_BRIGHTNESS * BRIGHTEST);
    return 0;
  };
}

export function outlinedRadiograph(structures: Structures): Radiograph {
  const [rows, columns] = OUTLINED_SIZE;
  const pixel = pixelOf(structures);
  const pixels = Uint16Array.from({ length: rows * columns }, (_, at) => pixel(Math.floor(at / columns), at % columns));
  return { rows, columns, pixelSpacing: 0.5, pixels };
}

export const HEART: Mark = { minimum: [131, 83], maximum: [197, 151] };
export const LUNGS: readonly Mark[] = [
  { minimum: [40, 30], maximum: [110, 180] },
  { minimum: [201, 30], maximum: [260, 180] },
];

export function outlinedFrame(structures: Structures, header: Partial<ImageHeader> = {}): ImageFrame {
  return imageFrame(OUTLINED_SIZE, pixelOf(structures), { viewPosition: 'PA', ...header });
}

export type OutlineCard = CardOf<'image'> & { outputs: [LabelMapOutput] };

const ANATOMY = code('91723000', 'SCT', 'Anatomical structure');
const HEART_STRUCTURE = code('80891009', 'SCT', 'Heart');
const LUNG_STRUCTURE = code('39607008', 'SCT', 'Lung');
const AREA = code('42798000', 'SCT', 'Area');
const SHARE = code('AREASHARE', '99WETREAD', 'Share of the area');
const LONG_AXIS = code('103339001', 'SCT', 'Long Axis');
const SHORT_AXIS = code('103340004', 'SCT', 'Short Axis');
const COUNT = code('246205007', 'SCT', 'Quantity');
const MILLIMETER = code('mm', 'UCUM', 'millimeter');
const PERCENT = code('%', 'UCUM', 'percent');

const CHANNEL = { clip: { kind: 'units', low: 0, high: BRIGHTEST }, to: { low: 0, high: 1 } } as const;

export function outlineCard(name = 'dx-outline'): OutlineCard {
  const { outputs: _, input, ...card } = markCard();
  const area = { key: 'area', kind: 'area', concept: AREA, unit: code('cm2', 'UCUM', 'square centimeter') } as const;
  const axes = [
    { key: 'long-axis', kind: 'long-axis', concept: LONG_AXIS, unit: MILLIMETER, decimals: 1 },
    { key: 'short-axis', kind: 'short-axis', concept: SHORT_AXIS, unit: MILLIMETER, decimals: 1 },
  ] as const;
  return {
    ...card,
    name,
    title: 'Outlines on a radiograph',
    input: { ...input, shape: [128, 192], merge: 'each', values: 'modality', channels: [CHANNEL] },
    outputs: [
      {
        kind: 'label-map',
        tensor: 'scores',
        encoding: { kind: 'logits', layout: 'NCHW' },
        segments: [
          {
            label: 1,
            number: 1,
            key: 'lung',
            title: 'Lung',
            category: ANATOMY,
            type: LUNG_STRUCTURE,
            color: [40, 120, 230],
          },
          {
            label: 2,
            number: 2,
            key: 'heart',
            title: 'Heart',
            category: ANATOMY,
            type: HEART_STRUCTURE,
            color: [230, 120, 40],
          },
        ],
        otherLabels: [],
        refine: {},
        gate: { regions: [] },
        findings: [
          {
            key: 'heart',
            segments: [2],
            category: ANATOMY,
            concept: HEART_STRUCTURE,
            measures: [
              { ...area, decimals: 2 },
              { key: 'of-lung', kind: 'area-share', concept: SHARE, unit: PERCENT, decimals: 1, of: [1, 2] },
              ...axes,
            ],
          },
          {
            key: 'lungs',
            segments: [1],
            category: ANATOMY,
            concept: LUNG_STRUCTURE,
            measures: [
              { key: 'parts', kind: 'count', concept: COUNT, unit: code('1', 'UCUM', 'no units'), decimals: 0 },
              { key: 'share', kind: 'area-share', concept: SHARE, unit: PERCENT, decimals: 2 },
            ],
            components: { key: 'lung', minimumPercent: 0.5, atMost: 3, measures: [{ ...area, decimals: 2 }] },
          },
        ],
      },
    ],
  };
}

/** The model is given each image as large as it is. */
export function exactly({ input }: OutlineCard): void {
  Object.assign(input, { shape: OUTLINED_SIZE, resize: 'stretch' });
}

/** Reads images as the pipeline does, without the processes around it. @param edit of the card */
export async function readOutlines(
  images: readonly ImageFrame[],
  edit: (card: OutlineCard) => void = exactly,
): Promise<Reading> {
  const reading = await tryOutlines(images, edit);
  if (isSkipped(reading)) throw new Error(explain(reading.skipped));
  return reading;
}

export async function tryOutlines(
  images: readonly ImageFrame[],
  edit: (card: OutlineCard) => void = () => {},
): Promise<Reading | Skipped> {
  const card = outlineCard();
  edit(card);
  const inference = await localEngine(outlineGraph(card));
  const voxels = voxelWorkers({ threads: 1 });
  try {
    const ports = { voxels, inference };
    return await readImages(ports, { ...packageOf(card), card }, imageSet(images), new AbortController().signal);
  } finally {
    await voxels.close();
    await inference.close();
  }
}

/** @param edit may change all but the graph, whose output is as the encoding says. @returns the folder of the package */
export async function writeOutlinePackage(
  folder: string,
  edit: (card: OutlineCard) => void = () => {},
): Promise<string> {
  const card = outlineCard();
  edit(card);
  const home = join(folder, card.name);
  mkdirSync(home, { recursive: true });
  const graph = outlineGraph(card);
  const sha256 = createHash('sha256').update(graph).digest('hex');
  Object.assign(card, { runtime: { kind: 'onnx', file: 'outline.onnx', sha256, opset: 18, deterministic: true } });
  writeFileSync(join(home, 'outline.onnx'), graph);
  writeFileSync(join(home, 'card.json'), JSON.stringify(card, null, 2));
  await seal(home);
  return home;
}

/** `image` [1, 1, rows, columns], 0 to 1 → the output of the card: labels or scores of background, lung and heart. */
export function outlineGraph({ input: { shape }, outputs: [output] }: OutlineCard): Uint8Array {
  const [rows, columns] = shape;
  const graph = new GraphBuilder('outline');
  const image = graph.input('image', 'FLOAT', [1, 1, rows, columns]);
  const scaled = (factors: readonly number[], offsets: readonly number[]): Value => {
    const weights = graph.constant(floats([...factors], [factors.length, 1, 1, 1]));
    return graph.node('Conv', [image, weights, graph.constant(floats([...offsets]))], { kernel_shape: [1, 1] });
  };
  // lines that cross at the limits, so that the highest is the class
  const { lung, heart } = LIMITS;
  const scores = scaled([0, 1, 2], [0, -lung, -lung - heart]);
  const { encoding } = output;
  if (encoding?.kind === 'labels') {
    const labels = graph.node('ArgMax', [scores], { axis: 1, keepdims: 0 });
    graph.output(labels, 'INT64', [1, rows, columns], output.tensor);
  } else if (encoding?.kind === 'sigmoid') {
    const steep = graph.node('Sigmoid', [scaled([50, 50], [-50 * lung, -50 * heart])]);
    graph.output(steep, 'FLOAT', [1, 2, rows, columns], output.tensor);
  } else if (encoding?.layout === 'NHWC') {
    const last = graph.node('Transpose', [graph.node('Softmax', [scores], { axis: 1 })], { perm: [0, 2, 3, 1] });
    graph.output(last, 'FLOAT', [1, rows, columns, 3], output.tensor);
  } else graph.output(scores, 'FLOAT', [1, 3, rows, columns], output.tensor);
  return writeModel(graph, {
    opset: 18,
    producerName: 'wetread',
    producerVersion: '1.0.0',
    description: 'outlines by thresholds',
  });
}
