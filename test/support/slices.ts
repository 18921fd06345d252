/** Hand-made instances of a series, for tests of assembly: headers with a geometry, voxels without a file. */
import type { FrameHeader, ImageHeader, Point3, Series } from '../../src/arrival/study.ts';
import { add, type PlaneAxes, scale } from '../../src/assembly/geometry.ts';
import type { EncodedInstance } from '../../src/ports.ts';
import { parseUid, type StudyInstanceUid } from '../../src/uid.ts';

const STUDY = parseUid<StudyInstanceUid>('1.2.3');
const CT_IMAGE = '1.2.840.10008.5.1.4.1.1.2';

export type Pixels = (row: number, column: number, frame: number) => number;

/** An instance whose frames carry stored values in `pixels`: {@link decode} takes the part of a decoder. */
export interface TestInstance extends EncodedInstance {
  readonly pixels: Pixels;
}

export function frameHeader(
  position: Point3,
  axes: Omit<PlaneAxes, 'normal'>,
  change: Partial<FrameHeader> = {},
): FrameHeader {
  return {
    imagePositionPatient: position,
    imageOrientationPatient: [...axes.row, ...axes.column] as unknown as NonNullable<
      FrameHeader['imageOrientationPatient']
    >,
    pixelSpacing: [1, 1],
    rescaleSlope: 1,
    rescaleIntercept: 0,
    ...change,
  };
}

export function instance(
  number: number,
  frames: readonly FrameHeader[],
  change: Partial<ImageHeader> = {},
  pixels: Pixels = () => 0,
): TestInstance {
  const header: ImageHeader = {
    studyInstanceUid: STUDY,
    seriesInstanceUid: parseUid('1.2.3.4'),
    sopInstanceUid: parseUid(`1.2.3.4.${number + 1}`),
    sopClassUid: CT_IMAGE,
    modality: 'CT',
    imageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
    instanceNumber: number,
    frameOfReferenceUid: parseUid('1.2.5'),
    rows: 4,
    columns: 6,
    numberOfFrames: frames.length,
    samplesPerPixel: 1,
    photometricInterpretation: 'MONOCHROME2',
    planarConfiguration: 0,
    bitsAllocated: 16,
    bitsStored: 16,
    highBit: 15,
    pixelRepresentation: 1,
    frames,
    ...change,
  };
  return {
    header,
    study: { studyInstanceUid: STUDY, requests: [] },
    dataSet: {},
    transferSyntaxUid: '1.2.840.10008.1.2.1',
    frames: frames.map(() => new Uint8Array()),
    pixels,
  };
}

export interface StackShape {
  readonly slices: number;
  readonly origin?: Point3;
  readonly row?: Point3;
  readonly column?: Point3;
  /** From slice to slice, mm. */
  readonly step: Point3;
  readonly header?: Partial<ImageHeader>;
  readonly frame?: Partial<FrameHeader>;
  readonly pixels?: (slice: number) => Pixels;
}

/** Single-frame instances numbered from 1, in order along `step`. */
export function stack({
  slices,
  origin = [0, 0, 0],
  row = [1, 0, 0],
  column = [0, 1, 0],
  step,
  header,
  frame,
  pixels,
}: StackShape): TestInstance[] {
  return Array.from({ length: slices }, (_, k) =>
    instance(
      k + 1,
      [frameHeader(add(origin, scale(step, k)), { row, column }, frame)],
      header,
      pixels?.(k) ?? ((r, c) => 100 * k + 10 * r + c),
    ),
  );
}

export function seriesOf(instances: readonly EncodedInstance[], announced = instances.length): Series {
  const { header } = instances[0]!;
  const all = Array.from({ length: announced }, () => ({
    sopInstanceUid: header.sopInstanceUid,
    sopClassUid: header.sopClassUid,
  }));
  return { seriesInstanceUid: header.seriesInstanceUid, modality: header.modality, instances: all };
}
