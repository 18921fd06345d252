/**
 * What the archive says about a study. Names are the DICOM keywords in lower camel case.
 * An event is only a hint: these types are filled from the archive, never from a message.
 */
import type { FrameOfReferenceUid, SeriesInstanceUid, SopInstanceUid, StudyInstanceUid } from '../uid.ts';

/** An order that the images fulfil: Request Attributes Sequence (0040,0275) or the study's own Accession Number. */
export interface RequestAttributes {
  readonly accessionNumber?: string;
  /** Universal or local id of the accession's issuer (0008,0051). */
  readonly issuerOfAccessionNumber?: string;
  readonly requestedProcedureId?: string;
  readonly requestedProcedureDescription?: string;
  /** (0040,1002): free text. */
  readonly reasonForTheRequestedProcedure?: string;
  readonly placerOrderNumber?: string;
  readonly fillerOrderNumber?: string;
}

/** Patient and study attributes that results copy unchanged; empty stays absent. Patient data: never logged or traced. */
export interface StudyHeader {
  readonly studyInstanceUid: StudyInstanceUid;
  readonly patientId?: string;
  readonly issuerOfPatientId?: string;
  readonly patientName?: string;
  /** DA, `YYYYMMDD`. */
  readonly patientBirthDate?: string;
  readonly patientSex?: string;
  readonly studyDate?: string;
  readonly studyTime?: string;
  readonly studyId?: string;
  readonly studyDescription?: string;
  readonly accessionNumber?: string;
  readonly referringPhysicianName?: string;
  /** `+0100`; absent where the images do not say. */
  readonly timezoneOffsetFromUtc?: string;
  readonly requests: readonly RequestAttributes[];
}

export interface Instance {
  readonly sopInstanceUid: SopInstanceUid;
  readonly sopClassUid: string;
}

export interface Series {
  readonly seriesInstanceUid: SeriesInstanceUid;
  readonly modality: string;
  readonly seriesNumber?: number;
  readonly seriesDescription?: string;
  readonly instances: readonly Instance[];
}

export interface Study {
  readonly header: StudyHeader;
  readonly series: readonly Series[];
}

/** Millimetres, patient coordinates LPS (PS3.3 C.7.6.2.1.1). */
export type Point3 = readonly [number, number, number];

/** Geometry and rescale of one frame; multi-frame objects have one per frame (functional groups, PS3.3 C.7.6.16). */
export interface FrameHeader {
  /** Centre of the top-left pixel. */
  readonly imagePositionPatient?: Point3;
  /** Direction of increasing column index, then of increasing row index. */
  readonly imageOrientationPatient?: readonly [number, number, number, number, number, number];
  /** `[between rows, between columns]` in mm (PS3.3 10.7.1.3). */
  readonly pixelSpacing?: readonly [number, number];
  readonly sliceThickness?: number;
  readonly rescaleSlope: number;
  readonly rescaleIntercept: number;
  /** What tells frames at one position apart, by name: `time point`, `echo`, `b-value` … */
  readonly marks?: Readonly<Record<string, string>>;
}

/** Modality LUT Sequence (0028,3000): output for stored values `firstMapped …`; clamped outside. */
export interface ModalityLut {
  readonly firstMapped: number;
  readonly values: Uint16Array;
}

/** VOI LUT Sequence (0028,3010), PS3.3 C.11.2: brightness for modality values `firstMapped …`; clamped outside. */
export interface VoiLut extends ModalityLut {
  /** Of an entry: the brightest is 2^bits - 1. */
  readonly bits: number;
}

/** The header of an image instance as assembly needs it. */
export interface ImageHeader {
  readonly studyInstanceUid: StudyInstanceUid;
  readonly seriesInstanceUid: SeriesInstanceUid;
  readonly sopInstanceUid: SopInstanceUid;
  readonly sopClassUid: string;
  readonly modality: string;
  readonly imageType: readonly string[];
  readonly instanceNumber?: number;
  readonly acquisitionNumber?: number;
  readonly seriesNumber?: number;
  readonly seriesDescription?: string;
  readonly frameOfReferenceUid?: FrameOfReferenceUid;

  readonly rows: number;
  readonly columns: number;
  readonly numberOfFrames: number;
  readonly samplesPerPixel: number;
  readonly photometricInterpretation: string;
  readonly planarConfiguration: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  /** 0 unsigned, 1 two's complement (0028,0103). */
  readonly pixelRepresentation: 0 | 1;
  /** Stored values that carry no image, inclusive range (0028,0120), (0028,0121). */
  readonly pixelPadding?: { readonly low: number; readonly high: number };
  readonly modalityLut?: ModalityLut;
  /** Rescale Type (0028,1054), or Units (0054,1001) of PET. */
  readonly rescaleType?: string;
  /** (0008,9207): `MAX_IP` and others where values are no longer those of a slice (PS3.3 C.8.16.2.1.3). */
  readonly volumeBasedCalculationTechnique?: string;
  readonly windowCenter?: number;
  readonly windowWidth?: number;
  /** (0028,1056): `LINEAR` where absent. */
  readonly voiLutFunction?: string;
  /** The first one that the image offers. */
  readonly voiLut?: VoiLut;

  /** One per frame; single-frame objects have one. */
  readonly frames: readonly FrameHeader[];
  readonly gantryDetectorTilt?: number;
  readonly spacingBetweenSlices?: number;
  /** (0018,1164): at the detector, for projections. */
  readonly imagerPixelSpacing?: readonly [number, number];

  readonly bodyPartExamined?: string;
  readonly viewPosition?: string;
  /** (0020,0020): whither rows and columns run, such as `L` and `F`. */
  readonly patientOrientation?: readonly [string, string];
  readonly imageLaterality?: string;
  readonly convolutionKernel?: string;
  readonly contrastBolusAgent?: string;
  readonly manufacturer?: string;
  readonly manufacturerModelName?: string;
  readonly patientPosition?: string;
  readonly burnedInAnnotation?: string;
  readonly lossyImageCompression?: string;
  /** (0028,2112), of all compressions together. */
  readonly lossyImageCompressionRatio?: number;

  /** Completed years, from Patient's Age (0010,1010), else from birth date to study date. Patient data: for gates, never told. */
  readonly patientAgeYears?: number;
  /** (0010,0040). Patient data: for gates, never told. */
  readonly patientSex?: string;
}
