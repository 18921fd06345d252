/**
 * A head without a patient in two MR sequences, each on a grid of its own in one frame of reference, and a model that needs
 * both: it labels what is bright in the first and dark in the second. Both are spheres, so that the truth is a formula.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKSUM_FILE, checksumsOf, checksumText } from '../../adapters/model-folder/checksums.ts';
import { GraphBuilder, type Value } from '../../adapters/onnx-writer/graph-builder.ts';
import { floats, int64s } from '../../adapters/onnx-writer/tensor-literal.ts';
import { writeModel } from '../../adapters/onnx-writer/write-model.ts';
import { instanceWriter } from '../../adapters/part10/writer.ts';
import type { SeriesSlot } from '../../contracts/generated/types.ts';
import type { Point3 } from '../../src/arrival/study.ts';
import { add, cross, norm, normalise, scale, subtract } from '../../src/assembly/geometry.ts';
import { code, DIAGNOSTIC_IMAGING_STUDY } from '../../src/codes.ts';
import type { DicomDataSet } from '../../src/dicom-json.ts';
import type { CardOf, LabelMapOutput } from '../../src/inference/model-package.ts';
import { lungCard } from './model-card.ts';
import { seriesUid, sopUid, studyUid, text } from './part10.ts';

const MR_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.4';

interface Sphere {
  readonly center: Point3;
  readonly radius: number;
}

const BRIGHT: Sphere = { center: [-8, 4, 6], radius: 26 };
const DARK: Sphere = { center: [10, 10, -4], radius: 24 };

/** Of what is in both spheres, a lens. */
export const LENS_MILLILITERS = lensOf(norm(subtract(BRIGHT.center, DARK.center)), BRIGHT.radius, DARK.radius) / 1000;

function lensOf(distance: number, first: number, second: number): number {
  const cap = distance ** 2 + 2 * distance * (first + second) - 3 * (first - second) ** 2;
  return (Math.PI * (first + second - distance) ** 2 * cap) / (12 * distance);
}

const isIn = ({ center, radius }: Sphere, point: Point3): boolean => norm(subtract(point, center)) < radius;
const bright = (point: Point3): number => (isIn(BRIGHT, point) ? 800 : 100);
const dark = (point: Point3): number => (isIn(DARK, point) ? 60 : 640);

export interface Sequence {
  readonly description: string;
  readonly number: number;
  readonly value: (point: Point3) => number;
  readonly row: Point3;
  readonly column: Point3;
  /** Voxel `[0, 0, 0]`, mm. */
  readonly origin: Point3;
  /** `[slices, rows, columns]`. */
  readonly shape: readonly [number, number, number];
  /** mm, as `shape`. */
  readonly spacing: readonly [number, number, number];
  /** A slice that does not arrive, from 0. */
  readonly missing?: number;
  /** Name of its frame of reference. */
  readonly frame?: string;
  readonly attributes?: DicomDataSet;
}

/** Axial, as the model reads it. */
export const FIRST: Sequence = {
  description: 'T1 axial',
  number: 3,
  value: bright,
  row: [1, 0, 0],
  column: [0, 1, 0],
  origin: [-45, -45, -44],
  shape: [45, 80, 90],
  spacing: [2, 1.2, 1],
};

/** Coronal and turned by ten degrees, larger and finer: another grid in every way. */
export const SECOND: Sequence = {
  description: 'FLAIR coronal oblique',
  number: 5,
  value: dark,
  row: turned([1, 0, 0]),
  column: [0, 0, -1],
  origin: add(scale(turned([1, 0, 0]), -75), add(scale(turned([0, 1, 0]), -80), [0, 0, 70])),
  shape: [80, 94, 100],
  spacing: [2, 1.5, 1.5],
};

/** About the axis from feet to head. */
function turned([x, y, z]: Point3): Point3 {
  const angle = (10 * Math.PI) / 180;
  return [Math.cos(angle) * x - Math.sin(angle) * y, Math.sin(angle) * x + Math.cos(angle) * y, z];
}

export const STUDY = 'two sequences';

