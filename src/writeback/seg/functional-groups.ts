/** Multi-frame functional groups (PS3.3 C.7.6.16) and dimensions (C.7.6.17) of a SEG. */
import { isImagePlane, type MaskSource } from '../../assembly/image-plane.ts';
import type { Volume } from '../../assembly/volume.ts';
import type { DicomDataSet } from '../../dicom-json.ts';
import { referenceTo } from '../../inference/findings-from.ts';
import { imageReference } from '../../inference/images/image-findings.ts';
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

/**
 * What all frames share: pixel measures (C.7.6.16.2.1) and the orientation of the source (C.7.6.16.2.4). Both are for masks
 * in a frame of reference in the patient; those over an image on its own have none (Table A.51-2).
 */
export function sharedGroups(source: MaskSource): DicomDataSet {
  if (isImagePlane(source)) return {};
  const planes = planesOf(source);
  const measures = dataSet({
    sliceThickness: decimals([planes.sliceThickness]),
    spacingBetweenSlices: decimals([planes.spacingBetweenSlices]),
    pixelSpacing: decimals(planes.pixelSpacing),
  });
  const orientation = dataSet({ imageOrientationPatient: decimals(planes.imageOrientationPatient) });
  return dataSet({ pixelMeasuresSequence: [measures], planeOrientationSequence: [orientation] });
}

/** One item per frame: where it lies, which segment it shows, which image it came from. */
export function perFrameGroups(source: MaskSource, frames: readonly SegmentFrame[]): readonly DicomDataSet[] {
  const planes = [...new Set(frames.map((frame) => frame.slice))].sort((a, b) => a - b);
  const positions = new Map(planes.map((slice, i) => [slice, i + 1]));
  const sources = new Map(planes.map((slice) => [slice, sourceGroups(source, slice)]));
  return frames.map(({ segment, slice }) => ({
    ...sources.get(slice),
    ...dataSet({
      frameContentSequence: [
        dataSet({
          dimensionIndexValues: isImagePlane(source) ? [segment.number] : [segment.number, positions.get(slice)!],
        }),
      ],
      segmentIdentificationSequence: [dataSet({ referencedSegmentNumber: segment.number })],
    }),
  }));
}

/** Derivation Image (C.7.6.16.2.6) and, in the patient, Plane Position (C.7.6.16.2.3): the same for every segment on a slice. */
function sourceGroups(source: MaskSource, slice: number): DicomDataSet {
  const reference = isImagePlane(source) ? imageReference(source.image) : referenceTo(source, slice);
  const image: DicomDataSet = {
    ...sopReference(reference),
    ...dataSet({
      referencedFrameNumber: reference.frameNumber,
      spatialLocationsPreserved: 'YES',
      purposeOfReferenceCodeSequence: [codedEntry(SOURCE_IMAGE)],
    }),
  };
  const derivation = dataSet({
    derivationCodeSequence: [codedEntry(SEGMENTATION_DERIVATION)],
    sourceImageSequence: [image],
  });
  return dataSet({
    derivationImageSequence: [derivation],
    planePositionSequence: isImagePlane(source) ? undefined : [planePosition(source, slice)],
  });
}

function planePosition(volume: Volume, slice: number): DicomDataSet {
  return dataSet({ imagePositionPatient: decimals(volume.slices[slice]!.imagePositionPatient) });
}

/** Multi-frame Dimension (C.7.6.17): first the segment, then the position of the plane where it has one. */
export function dimensions(sopInstanceUid: SopInstanceUid, source: MaskSource): DicomDataSet {
  const dimensionOrganizationUid = nameBasedUid('dimension-organization', sopInstanceUid);
  const bySegment = dataSet({
    dimensionOrganizationUid,
    dimensionIndexPointer: tagOf('referencedSegmentNumber'),
    functionalGroupPointer: tagOf('segmentIdentificationSequence'),
    dimensionDescriptionLabel: 'Segment Number',
  });
  const byPosition = dataSet({
    dimensionOrganizationUid,
    dimensionIndexPointer: tagOf('imagePositionPatient'),
    functionalGroupPointer: tagOf('planePositionSequence'),
    dimensionDescriptionLabel: 'Image Position (Patient)',
  });
  return dataSet({
    dimensionOrganizationSequence: [dataSet({ dimensionOrganizationUid })],
    dimensionIndexSequence: isImagePlane(source) ? [bySegment] : [bySegment, byPosition],
  });
}
