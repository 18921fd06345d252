/**
 * A small synthetic chest with two lungs, and the draft that would be written about it. All values are computed from the
 * voxels and masks, so a test can check any of them again. Nothing here comes from a patient.
 */
import type { FrameHeader, ImageHeader, Point3, StudyHeader } from '../../src/arrival/study.ts';
import type { Segment, Segmentation } from '../../src/assembly/segmentation.ts';
import {
  type Affine,
  sliceVoxels,
  type Volume,
  type VolumeSlice,
  voxelMilliliters,
} from '../../src/assembly/volume.ts';
import * as codes from '../../src/codes.ts';
import type { Finding, InstanceReference, Measurement } from '../../src/inference/findings.ts';
import { referenceTo } from '../../src/inference/findings-from.ts';
import type { Report } from '../../src/reporting/report.ts';
import { nameBasedUid } from '../../src/uid.ts';

export const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';

/** HU of the sample: body, lung and emphysema. */
export const SAMPLE_HU = { body: 40, lung: -850, emphysema: -980 } as const;

export interface SampleVolumeOptions {
  /** `[slices, rows, columns]`; 9 × 7 is no multiple of 8, so frames of a SEG do not end on bytes. */
  readonly shape?: readonly [number, number, number];
  /** Row direction, column direction (unit vectors, perpendicular). */
  readonly orientation?: readonly [number, number, number, number, number, number];
  /** `[slice, row, column]`, mm. */
  readonly spacing?: readonly [number, number, number];
  /** Shift of each slice along the column direction, mm: what gantry tilt leaves in the positions. */
  readonly shear?: number;
  readonly origin?: Point3;
  /** Makes other UIDs. */
  readonly name?: string;
}

const AXIAL = [1, 0, 0, 0, 1, 0] as const;

/** 20° about x, then 10° about z: no component of any axis is zero. */
export const OBLIQUE: readonly [number, number, number, number, number, number] = (() => {
  const [a, b] = [(20 * Math.PI) / 180, (10 * Math.PI) / 180];
  const turn = ([x, y, z]: Point3): Point3 => [x * Math.cos(b) - y * Math.sin(b), x * Math.sin(b) + y * Math.cos(b), z];
  return [...turn([1, 0, 0]), ...turn([0, Math.cos(a), Math.sin(a)])];
})();

function cross(a: Point3, b: Point3): Point3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** A box of body with two boxes of lung: the patient's right at low column indices, with some emphysema at its front. */
export function sampleVolume(options: SampleVolumeOptions = {}): Volume {
  const { shape = [6, 9, 7], orientation = AXIAL, spacing = [10, 20, 25], shear = 0 } = options;
  const { origin = [-100, -80, -1200], name = 'sample' } = options;
  const [slices, rows, columns] = shape;
  const along = orientation.slice(0, 3) as unknown as Point3;
  const down = orientation.slice(3, 6) as unknown as Point3;
  const normal = cross(along, down);
  const step = normal.map((n, axis) => n * spacing[0] + down[axis]! * shear) as unknown as Point3;
  const position = (k: number): Point3 => [0, 1, 2].map((axis) => origin[axis]! + step[axis]! * k) as unknown as Point3;

  const voxels = new Int16Array(new SharedArrayBuffer(slices * rows * columns * 2));
  const volumeSlices: VolumeSlice[] = [];
  for (let k = 0; k < slices; k += 1) {
    volumeSlices.push({
      sopInstanceUid: nameBasedUid(name, 'instance', String(k)),
      sopClassUid: CT_IMAGE_STORAGE,
      frameNumber: 1,
      imagePositionPatient: position(k),
      slot: slices - 1 - k,
      slope: 1,
      intercept: -1024,
    });
  }
  const rowOf = (axis: number): number[] => [
    step[axis]!,
    down[axis]! * spacing[1],
    along[axis]! * spacing[2],
    origin[axis]!,
  ];
  const volume: Volume = {
    studyInstanceUid: nameBasedUid(name, 'study'),
    seriesInstanceUid: nameBasedUid(name, 'series'),
    frameOfReferenceUid: nameBasedUid(name, 'frame of reference'),
    modality: 'CT',
    shape,
    affine: [...rowOf(0), ...rowOf(1), ...rowOf(2), 0, 0, 0, 1] as unknown as Affine,
    spacing,
    voxels,
    slices: volumeSlices,
    units: 'HU',
    header: sampleHeader({ name, shape, orientation, spacing, position: position(Math.floor(slices / 2)) }),
    notes: [],
  };
  for (let k = 0; k < slices; k += 1) sliceVoxels(volume, k).set(sampleSlice(shape, k));
  return volume;
}

function sampleSlice([slices, rows, columns]: readonly [number, number, number], k: number): Int16Array {
  const values = new Int16Array(rows * columns);
  for (let i = 0; i < values.length; i += 1) {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const side = lungAt([slices, rows, columns], [k, row, column]);
    const hu =
      side === undefined
        ? SAMPLE_HU.body
        : side === 'right' && row <= rows / 3
          ? SAMPLE_HU.emphysema
          : SAMPLE_HU.lung + ((row + column + k) % 5);
    values[i] = hu + 1024;
  }
  return values;
}

