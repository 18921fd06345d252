/**
 * Coded concepts (PS3.16, SNOMED CT, UCUM) used by findings, DICOM SR, SEG and FHIR alike.
 * Each constant names where its code comes from.
 */
export interface Code {
  /** Code Value (0008,0100). */
  readonly value: string;
  /** Coding Scheme Designator (0008,0102): `SCT`, `DCM`, `LN`, `UCUM`, `99WETREAD` … */
  readonly scheme: string;
  /** Code Meaning (0008,0104), at most 64 characters. */
  readonly meaning: string;
}

export function code(value: string, scheme: string, meaning: string): Code {
  return { value, scheme, meaning };
}

export function sameCode(a: Code, b: Code): boolean {
  return a.value === b.value && a.scheme === b.scheme;
}

/** The project's own scheme, for concepts that neither DCM, SCT, LOINC nor IBSI has (LAA-950, Perc15). */
export const PRIVATE_SCHEME = {
  designator: '99WETREAD',
  uid: '2.25.236414237063393478046211903458911027317',
  name: 'Wetread codes',
  responsible: 'Wetread project',
  fhirSystem: 'https://wetread.dev/codes',
} as const;

/** FHIR code systems of the coding scheme designators (HL7 terminology, PS3.16 section 8). */
export const FHIR_SYSTEM: Readonly<Record<string, string>> = {
  SCT: 'http://snomed.info/sct',
  DCM: 'http://dicom.nema.org/resources/ontology/DCM',
  LN: 'http://loinc.org',
  UCUM: 'http://unitsofmeasure.org',
  '99WETREAD': PRIVATE_SCHEME.fhirSystem,
};

// Anatomy and laterality: PS3.16 CID 4031, CID 244
export const LUNG = code('39607008', 'SCT', 'Lung');
export const RIGHT = code('24028007', 'SCT', 'Right');
export const LEFT = code('7771000', 'SCT', 'Left');
export const BILATERAL = code('51440002', 'SCT', 'Bilateral');
export const CHEST = code('816094009', 'SCT', 'Chest');

/** The question that CID 244 answers (PS3.16 TID 1411). */
export const LATERALITY = code('272741003', 'SCT', 'Laterality');

// Presence: PS3.16 CID 240
export const PRESENT = code('52101004', 'SCT', 'Present');
export const ABSENT = code('272519000', 'SCT', 'Absent');
export const UNDETERMINED = code('373068000', 'SCT', 'Undetermined');

// Categories: PS3.16 CID 7150
export const ANATOMICAL_STRUCTURE = code('91723000', 'SCT', 'Anatomical structure');

// Measures: PS3.16 CID 7472, DCM, and the private scheme
export const VOLUME = code('118565006', 'SCT', 'Volume');
export const ATTENUATION_COEFFICIENT = code('112031', 'DCM', 'Attenuation Coefficient');
export const PERC15 = code('PERC15', '99WETREAD', '15th percentile of lung density');
export const LAA950 = code('LAA950', '99WETREAD', 'Low attenuation area below -950 HU');
/** Of the box or sphere that a model drew: no standard code says that it is not the size of the lesion. */
export const REGION_SIZE = code('REGIONSIZE', '99WETREAD', 'Longest extent of the detected region');
export const MEASUREMENT_GROUP = code('125007', 'DCM', 'Measurement Group');
export const PROBABILITY = code('122157', 'DCM', 'Probability');
/** The value that voxels are counted below. */
export const THRESHOLD_ATTENUATION_COEFFICIENT = code('112032', 'DCM', 'Threshold Attenuation Coefficient');
/** PS3.16 TID 300; its values: CID 7464. */
export const DERIVATION = code('121401', 'DCM', 'Derivation');
export const MEAN = code('373098007', 'SCT', 'Mean');

/** How a number was measured, TID 300; the standard has no code for either of the two. */
export const MEASUREMENT_METHOD = code('370129005', 'SCT', 'Measurement Method');
export const AT_DETECTOR = code('ATDETECTOR', '99WETREAD', 'At the detector, not corrected for magnification');
export const UNSTATED_CALIBRATION = code('UNSTATEDCAL', '99WETREAD', 'By a pixel spacing of unstated calibration');

// Units: UCUM
export const MILLILITER = code('ml', 'UCUM', 'milliliter');
export const HOUNSFIELD_UNIT = code("[hnsf'U]", 'UCUM', 'Hounsfield unit');
export const MILLIMETER = code('mm', 'UCUM', 'millimeter');
export const PERCENT = code('%', 'UCUM', 'percent');
export const NO_UNITS = code('1', 'UCUM', 'no units');

// Document sections: PS3.16 CID 7001 (LOINC)
export const SECTION_TECHNIQUE = code('55111-9', 'LN', 'Current Procedure Descriptions');
export const SECTION_FINDINGS = code('59776-5', 'LN', 'Findings');
export const SECTION_IMPRESSION = code('19005-8', 'LN', 'Impressions');

// Procedures: PS3.16 CID 7000 (LOINC)
export const CT_CHEST = code('24627-2', 'LN', 'CT Chest');
/** Covers any, where no card or several cards name one. */
export const DIAGNOSTIC_IMAGING_STUDY = code('18748-4', 'LN', 'Diagnostic imaging study');
