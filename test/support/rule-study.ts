/** A chest CT as scanners send it: a localizer, a thin soft reconstruction, and one for the lung with more slices than that. */
import { chestCt } from '../../adapters/phantom/chest-ct.ts';
import { type CtIdentity, ctFiles } from '../../adapters/phantom/ct-files.ts';
import { nameBasedUid, type SeriesInstanceUid, type StudyInstanceUid } from '../../src/uid.ts';

const STUDY = 'three reconstructions';

export const RULE_STUDY = {
  study: nameBasedUid<StudyInstanceUid>('phantom', STUDY),
  localizer: nameBasedUid<SeriesInstanceUid>('phantom', STUDY, 'localizer'),
  soft: nameBasedUid<SeriesInstanceUid>('phantom', STUDY, 'soft'),
  lung: nameBasedUid<SeriesInstanceUid>('phantom', STUDY, 'lung'),
};

export function threeReconstructions(): readonly Uint8Array[] {
  const chest = { seed: 3, matrix: 256, emphysema: 0.12 };
  const localizer = { seriesNumber: 1, imageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'] };
  return [
    ...ctFiles(chestCt({ ...chest, slices: 2, sliceSpacing: 5 }), identityOf('localizer', localizer)),
    ...ctFiles(
      chestCt({ ...chest, slices: 66, sliceSpacing: 5 }),
      identityOf('soft', { seriesNumber: 2, convolutionKernel: 'Br38f' }),
    ),
    ...ctFiles(
      chestCt({ ...chest, slices: 70, sliceSpacing: 4.8 }),
      identityOf('lung', { seriesNumber: 3, convolutionKernel: 'Bl57f' }),
    ),
  ];
}

function identityOf(series: string, more: Partial<CtIdentity>): CtIdentity {
  return {
    study: STUDY,
    series,
    seriesNumber: 1,
    patientName: 'Phantom^Three',
    patientId: 'PHANTOM-3',
    accessionNumber: 'P0000033',
    studyDescription: 'CT Thorax',
    seriesDescription: `Phantom ${series}`,
    bodyPartExamined: 'CHEST',
    imageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
    convolutionKernel: 'STANDARD',
    patientPosition: 'HFS',
    ...more,
  };
}
