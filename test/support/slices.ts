/** Hand-made instances of a series, for tests of assembly: headers with a geometry, voxels without a file. */
import type { FrameHeader, ImageHeader, Point3, Series } from '../../src/arrival/study.ts';
import type { ArrivingFrames } from '../../src/assembly/arrivals.ts';
import { add, type PlaneAxes, scale } from '../../src/assembly/geometry.ts';
import type { EncodedInstance } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
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

/** Takes the part of retrieve and decoder: places every instance, writes its stored values, shifted. */
export function assembleAll<B extends ArrivingFrames & { finish(): unknown }>(
  builder: B,
  instances: readonly TestInstance[],
): ReturnType<B['finish']> {
  for (const one of instances) {
    const placed = builder.place(one);
    if (isSkipped(placed)) continue;
    const { rows, columns, samplesPerPixel } = one.header;
    for (const { frameIndex, target } of placed.placements) {
      for (let i = 0; i < rows * columns * samplesPerPixel; i++) {
        const place = Math.floor(i / samplesPerPixel);
        const stored = one.pixels(Math.floor(place / columns), place % columns, frameIndex) + (i % samplesPerPixel);
        target.voxels[target.offset + i] = stored + target.shift;
      }
    }
  }
  return builder.finish() as ReturnType<B['finish']>;
}

/** Memory without a pool, and how much of it is not given back. */
export class CountedMemory {
  readonly #held = new Set<SharedArrayBuffer>();

  readonly allocate = (byteLength: number): SharedArrayBuffer => {
    const buffer = new SharedArrayBuffer(byteLength);
    this.#held.add(buffer);
    return buffer;
  };

  readonly release = (buffer: SharedArrayBuffer): void => {
    if (!this.#held.delete(buffer)) throw new Error('released twice, or never allocated');
  };

  get held(): number {
    return this.#held.size;
  }
}
