/**
 * Ultrasound images with a coloured box on grey, as RGB and as YBR, and a package that measures which share of an image is
 * red or blue: what is lost where colour is read as grey.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphBuilder, type Value } from '../../adapters/onnx-writer/graph-builder.ts';
import { floats, int64s } from '../../adapters/onnx-writer/tensor-literal.ts';
import { writeModel } from '../../adapters/onnx-writer/write-model.ts';
import { part10 } from '../../adapters/phantom/ct-files.ts';
import { code } from '../../src/codes.ts';
import type { CardOf } from '../../src/inference/model-package.ts';
import { nameBasedUid } from '../../src/uid.ts';
import { heartCard } from './heart-model.ts';
import { seal } from './model-package.ts';

const ULTRASOUND_IMAGE = '1.2.840.10008.5.1.4.1.1.6.1';
const [ROWS, COLUMNS] = [240, 320];
/** Of the model's input: half of the image, so that the edges of the boxes stay on its pixels. */
const SHAPE = [120, 160] as const;

/** A red box of 80 rows and 64 columns, a blue one of 40 and 48. */
export const RED_PERCENT = (100 * 80 * 64) / (ROWS * COLUMNS);
export const BLUE_PERCENT = (100 * 40 * 48) / (ROWS * COLUMNS);

function colorAt(row: number, column: number): readonly [number, number, number] {
  if (row >= 60 && row < 140 && column >= 100 && column < 164) return [220, 30, 20];
  if (row >= 160 && row < 200 && column >= 40 && column < 88) return [20, 40, 210];
  const grey = 20 + ((row * 2 + column) % 97);
  return [grey, grey, grey];
}

/** ITU-T T.871. */
function ybrOf([red, green, blue]: readonly [number, number, number]): readonly number[] {
  const y = 0.299 * red + 0.587 * green + 0.114 * blue;
  return [y, 128 + (blue - y) / 1.772, 128 + (red - y) / 1.402].map(Math.round);
}

/** A study of one image. */
export function dopplerFile(photometricInterpretation: 'RGB' | 'YBR_FULL', study: string): Uint8Array {
  const pixels = new Uint8Array(ROWS * COLUMNS * 3);
  for (let at = 0; at < ROWS * COLUMNS; at++) {
    const color = colorAt(Math.floor(at / COLUMNS), at % COLUMNS);
    pixels.set(photometricInterpretation === 'RGB' ? color : ybrOf(color), 3 * at);
  }
  const time = { StudyTime: '101500', SeriesTime: '101500', ContentTime: '101500' };
  return part10({
    SpecificCharacterSet: 'ISO_IR 192',
    SOPClassUID: ULTRASOUND_IMAGE,
    SOPInstanceUID: nameBasedUid('doppler', study, 'image'),
    StudyInstanceUID: nameBasedUid('doppler', study),
    SeriesInstanceUID: nameBasedUid('doppler', study, 'series'),
    StudyDate: '20260105',
    SeriesDate: '20260105',
    ContentDate: '20260105',
    ...time,
    AccessionNumber: 'PHANTOM-US',
    Modality: 'US',
    Manufacturer: 'Wetread',
    ReferringPhysicianName: '',
    StudyDescription: 'Synthetic ultrasound',
    PatientName: 'Phantom^Doppler',
    PatientID: 'PHANTOM-US',
    IssuerOfPatientID: 'WETREAD-PHANTOM',
    PatientBirthDate: '19600229',
    PatientSex: 'O',
    PatientComments: 'Synthetic phantom, no human being',
    StudyID: '1',
    SeriesNumber: 1,
    InstanceNumber: 1,
    ImageType: ['ORIGINAL', 'PRIMARY', 'ABDOMINAL'],
    SamplesPerPixel: 3,
    PhotometricInterpretation: photometricInterpretation,
    PlanarConfiguration: 0,
    Rows: ROWS,
    Columns: COLUMNS,
    BitsAllocated: 8,
    BitsStored: 8,
    HighBit: 7,
    PixelRepresentation: 0,
    BurnedInAnnotation: 'NO',
    LossyImageCompression: '00',
    PixelData: [pixels.buffer],
  });
}

/** Writes the package below the folder. @returns its own folder */
export async function writeDopplerPackage(folder: string): Promise<string> {
  const card = dopplerCard();
  const home = join(folder, card.name);
  mkdirSync(home, { recursive: true });
  const graph = colorShares();
  const sha256 = createHash('sha256').update(graph).digest('hex');
  Object.assign(card, { runtime: { kind: 'onnx', file: 'color.onnx', sha256, opset: 18, deterministic: true } });
  writeFileSync(join(home, 'color.onnx'), graph);
  writeFileSync(join(home, 'card.json'), JSON.stringify(card, null, 2));
  await seal(home);
  return home;
}

/** `image` [1, 3, rows, columns], 0 to 1 → `shares` [2]: percent of pixels that are red, and blue. */
function colorShares(): Uint8Array {
  const graph = new GraphBuilder('color');
  const image = graph.input('image', 'FLOAT', [1, 3, ...SHAPE]);
  const [red, , blue] = graph.nodes('Split', [image], { axis: 1, num_outputs: 3 }, 3) as [Value, Value, Value];
  const limit = graph.constant(floats([0.25]));
  const percent = ([more, less]: readonly [Value, Value]): Value => {
    const isColored = graph.node('Greater', [graph.node('Sub', [more, less]), limit]);
    const mean = graph.node('ReduceMean', [graph.node('Cast', [isColored], { to: 1 })], { keepdims: 0 });
    const scaled = graph.node('Mul', [mean, graph.constant(floats([100]))]);
    return graph.node('Reshape', [scaled, graph.constant(int64s([1]))]);
  };
  const shares = [percent([red, blue]), percent([blue, red])];
  graph.output(graph.node('Concat', shares, { axis: 0 }), 'FLOAT', [2], 'shares');
  return writeModel(graph, { opset: 18, producerName: 'wetread', producerVersion: '1.0.0', description: 'colours' });
}

const PERCENT = code('%', 'UCUM', 'percent');
const ABNORMAL = code('49755003', 'SCT', 'Morphologically abnormal structure');

function dopplerCard(): CardOf<'image'> {
  const { input, report, ...card } = heartCard();
  const { reference: _, ...own } = input;
  const [use] = card.intendedUse;
  const { views: _views, ...everyView } = use;
  const concept = code('COLORSHARE', '99WETREAD', 'Coloured part of an image');
  const measure = { unit: PERCENT, decimals: 2, scale: 1, offset: 0, plausible: { minimum: 0, maximum: 100 }, concept };
  const channel = { clip: { kind: 'none' } } as const;
  return {
    ...card,
    name: 'us-color',
    title: 'Colour on an ultrasound image',
    intendedUse: [{ ...everyView, modality: 'US' }],
    input: {
      ...own,
      shape: [SHAPE[0], SHAPE[1]],
      resize: 'stretch',
      values: 'voi',
      fill: 0,
      color: 'rgb',
      channels: [channel, channel, channel],
      merge: 'each',
      gate: { ...own.gate, minimumRows: 64, minimumColumns: 64, minimumCorrelation: 0, values: [] },
    },
    outputs: [
      {
        kind: 'measurement',
        tensor: 'shares',
        length: 2,
        findings: [
          {
            key: 'color',
            category: ABNORMAL,
            concept,
            measures: [
              { ...measure, key: 'red', index: 0, name: 'red' },
              { ...measure, key: 'blue', index: 1, name: 'blue' },
            ],
          },
        ],
      },
    ],
    report: { ...report!, impression: [], scope: 'Only colour was looked for.' },
  };
}