/** One Part 10 file a slice. The same name of a study gives the same UIDs. */
export function sequenceFiles(sequence: Sequence, study = STUDY): readonly Uint8Array[] {
  const slices = Array.from({ length: sequence.shape[0] }, (_, slice) => slice);
  return slices.filter((slice) => slice !== sequence.missing).map((slice) => sliceFile(sequence, study, slice));
}

export const sequenceUid = ({ description }: Sequence, study = STUDY): string => seriesUid(`${study}/${description}`);

function sliceFile(sequence: Sequence, study: string, slice: number): Uint8Array {
  const { description, number, row, column, shape, spacing, frame = 'scanner', attributes } = sequence;
  const uids = {
    studyInstanceUid: studyUid(study),
    seriesInstanceUid: seriesUid(`${study}/${description}`),
    sopInstanceUid: sopUid(`${study}/${description}/${slice + 1}`),
  };
  const position = positionOf(sequence, slice, 0, 0);
  const dataSet: DicomDataSet = {
    '00080005': text('CS', 'ISO_IR 192'),
    '00080008': text('CS', 'ORIGINAL', 'PRIMARY', 'M'),
    '00080016': text('UI', MR_IMAGE_STORAGE),
    '00080018': text('UI', uids.sopInstanceUid),
    '00080020': text('DA', '20260105'),
    '00080030': text('TM', '101500'),
    '00080050': { vr: 'SH' },
    '00080060': text('CS', 'MR'),
    '00080070': text('LO', 'Wetread'),
    '00080090': { vr: 'PN' },
    '0008103E': text('LO', description),
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Phantom^Head' }] },
    '00100020': text('LO', 'HEAD-2'),
    '00100021': text('LO', 'WETREAD-PHANTOM'),
    '00100030': text('DA', '19600229'),
    '00100040': text('CS', 'O'),
    '00180015': text('CS', 'BRAIN'),
    '00180050': text('DS', spacing[0]),
    '0020000D': text('UI', uids.studyInstanceUid),
    '0020000E': text('UI', uids.seriesInstanceUid),
    '00200010': text('SH', '1'),
    '00200011': text('IS', number),
    '00200013': text('IS', slice + 1),
    '00200032': text('DS', ...position.map(decimal)),
    '00200037': text('DS', ...[...row, ...column].map(decimal)),
    '00200052': text('UI', studyUid(`${study}/${frame}`)),
    '00280002': text('US', 1),
    '00280004': text('CS', 'MONOCHROME2'),
    '00280010': text('US', shape[1]),
    '00280011': text('US', shape[2]),
    '00280030': text('DS', spacing[1], spacing[2]),
    '00280100': text('US', 16),
    '00280101': text('US', 12),
    '00280102': text('US', 11),
    '00280103': text('US', 0),
    ...attributes,
  };
  const object = { kind: 'sr' as const, ...uids, sopClassUid: MR_IMAGE_STORAGE, dataSet };
  return instanceWriter().write({ ...object, pixelData: pixelsOf(sequence, slice) });
}

function pixelsOf(sequence: Sequence, slice: number): Uint8Array {
  const [, rows, columns] = sequence.shape;
  const pixels = new Uint16Array(rows * columns);
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) pixels[j * columns + i] = sequence.value(positionOf(sequence, slice, j, i));
  }
  return new Uint8Array(pixels.buffer);
}

function positionOf({ origin, row, column, spacing }: Sequence, slice: number, j: number, i: number): Point3 {
  const normal = normalise(cross(row, column));
  const inSlice = add(scale(column, j * spacing[1]), scale(row, i * spacing[2]));
  return add(add(origin, scale(normal, slice * spacing[0])), inSlice);
}

const decimal = (value: number): string => String(Number(value.toFixed(8)));

export const SECOND_SLOT: SeriesSlot = {
  kind: 'other-series',
  name: 'flair',
  meaning: 'FLAIR',
  required: true,
  series: { where: { attribute: 'SeriesDescription', contains: 'flair' } },
};

