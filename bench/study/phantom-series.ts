/**
 * The study that is measured: a synthetic chest CT of the project's own phantom with noise, 512 × 512, 0.78 mm in the
 * plane, 1 mm between slices, made anew on every machine with the same bytes. Larger studies repeat slices, each at a
 * position of its own, because drawing thousands of slices would take longer than measuring them.
 */
import { chestCt, type PhantomCt } from '../../adapters/phantom/chest-ct.ts';
import { type CtIdentity, ctFiles } from '../../adapters/phantom/ct-files.ts';
import { uniform } from '../../adapters/phantom/random.ts';
import type { Series } from '../../src/arrival/study.ts';
import { nameBasedUid, type SeriesInstanceUid, type SopInstanceUid, type StudyInstanceUid } from '../../src/uid.ts';

export interface StudySize {
  readonly slices: number;
  readonly matrix: number;
  /** mm; 1 unless given. */
  readonly spacing?: number;
}

/** The phantom's chest: no more is drawn, further slices repeat. */
const HEIGHT = 300;
const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';

/** Slices from the feet to the head, HU, and where they lie: what any right volume must hold. */
export interface PhantomSeries {
  readonly size: StudySize;
  readonly geometry: PhantomCt['geometry'];
  slice(k: number): Int16Array;
  /** As the archive would list it. */
  readonly studyInstanceUid: StudyInstanceUid;
  readonly series: Series;
  /** Part 10 files in the order of the slices. */
  files(): Iterable<Uint8Array>;
}

export function phantomSeries(size: StudySize): PhantomSeries {
  const ct = repeated(size);
  const identity = identityOf(size);
  const studyInstanceUid = nameBasedUid<StudyInstanceUid>('phantom', identity.study);
  const instances = Array.from({ length: size.slices }, (_, k) => ({
    sopInstanceUid: nameBasedUid<SopInstanceUid>('phantom', identity.study, identity.series, String(k)),
    sopClassUid: CT_IMAGE_STORAGE,
  }));
  const seriesInstanceUid = nameBasedUid<SeriesInstanceUid>('phantom', identity.study, identity.series);
  return {
    size,
    geometry: ct.geometry,
    slice: (k) => ct.slice(k).voxels,
    studyInstanceUid,
    series: { seriesInstanceUid, modality: 'CT', seriesNumber: identity.seriesNumber, instances },
    files: () => ctFiles(ct, identity),
  };
}

function repeated({ slices, matrix, spacing = 1 }: StudySize): PhantomCt {
  const count = Math.round(HEIGHT / spacing);
  const drawn = chestCt({ seed: 7, slices: count, matrix, sliceSpacing: spacing });
  const known: Int16Array[] = [];
  const voxels = (k: number): Int16Array => {
    known[k] ??= drawn.slice(k).voxels;
    return known[k];
  };
  const [x, y, z] = drawn.geometry.imagePositionPatient(0);
  return {
    tiltDegrees: 0,
    count: slices,
    slices: [],
    slice: (k) => ({
      voxels: voxels(Math.floor(slices > count ? (k * count) / slices : k)),
      tissues: new Uint8Array(),
    }),
    geometry: { ...drawn.geometry, imagePositionPatient: (k) => [x, y, z + k * spacing] },
  };
}

function identityOf({ slices, matrix, spacing = 1 }: StudySize): CtIdentity {
  return {
    study: `bench ${slices} ${matrix} ${spacing}`,
    series: 'axial',
    seriesNumber: 2,
    patientName: 'Phantom^Bench',
    patientId: 'PHANTOM-7',
    accessionNumber: 'P0000007',
    studyDescription: 'Synthetic chest CT',
    seriesDescription: 'Phantom chest',
    bodyPartExamined: 'CHEST',
    imageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
    convolutionKernel: 'SOFT',
    patientPosition: 'HFS',
  };
}

/** Archives answer in no useful order: the same shuffle every time (Fisher-Yates). */
export function shuffled<T>(items: readonly T[]): T[] {
  const random = uniform(300);
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