function lungAt(
  [slices, rows, columns]: readonly [number, number, number],
  [k, row, column]: readonly [number, number, number],
): 'right' | 'left' | undefined {
  if (k === 0 || k === slices - 1 || row < rows / 6 || row > (rows * 5) / 6) return undefined;
  const across = (column + 0.5) / columns;
  if (across > 0.1 && across < 0.45) return 'right';
  // The left lung starts one slice later, so that the two segments have different frames.
  if (k > 1 && across > 0.55 && across < 0.9) return 'left';
  return undefined;
}

function sampleHeader(input: {
  readonly name: string;
  readonly shape: readonly [number, number, number];
  readonly orientation: readonly [number, number, number, number, number, number];
  readonly spacing: readonly [number, number, number];
  readonly position: Point3;
}): ImageHeader {
  const { name, shape, orientation, spacing, position } = input;
  const frame: FrameHeader = {
    imagePositionPatient: position,
    imageOrientationPatient: orientation,
    pixelSpacing: [spacing[1], spacing[2]],
    sliceThickness: spacing[0],
    rescaleSlope: 1,
    rescaleIntercept: -1024,
  };
  return {
    studyInstanceUid: nameBasedUid(name, 'study'),
    seriesInstanceUid: nameBasedUid(name, 'series'),
    sopInstanceUid: nameBasedUid(name, 'instance', String(Math.floor(shape[0] / 2))),
    sopClassUid: CT_IMAGE_STORAGE,
    modality: 'CT',
    imageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
    instanceNumber: 1,
    seriesNumber: 2,
    frameOfReferenceUid: nameBasedUid(name, 'frame of reference'),
    rows: shape[1],
    columns: shape[2],
    numberOfFrames: 1,
    samplesPerPixel: 1,
    photometricInterpretation: 'MONOCHROME2',
    planarConfiguration: 0,
    bitsAllocated: 16,
    bitsStored: 12,
    highBit: 11,
    pixelRepresentation: 0,
    rescaleType: 'HU',
    frames: [frame],
    bodyPartExamined: 'CHEST',
    convolutionKernel: 'B30f',
    manufacturer: 'Phantom',
    manufacturerModelName: 'Sample',
    patientPosition: 'HFS',
  };
}

/** Right lung as segment 1, left lung as segment 2, exactly where {@link sampleVolume} has them. */
export function sampleSegmentation(volume: Volume): Segmentation {
  const [slices, rows, columns] = volume.shape;
  const bytesPerSlice = Math.ceil((rows * columns) / 8);
  const mask = (side: 'right' | 'left'): Uint8Array => {
    const bits = new Uint8Array(slices * bytesPerSlice);
    for (let k = 0; k < slices; k += 1)
      for (let i = 0; i < rows * columns; i += 1)
        if (lungAt(volume.shape, [k, Math.floor(i / columns), i % columns]) === side)
          bits[k * bytesPerSlice + (i >> 3)]! |= 1 << (i & 7);
    return bits;
  };
  const lung = { category: codes.ANATOMICAL_STRUCTURE, type: codes.LUNG };
  return {
    source: volume,
    bytesPerSlice,
    segments: [
      {
        ...lung,
        number: 1,
        key: 'lung-right',
        label: 'Right lung',
        laterality: codes.RIGHT,
        color: [230, 120, 40],
        bits: mask('right'),
      },
      {
        ...lung,
        number: 2,
        key: 'lung-left',
        label: 'Left lung',
        laterality: codes.LEFT,
        color: [40, 120, 230],
        bits: mask('left'),
      },
    ],
  };
}

/** HU of every voxel inside the segments given. */
export function valuesInside(segmentation: Segmentation, segments: readonly Segment[]): number[] {
  const { source: volume, bytesPerSlice } = segmentation;
  const [slices, rows, columns] = volume.shape;
  const values: number[] = [];
  for (let k = 0; k < slices; k += 1) {
    const stored = sliceVoxels(volume, k);
    const { slope, intercept } = volume.slices[k]!;
    for (let i = 0; i < rows * columns; i += 1)
      if (segments.some((s) => (s.bits[k * bytesPerSlice + (i >> 3)]! >> (i & 7)) & 1))
        values.push(stored[i]! * slope + intercept);
  }
  return values.sort((a, b) => a - b);
}

function measure(volume: Volume, values: readonly number[]): Measurement[] {
  const count = values.length;
  return [
    { key: 'volume', concept: codes.VOLUME, value: count * voxelMilliliters(volume), unit: codes.MILLILITER },
    {
      key: 'mean-density',
      name: 'mean density',
      concept: codes.ATTENUATION_COEFFICIENT,
      derivation: codes.MEAN,
      value: values.reduce((sum, v) => sum + v, 0) / count,
      unit: codes.HOUNSFIELD_UNIT,
    },
    {
      key: 'perc15',
      name: '15th percentile',
      concept: codes.PERC15,
      value: values[Math.floor(count * 0.15)]!,
      unit: codes.HOUNSFIELD_UNIT,
    },
    {
      key: 'laa-950',
      name: 'below \u2212950 HU',
      concept: codes.LAA950,
      value: (100 * values.filter((v) => v < -950).length) / count,
      unit: codes.PERCENT,
      threshold: { value: -950, unit: codes.HOUNSFIELD_UNIT },
    },
  ];
}