export type TwoSequencesCard = CardOf<'volume'> & { outputs: [LabelMapOutput] };

export const TWO_SEQUENCES = 'mr-two-sequences';

/** Reads the T1 and is given the FLAIR. */
export function twoSequencesCard(sha256: string): TwoSequencesCard {
  const card = lungCard();
  const [output] = card.outputs;
  const [segment] = output.segments;
  const [{ site: _lung, laterality: _side, ...finding }] = output.findings;
  const gate = { minimumSlices: 3, minimumExtentMm: [0, 0, 0], maximumSpacingMm: [9, 9, 9], refusedBodyParts: [] };
  const brain = code('12738006', 'SCT', 'Brain');
  return {
    ...card,
    name: TWO_SEQUENCES,
    title: 'What is bright in one sequence and dark in another',
    intendedUse: [{ task: 'test', modality: 'MR', bodyPart: brain, contrast: 'any', patients: 'none' }],
    runtime: { kind: 'onnx', file: 'model.onnx', sha256, opset: 18, deterministic: true },
    input: {
      kind: 'volume',
      tensor: 'images',
      orientation: 'LPS',
      spacingMm: 1.5,
      layout: 'NCDHW',
      units: 'none',
      intensity: {
        datatype: 'FP32',
        channels: [{ clip: { kind: 'none' } }, { slot: 'flair', clip: { kind: 'none' } }],
      },
      fill: 0,
      maximumShape: [160, 160, 160],
      gate: { ...gate, values: [] } as unknown as TwoSequencesCard['input']['gate'],
      series: { where: { attribute: 'SeriesDescription', contains: 't1' } },
      slots: [SECOND_SLOT],
    },
    outputs: [
      {
        ...output,
        tensor: 'scores',
        encoding: { kind: 'logits', layout: 'NCDHW' },
        segments: [{ ...segment, label: 1, number: 1, key: 'lens', title: 'Lens', type: brain }],
        otherLabels: [],
        refine: {},
        gate: { regions: [] },
        findings: [{ ...finding, key: 'lens', concept: brain, segments: [1], measures: [finding.measures[0]] }],
      },
    ],
    report: { title: 'MR brain', procedure: DIAGNOSTIC_IMAGING_STUDY, impression: [], scope: 'Only the lens.' },
    caveats: [],
  };
}

/** `images` [1, 2, …] → `scores` [1, 2, …]: 0, and by how much both channels are beyond the middle of their values. */
export function twoSequencesGraph(): Uint8Array {
  const space = ['d', 'h', 'w'] as const;
  const graph = new GraphBuilder(TWO_SEQUENCES);
  const images = graph.input('images', 'FLOAT', [1, 2, ...space]);
  const weights = graph.constant(floats([1, 0, 0, -1], [2, 2, 1, 1, 1]));
  const beyond = graph.node('Conv', [images, weights, graph.constant(floats([-450, 350]))], {
    kernel_shape: [1, 1, 1],
  });
  const least = graph.node('ReduceMin', [beyond, graph.constant(int64s([1]))], { keepdims: 1 });
  const nothing: Value = graph.node('Mul', [least, graph.constant(floats([0], [1]))]);
  graph.output(graph.node('Concat', [nothing, least], { axis: 1 }), 'FLOAT', [1, 2, ...space], 'scores');
  return writeModel(graph, { opset: 18, producerName: 'wetread', producerVersion: '1.0.0', description: 'a test' });
}

/** Writes the package below the folder. @returns its own folder */
export async function writeTwoSequences(
  folder: string,
  edit: (card: TwoSequencesCard) => TwoSequencesCard = (card) => card,
): Promise<string> {
  const graph = twoSequencesGraph();
  const card = edit(twoSequencesCard(createHash('sha256').update(graph).digest('hex')));
  const home = join(folder, card.name);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'model.onnx'), graph);
  writeFileSync(join(home, 'card.json'), JSON.stringify(card, null, 2));
  writeFileSync(join(home, CHECKSUM_FILE), checksumText(await checksumsOf(home)));
  return home;
}
