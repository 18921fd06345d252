/** Studies of phantoms as a scanner would send them: what the demo reads, and what tests of the gates need. */
import { abdomenPaints, headPaints } from './body-parts.ts';
import { type ChestCtOptions, chestCt, type PhantomCt, type PhantomSlice, phantomCt } from './chest-ct.ts';
import { type CtIdentity, ctFiles } from './ct-files.ts';

/** A chest CT of {@link chestCt}: 120 slices of 512 × 512 unless options say otherwise. */
export function phantomStudy(options: ChestCtOptions = {}): Iterable<Uint8Array> {
  return ctFiles(chestCt(options), identityOf('chest', options));
}

/** The demo's study: a chest with 12 % emphysema, so that its truth is known. */
export function demoStudy(): Iterable<Uint8Array> {
  return phantomStudy(DEMO);
}

/** Options of {@link demoStudy}, for whoever wants its truth. */
export const DEMO: ChestCtOptions = { seed: 7, slices: 140, sliceSpacing: 2.2, emphysema: 0.12 };

/** A head: skull, brain, sinuses with air, a head rest. */
export function headCt(options: ChestCtOptions = {}): PhantomCt {
  return phantomCt(headPaints(), 0, { slices: 32, sliceSpacing: 5, fieldOfView: 250, noise: 8, ...options });
}

/** An abdomen: liver, spine, stomach and colon with much gas. */
export function abdomenCt(options: ChestCtOptions = {}): PhantomCt {
  return phantomCt(abdomenPaints(), 0, { slices: 80, sliceSpacing: 5, ...options });
}

/** A scout: the chest seen from the front, each pixel the mean along its ray, with Image Type LOCALIZER. */
export function scoutFiles(options: ChestCtOptions = {}): Iterable<Uint8Array> {
  const identity = identityOf('scout', options);
  return ctFiles(scoutCt(options), {
    ...identity,
    seriesNumber: 1,
    imageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'],
    patientPosition: 'HFS',
  });
}

const SCOUT_MATRIX = 128;

function scoutCt(options: ChestCtOptions): PhantomCt {
  const chest = chestCt({ fieldOfView: 400, sliceSpacing: 3, ...options, slices: SCOUT_MATRIX, matrix: SCOUT_MATRIX });
  const slice = (): PhantomSlice => {
    const voxels = new Int16Array(SCOUT_MATRIX * SCOUT_MATRIX);
    for (let row = 0; row < SCOUT_MATRIX; row++)
      voxels.set(meanOfRows(chest.slice(SCOUT_MATRIX - 1 - row).voxels), row * SCOUT_MATRIX);
    return { voxels, tissues: new Uint8Array(voxels.length) };
  };
  const [x, y, z] = chest.geometry.imagePositionPatient(SCOUT_MATRIX - 1);
  return {
    ...chest,
    count: 1,
    slice,
    slices: [],
    geometry: {
      ...chest.geometry,
      imageOrientationPatient: [1, 0, 0, 0, 0, -1],
      pixelSpacing: [chest.geometry.spacingBetweenSlices, chest.geometry.pixelSpacing[1]],
      imagePositionPatient: () => [x, y + 200, z],
    },
  };
}

function meanOfRows(voxels: Int16Array): Int16Array {
  const sums = new Float64Array(SCOUT_MATRIX);
  for (let i = 0; i < voxels.length; i++) sums[i % SCOUT_MATRIX]! += voxels[i]!;
  return Int16Array.from(sums, (sum) => sum / SCOUT_MATRIX);
}

export function headStudy(options: ChestCtOptions = {}): Iterable<Uint8Array> {
  return ctFiles(headCt(options), { ...identityOf('head', options), bodyPartExamined: 'HEAD' });
}

/** @param bodyPartExamined what the tag says; a wrong one lets tests reach the gate behind it. */
export function abdomenStudy(options: ChestCtOptions = {}, bodyPartExamined = 'ABDOMEN'): Iterable<Uint8Array> {
  return ctFiles(abdomenCt(options), { ...identityOf('abdomen', options), bodyPartExamined });
}

function identityOf(part: string, options: ChestCtOptions): CtIdentity {
  const seed = options.seed ?? 1;
  return {
    study: `${part} ${JSON.stringify(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1)))}`,
    series: 'axial',
    seriesNumber: 2,
    patientName: `Phantom^${part[0]!.toUpperCase()}${part.slice(1)}`,
    patientId: `PHANTOM-${seed}`,
    accessionNumber: `P${String(seed).padStart(7, '0')}`,
    studyDescription: `Synthetic ${part} CT`,
    seriesDescription: `Phantom ${part}`,
    bodyPartExamined: 'CHEST',
    imageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
    convolutionKernel: (options.noiseSmoothness ?? 0.5) > 0 ? 'SOFT' : 'SHARP',
    patientPosition: options.orientation === 'prone' ? 'HFP' : 'HFS',
  };
}
