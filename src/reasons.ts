/**
 * Why something was not read, in codes that reach `summary.json`, the page and the metrics. Nothing here is a fault:
 * each is an outcome that an operator can act on. docs/errors.md lists every code; a test compares the two.
 */
import type { ErrorCode } from './errors.ts';

export const REASONS = {
  // a file or an instance
  'not-dicom': 'The file is not DICOM',
  'media-directory': 'A media directory (DICOMDIR), which holds no instance',
  'folder-without-dicom': 'The folder holds no DICOM instance',
  'empty-file': 'The file is empty',
  'truncated-file': 'The file ends before its data set does',
  'data-set-invalid': 'The data set is broken or incomplete',
  'uid-missing': 'A Study, Series or SOP Instance UID is missing or invalid',
  'uid-conflict': 'Other bytes were stored before under the same SOP Instance UID',
  'patient-conflict': 'Two patients share one Study Instance UID',
  'study-mismatch': 'The instance belongs to another study than the request names',
  'no-pixel-data': 'The object has no pixel data',
  'header-implausible': 'Rows, columns and bits do not fit the size of the pixel data',
  'transfer-syntax-unsupported': 'No decoder exists for the transfer syntax',
  'decode-failed': 'The pixel data could not be decoded',
  'decode-limit': 'Decoding would exceed the size or time limit',
  // a message
  'message-invalid': 'The message breaks its contract',
  'message-too-large': 'The message is larger than any that names studies',
  // an instance within its series
  localizer: 'A localizer (scout) image',
  screenshot: 'A screen capture or a derived summary page',
  'dose-sheet': 'A dose report page',
  'derived-image': 'A derived image, such as a projection',
  'duplicate-slice': 'Another slice lies at the same position',
  'color-image': 'A colour image in a greyscale series',
  'pixel-format-unsupported': 'Pixels are stored in a form that cannot be read as images of this kind',
  'several-volumes': 'Several volumes lie at the same positions; at most one of them is read',
  // a series
  'geometry-missing': 'Position, orientation or spacing is missing',
  'orientation-mixed': 'Slices have different orientations',
  'matrix-mixed': 'Slices have different matrices or pixel spacings',
  'frame-of-reference-mixed': 'Slices belong to different frames of reference',
  'slices-missing': 'Slices are missing between the first and the last',
  'spacing-irregular': 'Distances between slices vary',
  'gantry-tilt': 'Slices are sheared by gantry tilt',
  'too-few-slices': 'Too few slices for a volume',
  'modality-unsupported': 'Nothing is known about reading this modality',
  // a study
  'no-instances': 'The study holds no instances',
  'study-not-found': 'The archive does not know the study',
  'instances-awaited': 'Fewer instances are in the archive than the source has announced',
  'quiet-awaited': 'The study is still growing, or has not been quiet for as long as the site or the rule wants',
  'too-many-instances': 'The study holds more instances than are read',
  'event-patient-mismatch': 'The event names another patient than the images',
  'no-readable-series': 'No series of the study can be assembled',
  'another-series-read': 'Another series of the study was read',
  'series-not-selected': 'The rule leaves the series out',
  'slot-empty': 'A further series that the model is to be given is missing',
  'no-model-selected': 'No model is configured for this kind of study',
  'no-rule-holds': 'No rule of the site holds for the study',
  // the model's own gate
  'wrong-modality': 'The model does not read this modality',
  'wrong-body-part': 'The images do not show the body part that the model reads',
  'coverage-insufficient': 'The organ is not covered completely',
  'slice-too-thick': 'Slices are thicker than the model allows',
  'outside-model-limits': 'The images lie outside the limits that the model card states',
  'wrong-view': 'The view is not one that the model reads',
  'wrong-orientation': 'The patient or the slices lie in a way that the model does not read',
  'wrong-kernel': 'The reconstruction kernel is not one that the model reads',
  'wrong-contrast': 'The model reads only images with, or only images without, contrast agent',
  'wrong-scanner': 'The images come from a manufacturer that the model does not read',
  'patient-outside-use': 'Age or sex of the patient are not those that the model is for',
  'burned-in-text': 'Text is burned into the images',
  'lossy-compression': 'The images were compressed with more loss than the model allows',
  'other-frame-of-reference': 'A further series has another frame of reference than the one that is read',
  'slot-not-covering': 'A further series covers too little of the one that is read',
  'empty-image': 'Every pixel has the same value',
  'out-of-distribution': 'The images do not look like those that the model was made for',
  // a language model
  'model-abstained': 'The model would not answer',
  'answer-unusable': 'The answer of the model cannot be used',
  // writing back
  'patient-unmatched': 'The health record holds no patient with this identifier',
  'patient-ambiguous': 'The health record holds several patients with this identifier',
  'patient-mismatch': 'Birth date or sex differ between the images and the health record',
  'order-mismatch': 'The order belongs to another patient',
  'human-edited': 'A human has edited or signed the report; Wetread leaves it alone',
  // an operator
  'operator-decision': 'An operator decided it',
  'order-withdrawn': 'Whoever ordered the reading has taken the order back',
  'retries-exhausted': 'Every retry failed; an operator replays or closes the study',
} as const satisfies Record<string, string>;

export type ReasonCode = keyof typeof REASONS;

export interface Reason {
  readonly code: ReasonCode;
  /** Facts for an operator, such as "gap of 10.0 mm after slice 41"; never patient data. */
  readonly detail?: string;
}

export function reason(code: ReasonCode, detail?: string): Reason {
  return detail === undefined ? { code } : { code, detail };
}

/** Why a study or a file is where it is: an expected outcome, or a fault. */
export interface Cause {
  readonly code: ReasonCode | ErrorCode;
  readonly detail?: string;
}

/** A step that ends without a result, and why. */
export interface Skipped {
  readonly skipped: Reason;
}

export function isSkipped(value: unknown): value is Skipped {
  return typeof value === 'object' && value !== null && 'skipped' in value;
}

/** One line for a person: the meaning, then the facts. */
export function explain(r: Reason): string {
  return r.detail === undefined ? REASONS[r.code] : `${REASONS[r.code]}: ${r.detail}`;
}
