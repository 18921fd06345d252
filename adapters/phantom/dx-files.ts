/** Radiographs as Digital X-Ray Image Storage, For Presentation (PS3.3 A.26), Part 10 files. Deterministic. */
import { nameBasedUid } from '../../src/uid.ts';
import { decimalString, type NaturalDataSet, part10 } from './ct-files.ts';
import type { Radiograph } from './radiograph.ts';

const DX_FOR_PRESENTATION = '1.2.840.10008.5.1.4.1.1.1.1';

export interface DxIdentity {
  /** UIDs are derived from it. */
  readonly study: string;
  readonly bodyPartExamined?: string;
  /** PA, AP, LL …, of all images or one for each; PA where absent. */
  readonly viewPosition?: string | readonly string[];
}

/** One study of one series, an image each. */
export function* dxFiles(images: readonly Radiograph[], identity: DxIdentity): Generator<Uint8Array> {
  for (const [at, image] of images.entries())
    yield part10({ ...studyDataSet(identity), ...imageDataSet(image, identity, at) });
}

function studyDataSet({ study }: DxIdentity): NaturalDataSet {
  return {
    SpecificCharacterSet: 'ISO_IR 192',
    SOPClassUID: DX_FOR_PRESENTATION,
    StudyDate: '20260105',
    SeriesDate: '20260105',
    AcquisitionDate: '20260105',
    ContentDate: '20260105',
    StudyTime: '101500',
    SeriesTime: '101500',
    AcquisitionTime: '101500',
    ContentTime: '101500',
    AccessionNumber: 'PHANTOM-DX',
    Modality: 'DX',
    PresentationIntentType: 'FOR PRESENTATION',
    Manufacturer: 'Wetread',
    ManufacturerModelName: 'Phantom',
    ReferringPhysicianName: '',
    StudyDescription: 'Synthetic radiograph',
    PatientName: 'Phantom^Radiograph',
    PatientID: 'PHANTOM-DX',
    IssuerOfPatientID: 'WETREAD-PHANTOM',
    PatientBirthDate: '19600229',
    PatientSex: 'O',
    PatientComments: 'Synthetic phantom, no human being',
    StudyInstanceUID: nameBasedUid('phantom dx', study),
    SeriesInstanceUID: nameBasedUid('phantom dx', study, 'series'),
    StudyID: '1',
    SeriesNumber: 1,
  };
}

function imageDataSet(image: Radiograph, { study, ...identity }: DxIdentity, at: number): NaturalDataSet {
  const { rows, columns, pixelSpacing, pixels } = image;
  const { bodyPartExamined = 'CHEST', viewPosition = 'PA' } = identity;
  return {
    SOPInstanceUID: nameBasedUid('phantom dx', study, String(at)),
    InstanceNumber: at + 1,
    ImageType: ['ORIGINAL', 'PRIMARY', ''],
    BodyPartExamined: bodyPartExamined,
    ViewPosition: [viewPosition].flat()[at] ?? [viewPosition].flat()[0],
    PatientOrientation: ['L', 'F'],
    ImageLaterality: 'U',
    ImagerPixelSpacing: [pixelSpacing, pixelSpacing].map(decimalString),
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: rows,
    Columns: columns,
    BitsAllocated: 16,
    BitsStored: 12,
    HighBit: 11,
    PixelRepresentation: 0,
    PixelIntensityRelationship: 'LOG',
    PixelIntensityRelationshipSign: 1,
    RescaleIntercept: 0,
    RescaleSlope: 1,
    RescaleType: 'US',
    PresentationLUTShape: 'IDENTITY',
    BurnedInAnnotation: 'NO',
    LossyImageCompression: '00',
    WindowCenter: 2048,
    WindowWidth: 4096,
    PixelData: [Uint16Array.from(pixels).buffer],
  };
}
