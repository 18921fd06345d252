/**
 * The masks as a DICOM Segmentation (PS3.3 A.51, C.8.20): BINARY, in the planes of the source images, whatever their
 * tilt, or on one image that has no place in the patient. Pure: the same masks and report give the same object.
 */
import { isImagePlane, type MaskSource } from '../assembly/image-plane.ts';
import type { DicomDataSet } from '../dicom-json.ts';
import type { Findings, InstanceReference } from '../inference/findings.ts';
import { imageReference } from '../inference/images/image-findings.ts';
import type { DicomObject } from './artifact.ts';
import { codingSchemes } from './coded-entry.ts';
import { dataSet } from './data-set.ts';
import * as identity from './identity.ts';
import { equipment, patientAndStudy, type ResultContext, series, sopCommon, timeOf } from './modules.ts';
import { distinctInstances, sopReference } from './references.ts';
import { framesOf, packFrames, type SegmentFrame, type WrittenSegmentation } from './seg/frames.ts';
import { dimensions, perFrameGroups, sharedGroups } from './seg/functional-groups.ts';
import { findingsOn, segmentItem } from './seg/segments.ts';
import { line } from './text.ts';

export const SEGMENTATION_STORAGE = '1.2.840.10008.5.1.4.1.1.66.4';

export interface SegmentationObjectInput extends ResultContext {
  /** What the algorithm says whose outlines these are: one of the report's readings. */
  readonly findings: Findings;
  readonly segmentation: WrittenSegmentation;
}

/** @throws WetreadError `internal` where the volume has no geometry */
export function segmentationObject(input: SegmentationObjectInput): DicomObject {
  const { report, study, segmentation, findings } = input;
  const { source } = segmentation;
  const image = imageOutlined(source);
  const object = { segOf: findings.algorithm, ...(image && { image }) };
  const frames = framesOf(segmentation);
  const seg: DicomDataSet = {
    ...sopCommon(input, object, SEGMENTATION_STORAGE),
    ...patientAndStudy(study),
    ...series(input, object, outlinedBy(input)),
    ...equipment(input),
    ...frameOfReference(source),
    ...sourceSeries(source),
    ...segmentationImage(input, frames),
    ...dimensions(identity.sopInstanceUid(report, object), source),
    ...dataSet({
      sharedFunctionalGroupsSequence: [sharedGroups(source)],
      perFrameFunctionalGroupsSequence: perFrameGroups(source, frames),
    }),
  };
  return {
    kind: 'seg',
    studyInstanceUid: study.studyInstanceUid,
    seriesInstanceUid: identity.seriesInstanceUid(report, object),
    sopInstanceUid: identity.sopInstanceUid(report, object),
    sopClassUid: SEGMENTATION_STORAGE,
    dataSet: { ...seg, ...dataSet({ codingSchemeIdentificationSequence: codingSchemes(seg) }) },
    pixelData: packFrames(segmentation, frames),
  };
}

/** `ct-lung-density 1.2.0: Right lung, Left lung`: of several series of SEGs, whose each is, and of what. */
function outlinedBy({ findings: { algorithm }, segmentation }: SegmentationObjectInput): string {
  return `${algorithm.name} ${algorithm.version}: ${segmentation.segments.map(({ label }) => label).join(', ')}`;
}

/** The one image that masks lie on where they are not over a volume. */
export function imageOutlined(source: MaskSource): InstanceReference | undefined {
  return isImagePlane(source) ? imageReference(source.image) : undefined;
}

/**
 * Frame of Reference (PS3.3 C.7.4.1): the source's own, so that the masks lie on the images. An image on its own has no
 * position in one, so its masks lie on it pixel by pixel, by the Derivation Image alone (A.51.5.1).
 */
function frameOfReference(source: MaskSource): DicomDataSet {
  if (isImagePlane(source)) return {};
  return dataSet({ frameOfReferenceUid: source.frameOfReferenceUid, positionReferenceIndicator: '' });
}

/** Common Instance Reference (PS3.3 C.12.2): every image of the volume, with or without a frame here. */
function sourceSeries(source: MaskSource): DicomDataSet {
  const read = isImagePlane(source) ? [imageReference(source.image)] : source.slices;
  const instances = distinctInstances(read).map(sopReference);
  const item = dataSet({ seriesInstanceUid: source.seriesInstanceUid, referencedInstanceSequence: instances });
  return dataSet({ referencedSeriesSequence: [item] });
}

/** General Image, Image Pixel, Multi-frame and Segmentation Image (PS3.3 C.7.6.1, C.7.6.3, C.7.6.16, C.8.20.2). */
function segmentationImage(input: SegmentationObjectInput, frames: readonly SegmentFrame[]): DicomDataSet {
  const { report, findings, segmentation } = input;
  const { source } = segmentation;
  const [, rows, columns] = source.shape;
  const { lossyImageCompression, patientOrientation } = isImagePlane(source) ? source.image.header : source.header;
  const told = findingsOn(findings, imageOutlined(source));
  const { date, time } = timeOf(input);
  return dataSet({
    imageType: ['DERIVED', 'PRIMARY'],
    // Revisions join one series, so the revision numbers them.
    instanceNumber: report.provenance.revision,
    // what has a position in the patient says it in degrees
    patientOrientation: isImagePlane(source) ? (patientOrientation ?? '') : undefined,
    contentDate: date,
    contentTime: time,
    contentLabel: 'AI_DRAFT',
    contentDescription: line(report.title, 64),
    contentCreatorName: '',
    samplesPerPixel: 1,
    photometricInterpretation: 'MONOCHROME2',
    numberOfFrames: frames.length,
    rows,
    columns,
    bitsAllocated: 1,
    bitsStored: 1,
    highBit: 0,
    pixelRepresentation: 0,
    // Masks of images that once were compressed lossily carry that history on.
    lossyImageCompression: lossyImageCompression === '01' ? '01' : '00',
    segmentationType: 'BINARY',
    segmentSequence: segmentation.segments.map((segment) => segmentItem(report, told, segment)),
  });
}