/** Every slice of the volume, along the normal. */
export function sampleEvidence(volume: Volume): [InstanceReference, ...InstanceReference[]] {
  const [first, ...others] = volume.slices.map((_, k) => referenceTo(volume, k));
  return [first!, ...others];
}

/** Findings `lung-right`, `lung-left` (with a segment each) and `lungs` (both together, without a segment). */
export function sampleFindings(segmentation: Segmentation): Finding[] {
  const { source: volume, segments } = segmentation;
  const middle = sampleEvidence(volume)[Math.floor(volume.shape[0] / 2)]!;
  const one = segments.map(
    (segment): Finding => ({
      key: segment.key,
      category: segment.category,
      concept: segment.type,
      site: codes.LUNG,
      ...(segment.laterality === undefined ? {} : { laterality: segment.laterality }),
      segmentNumber: segment.number,
      measurements: measure(volume, valuesInside(segmentation, [segment])),
      evidence: [middle],
    }),
  );
  const both: Finding = {
    key: 'lungs',
    category: codes.ANATOMICAL_STRUCTURE,
    concept: codes.LUNG,
    site: codes.LUNG,
    laterality: codes.BILATERAL,
    measurements: measure(volume, valuesInside(segmentation, segments)),
    evidence: [middle],
  };
  return [...one, both];
}

/** A draft of revision 1 that rests on {@link sampleFindings}. */
export function sampleReport(segmentation: Segmentation, changes: Partial<Report> = {}): Report {
  const { source: volume } = segmentation;
  const findings = sampleFindings(segmentation);
  const [right, left, both] = findings.map((f) => f.measurements[0]!.value!);
  return {
    schemaVersion: 1,
    studyInstanceUid: volume.studyInstanceUid,
    status: 'draft',
    label: 'AI DRAFT, NOT VERIFIED',
    title: 'CT chest: lung density',
    procedure: codes.CT_CHEST,
    sections: [
      {
        key: 'technique',
        heading: 'Technique',
        code: codes.SECTION_TECHNIQUE,
        sentences: [{ text: 'CT of the chest, kernel B30f, slice thickness 10.0 mm.', findingKeys: [] }],
      },
      {
        key: 'findings',
        heading: 'Findings',
        code: codes.SECTION_FINDINGS,
        sentences: [
          { text: `Right lung volume ${right!.toFixed(1)} ml.`, findingKeys: ['ct-lung-density/lung-right'] },
          { text: `Left lung volume ${left!.toFixed(1)} ml.`, findingKeys: ['ct-lung-density/lung-left'] },
        ],
      },
      {
        key: 'impression',
        heading: 'Impression',
        code: codes.SECTION_IMPRESSION,
        sentences: [{ text: `Total lung volume ${both!.toFixed(1)} ml.`, findingKeys: ['ct-lung-density/lungs'] }],
      },
    ],
    readings: [
      {
        algorithm: {
          name: 'ct-lung-density',
          version: '1.0.0',
          digest: `sha256:${'0123456789abcdef'.repeat(4)}`,
          parameters: { provider: 'cpu', threshold: '-950' },
        },
        seriesInstanceUid: volume.seriesInstanceUid,
        evidence: sampleEvidence(volume),
        findings,
      },
    ],
    unavailable: [],
    caveats: ['Inspiration level is unknown.'],
    provenance: {
      attemptKey: `sha256:${'fedcba9876543210'.repeat(4)}`,
      revision: 1,
      createdAt: '2026-03-14T15:09:26.535Z',
      instanceSetDigest: `sha256:${'00112233'.repeat(8)}`,
      software: { name: 'Wetread', version: '0.1.0' },
    },
    ...changes,
  };
}

/** A patient that never was, with an order. */
export function sampleStudyHeader(volume: Volume, changes: Partial<StudyHeader> = {}): StudyHeader {
  return {
    studyInstanceUid: volume.studyInstanceUid,
    patientId: 'SAMPLE-0001',
    issuerOfPatientId: 'WETREAD-SAMPLE',
    patientName: 'Müßiggang^Ägidius=山田^太郎=やまだ^たろう',
    patientBirthDate: '19510228',
    patientSex: 'M',
    studyDate: '20260314',
    studyTime: '120000',
    studyId: 'S1',
    studyDescription: 'CT Thorax für Größenbestimmung',
    accessionNumber: 'A-4711',
    referringPhysicianName: 'Überweiser^Jörg',
    timezoneOffsetFromUtc: '+0100',
    requests: [
      {
        accessionNumber: 'A-4711',
        requestedProcedureId: 'RP-1',
        requestedProcedureDescription: 'CT Thorax',
        placerOrderNumber: 'P-1',
        fillerOrderNumber: 'F-1',
      },
    ],
    ...changes,
  };
}
