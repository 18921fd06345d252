/**
 * Radiographs with a bright rectangle at known pixels, and a package that finds it by sums over the image: a detection whose
 * answer can be worked out, beside one output of every other kind that is read of an image.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphBuilder, type Value } from '../../adapters/onnx-writer/graph-builder.ts';
import { floats, int64s } from '../../adapters/onnx-writer/tensor-literal.ts';
import { writeModel } from '../../adapters/onnx-writer/write-model.ts';
import { type Radiograph, radiograph } from '../../adapters/phantom/radiograph.ts';
import { type Code, code } from '../../src/codes.ts';
import type { CardOf, DetectionOutput, ImageInput, OutputRule } from '../../src/inference/model-package.ts';
import { heartCard } from './heart-model.ts';
import { seal } from './model-package.ts';

/** Corners in pixels, `[column, row]`, as PS3.3 C.10.5.1.2 counts them. */
export interface Mark {
  readonly minimum: readonly [number, number];
  readonly maximum: readonly [number, number];
}

/** Rows and columns of the images: not square, so that no axis passes for the other. */
export const SIZE = [512, 400] as const;

const BRIGHTEST = 4095;
/** Brighter than the dimmed chest, by the brightest value. */
const DARK = 0.25;
/** Pixels around the mark without anything. */
const MARGIN = 12;

/** A chest at a fifth of its brightness, and what is to be found in it. */
export function markedRadiograph(mark?: Mark, seed = 1): Radiograph {
  const { pixels: chest, columns: width, pixelSpacing } = radiograph({ matrix: SIZE[0], seed });
  const [rows, columns] = SIZE;
  const left = (width - columns) / 2;
  const pixels = Uint16Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    if (mark !== undefined && isWithin(mark, column, row, 0)) return BRIGHTEST;
    if (mark !== undefined && isWithin(mark, column, row, MARGIN)) return 0;
    return Math.floor(chest[row * width + column + left]! / 5);
  });
  return { rows, columns, pixelSpacing, pixels };
}

function isWithin({ minimum, maximum }: Mark, column: number, row: number, margin: number): boolean {
  const along = (axis: 0 | 1, place: number): boolean =>
    place >= minimum[axis] - margin && place < maximum[axis] + margin;
  return along(0, column) && along(1, row);
}

export const MARK_MODEL = 'dx-mark';

/** Writes the package below the folder. @returns its own folder. */
export async function writeMarkPackage(
  folder: string,
  edit: (card: CardOf<'image'>) => void = () => {},
): Promise<string> {
  const card = markCard();
  edit(card);
  const home = join(folder, card.name);
  mkdirSync(home, { recursive: true });
  const graph = markFinder(card.input.shape);
  const sha256 = createHash('sha256').update(graph).digest('hex');
  Object.assign(card, { runtime: { kind: 'onnx', file: 'mark.onnx', sha256, opset: 18, deterministic: true } });
  writeFileSync(join(home, 'mark.onnx'), graph);
  writeFileSync(join(home, 'card.json'), JSON.stringify(card, null, 2));
  writeFileSync(
    join(home, 'shapes.json'),
    JSON.stringify({ schemaVersion: 1, vectors: { square: [Math.SQRT1_2, Math.SQRT1_2] } }),
  );
  await seal(home);
  return home;
}

/** Three packages that differ in how they are given the image, or in what they tell of the mark. @returns their folders */
export async function writeMarkPackages(folder: string): Promise<readonly string[]> {
  return [
    await writeMarkPackage(folder, (card) => rename(card, 'dx-mark-fit', 'fit')),
    await writeMarkPackage(folder, (card) => rename(card, 'dx-mark-stretch', 'stretch')),
    await writeMarkPackage(folder, (card) => {
      rename(card, 'dx-point-fit', 'fit');
      asPoints(card);
    }),
  ];
}

function rename(card: CardOf<'image'>, name: string, resize: ImageInput['resize']): void {
  card.name = name;
  card.input.resize = resize;
}

/** Places as points instead of boxes: the graph is the same, and so are their middles. */
function asPoints({ outputs }: CardOf<'image'>): void {
  const detection = outputs.find((output): output is DetectionOutput => output.kind === 'detection')!;
  Object.assign(detection.places, { order: 'xy' });
  delete detection.suppression;
}

/**
 * `image` [1, 1, rows, columns], 0 to 1 → `candidates` [1, 5] (middle x, y, width, height in pixels from the outer corner,
 * and how bright the brightest pixel is), `scores` [1, 3], `share` [2] and `shape` [2].
 *
 * Sums see a part of a pixel where thresholds do not: resizing keeps them, whatever it does to edges.
 */
