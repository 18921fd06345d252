/** What a draft becomes outside: DICOM objects for the archive and one FHIR transaction for the health record. */
import type { DicomDataSet } from '../dicom-json.ts';
import type { SeriesInstanceUid, SopInstanceUid, StudyInstanceUid } from '../uid.ts';

export interface DicomObject {
  readonly kind: 'sr' | 'seg';
  readonly studyInstanceUid: StudyInstanceUid;
  readonly seriesInstanceUid: SeriesInstanceUid;
  readonly sopInstanceUid: SopInstanceUid;
  readonly sopClassUid: string;
  /** Without group 0002; pixel data apart, in {@link pixelData}. */
  readonly dataSet: DicomDataSet;
  /** Pixel Data (7FE0,0010), native little-endian, as OB. */
  readonly pixelData?: Uint8Array;
}

/** A DICOM object as a Part 10 file, ready for STOW-RS. */
export interface DicomFile {
  readonly object: DicomObject;
  readonly bytes: Uint8Array;
}
