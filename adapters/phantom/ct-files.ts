/** Slices as CT Image Storage objects (PS3.3 A.3), Part 10 files in Explicit VR Little Endian. Deterministic. */
import dcmjs from 'dcmjs';
import { nameBasedUid } from '../../src/uid.ts';
import type { PhantomCt } from './chest-ct.ts';

const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';
const EXPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
const IMPLEMENTATION_CLASS_UID = nameBasedUid('wetread', 'phantom');
/** Stored value 0 is -1024 HU, as CT scanners store it. */
const RESCALE_INTERCEPT = -1024;

/** What tells one study or series from another. UIDs are derived from `study` and `series`. */
export interface CtIdentity {
  readonly study: string;
  readonly series: string;
  readonly seriesNumber: number;
  readonly patientName: string;
  readonly patientId: string;
  readonly accessionNumber: string;
  readonly studyDescription: string;
  readonly seriesDescription: string;
  readonly bodyPartExamined: string;
  readonly imageType: readonly string[];
  readonly convolutionKernel: string;
  /** HFS, FFS, HFP …; empty for localizers. */
  readonly patientPosition: string;
}

/** One file per slice, made when it is asked for; stored in the order of the slices. */
export function* ctFiles(ct: PhantomCt, identity: CtIdentity): Generator<Uint8Array> {
  const series = seriesDataSet(ct, identity);
  for (let k = 0; k < ct.count; k++) {
    const image = imageDataSet(ct, identity, k);
    yield part10({ ...series, ...image });
  }
}

/** A data set by keywords. */
export type NaturalDataSet = Record<string, unknown>;

/** A data set with pixels of 16 bits as a file. */
export function part10(dataSet: NaturalDataSet): Uint8Array {
  const { DicomMetaDictionary, DicomDict } = dcmjs.data;
  const file = new DicomDict(
    DicomMetaDictionary.denaturalizeDataset({
      FileMetaInformationVersion: new Uint8Array([0, 1]).buffer,
      MediaStorageSOPClassUID: dataSet['SOPClassUID'],
      MediaStorageSOPInstanceUID: dataSet['SOPInstanceUID'],
      TransferSyntaxUID: EXPLICIT_VR_LITTLE_ENDIAN,
      ImplementationClassUID: IMPLEMENTATION_CLASS_UID,
      ImplementationVersionName: 'WETREAD',
    }),
  );
  file.dict = DicomMetaDictionary.denaturalizeDataset({ ...dataSet, _vrMap: { PixelData: 'OW' } });
  return new Uint8Array(file.write({ fragmentMultiframe: false }));
}

/** Patient, General Study, General Series, Frame of Reference, Equipment and what all images share. */
function seriesDataSet(ct: PhantomCt, identity: CtIdentity): NaturalDataSet {
  const { study, series } = identity;
  return {
    SpecificCharacterSet: 'ISO_IR 192',
    ImageType: identity.imageType,
    SOPClassUID: CT_IMAGE_STORAGE,
    StudyDate: '20260105',
    SeriesDate: '20260105',
    AcquisitionDate: '20260105',
    ContentDate: '20260105',
    StudyTime: '093000',
    SeriesTime: '093100',
    AcquisitionTime: '093100',
    ContentTime: '093100',
    AccessionNumber: identity.accessionNumber,
    Modality: 'CT',
    Manufacturer: 'Wetread',
    ManufacturerModelName: 'Phantom',
    ReferringPhysicianName: '',
    StudyDescription: identity.studyDescription,
    SeriesDescription: identity.seriesDescription,
    PatientName: identity.patientName,
    PatientID: identity.patientId,
    IssuerOfPatientID: 'WETREAD-PHANTOM',
    PatientBirthDate: '19600229',
    PatientSex: 'O',
    PatientComments: 'Synthetic phantom, no human being',
    BodyPartExamined: identity.bodyPartExamined,
    KVP: 120,
    SliceThickness: ct.geometry.sliceThickness,
    GantryDetectorTilt: ct.tiltDegrees,
    ConvolutionKernel: identity.convolutionKernel,
    PatientPosition: identity.patientPosition,
    StudyInstanceUID: nameBasedUid('phantom', study),
    SeriesInstanceUID: nameBasedUid('phantom', study, series),
    FrameOfReferenceUID: nameBasedUid('phantom', study, 'frame of reference'),
    PositionReferenceIndicator: '',
    StudyID: '1',
    SeriesNumber: identity.seriesNumber,
    AcquisitionNumber: 1,
  };
}

function imageDataSet(ct: PhantomCt, identity: CtIdentity, k: number): NaturalDataSet {
  const { study, series, imageType } = identity;
  const { geometry } = ct;
  return {
    SOPInstanceUID: nameBasedUid('phantom', study, series, String(k)),
    InstanceNumber: k + 1,
    ImagePositionPatient: geometry.imagePositionPatient(k).map(decimalString),
    ImageOrientationPatient: geometry.imageOrientationPatient.map(decimalString),
    PixelSpacing: geometry.pixelSpacing.map(decimalString),
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: geometry.rows,
    Columns: geometry.columns,
    BitsAllocated: 16,
    BitsStored: 12,
    HighBit: 11,
    PixelRepresentation: 0,
    WindowCenter: -600,
    WindowWidth: 1500,
    RescaleIntercept: RESCALE_INTERCEPT,
    RescaleSlope: 1,
    // a localizer's values are no CT numbers (PS3.3 C.8.2.1.1.2)
    ...(imageType.includes('LOCALIZER') ? {} : { RescaleType: 'HU' }),
    PixelData: [storedValues(ct.slice(k).voxels).buffer],
  };
}

function storedValues(voxels: Int16Array): Uint16Array<ArrayBuffer> {
  const stored = new Uint16Array(voxels.length);
  for (let i = 0; i < voxels.length; i++) stored[i] = voxels[i]! - RESCALE_INTERCEPT;
  return stored;
}

/** DS has at most 16 characters (PS3.5 section 6.2). */
export function decimalString(value: number): string {
  return String(Number(value.toFixed(8)));
}