function markFinder([rows, columns]: readonly [number, number]): Uint8Array {
  const graph = new GraphBuilder('mark');
  const number = (value: number): Value => graph.constant(floats([value]));
  const over = (operator: string, value: Value, ...axes: readonly number[]): Value =>
    graph.node(operator, [value, graph.constant(int64s(axes))], { keepdims: 0 });
  const plus = (a: Value, b: Value): Value => graph.node('Add', [a, b]);
  const ratio = (a: Value, b: Value): Value => graph.node('Div', [a, plus(b, number(1e-6))]);

  const image = graph.input('image', 'FLOAT', [1, 1, rows, columns]);
  const above = graph.node('Relu', [graph.node('Sub', [image, number(DARK)])]);
  const bright = graph.node('Mul', [above, number(1 / (1 - DARK))]);
  const mass = over('ReduceSum', bright, 1, 2, 3);
  const middleAndSize = ([3, 2] as const).map((axis) => {
    const length = axis === 3 ? columns : rows;
    const profile = over('ReduceSum', bright, 1, 5 - axis);
    const places = graph.constant(floats(Array.from({ length }, (_, at) => at + 0.5)));
    const moment = over('ReduceSum', graph.node('Mul', [profile, places]), 1);
    return [ratio(moment, mass), ratio(mass, over('ReduceMax', profile, 1))] as const;
  });
  const [x, y] = middleAndSize as [readonly [Value, Value], readonly [Value, Value]];
  const together = (values: readonly Value[]): Value => graph.node('Concat', values, { axis: 0 });
  const row = together([x[0], y[0], x[1], y[1], over('ReduceMax', bright, 1, 2, 3)]);
  graph.output(graph.node('Unsqueeze', [row, graph.constant(int64s([0]))]), 'FLOAT', [1, 5], 'candidates');

  const nothing = graph.node('Mul', [mass, number(0)]);
  graph.output(plus(graph.constant(floats([4, 0, -4], [1, 3])), nothing), 'FLOAT', [1, 3], 'scores');
  const share = graph.node('Mul', [mass, number(100 / (rows * columns))]);
  graph.output(together([share, plus(share, number(1000))]), 'FLOAT', [2], 'share');
  graph.output(together([plus(x[1], number(1)), plus(y[1], number(1))]), 'FLOAT', [2], 'shape');
  return writeModel(graph, { opset: 18, producerName: 'wetread', producerVersion: '1.0.0', description: 'a mark' });
}

const ABNORMAL = code('49755003', 'SCT', 'Morphologically abnormal structure');
const PERCENT = code('%', 'UCUM', 'percent');

export function markCard(): CardOf<'image'> {
  const { input, report, ...card } = heartCard();
  const { reference: _, ...own } = input;
  return {
    ...card,
    name: MARK_MODEL,
    title: 'A mark on a radiograph',
    input: { ...own, ...INPUT, gate: { ...own.gate, minimumCorrelation: 0 } },
    outputs: markOutputs(),
    report: { ...report!, impression: [], scope: 'Only a bright rectangle was looked for.' },
  };
}

const INPUT = {
  shape: [256, 224],
  resize: 'fit',
  channels: [{ clip: { kind: 'none' } }],
  merge: 'each',
} satisfies Partial<ImageInput>;

function markOutputs(): [OutputRule, ...OutputRule[]] {
  const tensor = 'candidates';
  const sought = (key: string, concept: Code): { key: string; category: Code; concept: Code } => {
    return { key, category: ABNORMAL, concept };
  };
  const measured = { unit: PERCENT, decimals: 2, scale: 1, offset: 0, plausible: { minimum: 0, maximum: 100 } };
  const brightShare = code('BRIGHTSHARE', '99WETREAD', 'Bright part of an image');
  const thresholds = { present: 0.9, absent: 0.1 };
  return [
    {
      kind: 'detection',
      places: { tensor, order: 'cxcywh', unit: 'voxel', origin: 'voxel-corner' },
      scores: { tensor, firstColumn: 4, columns: 1, activation: 'none' },
      threshold: 0.5,
      suppression: { kind: 'overlap', maximumOverlap: 0.5 },
      maximumPerClass: 5,
      classes: [{ ...sought('mark', code('112001', 'DCM', 'Opacity')), labels: [{ label: 0 }] }],
      gate: [],
    },
    {
      kind: 'classification',
      tensor: 'scores',
      activation: 'sigmoid',
      labels: [
        { ...sought('cardiomegaly', code('8186001', 'SCT', 'Cardiomegaly')), index: 0, thresholds },
        { ...sought('pneumothorax', code('36118008', 'SCT', 'Pneumothorax')), index: 1, thresholds },
        { ...sought('effusion', code('60046008', 'SCT', 'Pleural effusion')), index: 2, thresholds },
      ],
      gate: [],
    },
    {
      kind: 'measurement',
      tensor: 'share',
      length: 2,
      findings: [
        {
          ...sought('brightness', brightShare),
          measures: [
            { ...measured, key: 'share', index: 0, concept: brightShare, name: 'share of the image' },
            { ...measured, key: 'more', index: 1, concept: brightShare, name: 'share and a half' },
          ],
        },
      ],
    },
    {
      kind: 'embedding',
      tensor: 'shape',
      length: 2,
      references: 'shapes.json',
      findings: [
        {
          ...sought('square', code('SQUARE', '99WETREAD', 'Square mark')),
          reference: 'square',
          thresholds: { present: 0.99, absent: 0.9 },
        },
      ],
    },
  ];
}
