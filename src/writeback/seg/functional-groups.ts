/** Multi-frame functional groups (PS3.3 C.7.6.16) and dimensions (C.7.6.17) of a SEG. */
import type { Volume } from '../../assembly/volume.ts';
import type { DicomDataSet } from '../../dicom-json.ts';
import type { SopInstanceUid } from '../../uid.ts';
import { nameBasedUid } from '../../uid.ts';
import { codedEntry } from '../coded-entry.ts';
import { dataSet, tagOf } from '../data-set.ts';
import { planesOf } from '../planes.ts';
import { sopReference } from '../references.ts';
import { SEGMENTATION_DERIVATION, SOURCE_IMAGE } from '../sr/concepts.ts';
import { decimalString } from '../text.ts';
import type { SegmentFrame } from './frames.ts';

/** Rounded as DS will be written, so that what is built is what is read back. */
const decimals = (values: readonly number[]): readonly number[] => values.map((value) => Number(decimalString(value)));

/** What all frames share: pixel measures (C.7.6.16.2.1) and the orientation of the source (C.7.6.16.2.4). */
export function sharedGroups(volume: Volume): DicomDataSet {
  const planes = planesOf(volume);
  const measures = dataSet({
    sliceThickness: decimals([planes.sliceThickness]),
    spacingBetweenSlices: decimals([planes.spacingBetweenSlices]),
    pixelSpacing: decimals(planes.pixelSpacing),
  });
  const orientation = dataSet({ imageOrientationPatient: decimals(planes.imageOrientationPatient) });
  return dataSet({ pixelMeasuresSequence: [measures], planeOrientationSequence: [orientation] });
}

/** One item per frame: where it lies, which segment it shows, which image it came from. */
export function perFrameGroups(volume: Volume, frames: readonly SegmentFrame[]): readonly DicomDataSet[] {
  const planes = [...new Set(frames.map((frame) => frame.slice))].sort((a, b) => a - b);
  const positions = new Map(planes.map((slice, i) => [slice, i + 1]));
  const sources = new Map(planes.map((slice) => [slice, sourceGroups(volume, slice)]));
  return frames.map(({ segment, slice }) => ({
    ...sources.get(slice),
    ...dataSet({
      frameContentSequence: [dataSet({ dimensionIndexValues: [segment.number, positions.get(slice)!] })],
      segmentIdentificationSequence: [dataSet({ referencedSegmentNumber: segment.number })],
    }),
  }));
}

/** Derivation Image (C.7.6.16.2.6) and Plane Position (C.7.6.16.2.3): the same for every segment on a slice. */
function sourceGroups(volume: Volume, slice: number): DicomDataSet {
  const source = volume.slices[slice]!;
  const image: DicomDataSet = {
    ...sopReference(source),
    ...dataSet({
      referencedFrameNumber: volume.header.numberOfFrames > 1 ? source.frameNumber : undefined,
      spatialLocationsPreserved: 'YES',
      purposeOfReferenceCodeSequence: [codedEntry(SOURCE_IMAGE)],
    }),
  };
  const derivation = dataSet({
    derivationCodeSequence: [codedEntry(SEGMENTATION_DERIVATION)],
    sourceImageSequence: [image],
  });
  const position = dataSet({ imagePositionPatient: decimals(source.imagePositionPatient) });
  return dataSet({ derivationImageSequence: [derivation], planePositionSequence: [position] });
}

/** Multi-frame Dimension (C.7.6.17): first the segment, then the position of the plane. */
export function dimensions(sopInstanceUid: SopInstanceUid): DicomDataSet {
  const dimensionOrganizationUid = nameBasedUid('dimension-organization', sopInstanceUid);
  return dataSet({
    dimensionOrganizationSequence: [dataSet({ dimensionOrganizationUid })],
    dimensionIndexSequence: [
      dataSet({
        dimensionOrganizationUid,
        dimensionIndexPointer: tagOf('referencedSegmentNumber'),
        functionalGroupPointer: tagOf('segmentIdentificationSequence'),
        dimensionDescriptionLabel: 'Segment Number',
      }),
      dataSet({
        dimensionOrganizationUid,
        dimensionIndexPointer: tagOf('imagePositionPatient'),
        functionalGroupPointer: tagOf('planePositionSequence'),
        dimensionDescriptionLabel: 'Image Position (Patient)',
      }),
    ],
  });
}
