/** Concepts that the templates of PS3.16 name themselves: DCM (Annex D) unless the scheme says otherwise. */
import { type Code, code } from '../../codes.ts';

const dcm = (value: string, meaning: string): Code => code(value, 'DCM', meaning);

// TID 1500, 1204, 1002, 1004
export const IMAGING_MEASUREMENT_REPORT = dcm('126000', 'Imaging Measurement Report');
export const LANGUAGE = dcm('121049', 'Language of Content Item and Descendants');
export const ENGLISH = code('en', 'RFC5646', 'English');
export const OBSERVER_TYPE = dcm('121005', 'Observer Type');
export const DEVICE = dcm('121007', 'Device');
export const DEVICE_OBSERVER_UID = dcm('121012', 'Device Observer UID');
export const DEVICE_OBSERVER_NAME = dcm('121013', 'Device Observer Name');
export const DEVICE_OBSERVER_MANUFACTURER = dcm('121014', 'Device Observer Manufacturer');
export const DEVICE_OBSERVER_MODEL_NAME = dcm('121015', 'Device Observer Model Name');
export const DEVICE_OBSERVER_SERIAL_NUMBER = dcm('121016', 'Device Observer Serial Number');
export const PROCEDURE_REPORTED = dcm('121058', 'Procedure reported');
export const IMAGING_MEASUREMENTS = dcm('126010', 'Imaging Measurements');
export const QUALITATIVE_EVALUATIONS = code('C0034375', 'UMLS', 'Qualitative Evaluations');

// TID 1600, 1602, 1603, 1604
export const IMAGE_LIBRARY = dcm('111028', 'Image Library');
export const IMAGE_LIBRARY_GROUP = dcm('126200', 'Image Library Group');
export const MODALITY = dcm('121139', 'Modality');
export const STUDY_DATE = dcm('111060', 'Study Date');
export const STUDY_TIME = dcm('111061', 'Study Time');
export const FRAME_OF_REFERENCE_UID = dcm('112227', 'Frame of Reference UID');
export const PIXEL_DATA_ROWS = dcm('110910', 'Pixel Data Rows');
export const PIXEL_DATA_COLUMNS = dcm('110911', 'Pixel Data Columns');
export const IMAGE_VIEW = dcm('111031', 'Image View');
export const HORIZONTAL_PIXEL_SPACING = dcm('111026', 'Horizontal Pixel Spacing');
export const VERTICAL_PIXEL_SPACING = dcm('111066', 'Vertical Pixel Spacing');
export const SPACING_BETWEEN_SLICES = dcm('112226', 'Spacing between slices');
export const SLICE_THICKNESS = dcm('112225', 'Slice Thickness');
export const IMAGE_ORIENTATION_PATIENT: readonly Code[] = [
  dcm('110904', 'Image Orientation (Patient) Row X'),
  dcm('110905', 'Image Orientation (Patient) Row Y'),
  dcm('110906', 'Image Orientation (Patient) Row Z'),
  dcm('110907', 'Image Orientation (Patient) Column X'),
  dcm('110908', 'Image Orientation (Patient) Column Y'),
  dcm('110909', 'Image Orientation (Patient) Column Z'),
];

// TID 1410, 1411, 1501, 1419, 300
export const TRACKING_IDENTIFIER = dcm('112039', 'Tracking Identifier');
export const TRACKING_UNIQUE_IDENTIFIER = dcm('112040', 'Tracking Unique Identifier');
export const FINDING_CATEGORY = code('276214006', 'SCT', 'Finding category');
export const FINDING = dcm('121071', 'Finding');
export const REFERENCED_SEGMENT = dcm('121191', 'Referenced Segment');
export const REFERENCED_SEGMENTATION_FRAME = dcm('121214', 'Referenced Segmentation Frame');
export const SOURCE_IMAGE_FOR_SEGMENTATION = dcm('121233', 'Source image for segmentation');
export const SOURCE_SERIES_FOR_SEGMENTATION = dcm('121232', 'Source series for segmentation');
export const IMAGE_REGION = dcm('111030', 'Image Region');
export const VOLUME_SURFACE = dcm('121231', 'Volume Surface');
export const ILLUSTRATION_OF_ROI = dcm('121200', 'Illustration of ROI');
export const SOURCE_OF_MEASUREMENT = dcm('121112', 'Source of Measurement');
export const FINDING_SITE = code('363698007', 'SCT', 'Finding Site');
export const THRESHOLD = code('THRESHOLD', '99WETREAD', 'Threshold');
/** CID 42, for a value that is absent without a better reason. */
export const VALUE_UNKNOWN = dcm('114010', 'Value unknown');

// TID 4019
export const ALGORITHM_NAME = dcm('111001', 'Algorithm Name');
export const ALGORITHM_VERSION = dcm('111003', 'Algorithm Version');
export const ALGORITHM_PARAMETERS = dcm('111002', 'Algorithm Parameters');
export const ALGORITHM_FAMILY = dcm('111000', 'Algorithm Family');
/** CID 7162. */
export const ARTIFICIAL_INTELLIGENCE = dcm('123110', 'Artificial Intelligence');

// Qualitative evaluations: CID 6047 and CID 7002
export const CAD_SUMMARY = dcm('111017', 'CAD Processing and Findings Summary');
export const SUCCEEDED_WITHOUT_FINDINGS = dcm('111241', 'All algorithms succeeded; without findings');
export const SUCCEEDED_WITH_FINDINGS = dcm('111242', 'All algorithms succeeded; with findings');
export const PARTLY_FAILED_WITHOUT_FINDINGS = dcm('111243', 'Not all algorithms succeeded; without findings');
export const PARTLY_FAILED_WITH_FINDINGS = dcm('111244', 'Not all algorithms succeeded; with findings');
export const PROCEDURE_DESCRIPTION = dcm('121065', 'Procedure Description');
export const IMPRESSION = dcm('121073', 'Impression');
export const COMMENT = dcm('121106', 'Comment');

// Purposes of reference: CID 7005, CID 7202; derivation: CID 7203
export const PROCESSING_EQUIPMENT = dcm('109102', 'Processing Equipment');
export const SOURCE_IMAGE = dcm('121322', 'Source image for image processing operation');
export const SEGMENTATION_DERIVATION = dcm('113076', 'Segmentation');

// Units: UCUM
export const PIXELS = code('{pixels}', 'UCUM', 'pixels');
/** Components of unit vectors, as TID 1604 asks for them. */
export const RATIO = code('{-1:1}', 'UCUM', '{-1:1}');
