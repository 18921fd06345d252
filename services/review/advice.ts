/** What an operator can do about every reason and error: one sentence each, shown beside the reason on the page. */
import type { ErrorCode } from '../../src/errors.ts';
import type { ReasonCode } from '../../src/reasons.ts';

const RESEND = 'Send the study again from the PACS or the scanner; new images start a new reading.';
const REPLAY = 'When the cause is gone, replay the study; it is then read anew.';
const NOTHING = 'Nothing to do: this is left out on purpose.';
const OTHER_SERIES = 'Send a series that fits, such as the thin axial reconstruction; read this one without a draft.';
const READ_UNAIDED = 'Read the study without a draft.';
const MATCH = 'Correct the patient in the health record or in the images, then send the study again.';

export const ADVICE: Readonly<Record<ReasonCode | ErrorCode, string>> = {
  'not-dicom': NOTHING,
  'media-directory': NOTHING,
  'folder-without-dicom': 'Check the path: no file below the folder is a DICOM instance.',
  'empty-file': RESEND,
  'truncated-file': RESEND,
  'data-set-invalid': RESEND,
  'uid-missing': 'Correct the identifiers at the sender; without them nothing can be stored.',
  'uid-conflict': 'Find out which copy is right: the sender changed an image without giving it a new identifier.',
  'patient-conflict': 'Find out which patient the images belong to and correct them at the sender.',
  'message-invalid':
    'Correct the messages at their sender, or their mapping; the message lies in the dead-letter queue.',
  'message-too-large': 'Find out what sends such messages; the message lies in the dead-letter queue.',
  'no-pixel-data': NOTHING,
  'header-implausible': RESEND,
  'transfer-syntax-unsupported': 'Have the PACS send the study uncompressed or in another compression.',
  'decode-failed': RESEND,
  'decode-limit': 'Check that the image is what it claims to be; such sizes are refused to protect the service.',
  localizer: NOTHING,
  screenshot: NOTHING,
  'dose-sheet': NOTHING,
  'derived-image': NOTHING,
  'duplicate-slice': NOTHING,
  'color-image': NOTHING,
  'geometry-missing': OTHER_SERIES,
  'orientation-mixed': OTHER_SERIES,
  'matrix-mixed': OTHER_SERIES,
  'frame-of-reference-mixed': OTHER_SERIES,
  'several-volumes': OTHER_SERIES,
  'pixel-format-unsupported': OTHER_SERIES,
  'study-mismatch': 'Send the image to the study that it belongs to.',
  'slices-missing': 'Check that the series is complete and send the missing images; the study is then read anew.',
  'spacing-irregular': 'Check that the series is complete and send the missing images; the study is then read anew.',
  'gantry-tilt': OTHER_SERIES,
  'too-few-slices': OTHER_SERIES,
  'modality-unsupported': READ_UNAIDED,
  'no-instances': RESEND,
  'study-not-found': `Check that the study is in the archive that the event named. ${RESEND}`,
  'instances-awaited':
    'Nothing yet: they are waited for as long as `completeness.longestWaitSeconds` says, then what is there is read. Check whether the sender has sent everything.',
  'quiet-awaited':
    'Nothing: it is read when it has been quiet for `completeness.quietSeconds`, at the latest after `completeness.longestWaitSeconds`.',
  'too-many-instances': 'Read the study without a draft, or raise `completeness.largestStudy`.',
  'event-patient-mismatch':
    'Compare the Patient ID that the message or the order names with that of the images, correct whichever is wrong, then send it again or replay the study.',
  'no-readable-series': 'Look at the series that were set aside, with their reasons, further down.',
  'another-series-read': NOTHING,
  'no-model-selected': 'Read the study without a draft. To have such studies read, install a model package for them.',
  'no-rule-holds':
    'Read the study without a draft. What each rule wants is shown by `wetread rules test` with the UID.',
  'series-not-selected': NOTHING,
  'slot-empty':
    'Send the series that is named, or say in the rule (`slots`) what the site calls it; `wetread rules test` shows why none fits.',
  'other-frame-of-reference':
    'Nothing is registered: send a series of the same examination, in one frame of reference with the one that is read.',
  'slot-not-covering':
    'Send a series that shows the same place as the one that is read; read this one without a draft.',
  'wrong-modality': READ_UNAIDED,
  'wrong-body-part': READ_UNAIDED,
  'coverage-insufficient': READ_UNAIDED,
  'slice-too-thick': OTHER_SERIES,
  'outside-model-limits': READ_UNAIDED,
  'wrong-view': READ_UNAIDED,
  'wrong-orientation': OTHER_SERIES,
  'wrong-kernel': OTHER_SERIES,
  'wrong-contrast': READ_UNAIDED,
  'wrong-scanner': READ_UNAIDED,
  'patient-outside-use': READ_UNAIDED,
  'model-abstained': 'Read the study without a draft.',
  'answer-unusable':
    'Read the study without a draft. Where it happens often, raise maximumTokens in the package, or use a server that holds answers to a schema.',
  'burned-in-text':
    'Send the images without burned-in text, and with Burned In Annotation NO; what is burned in may be the patient.',
  'lossy-compression': 'Have the PACS send the images as they were acquired; read them without a draft.',
  'empty-image': RESEND,
  'out-of-distribution':
    'Read the study without a draft. Where such images are right for the model, its package needs other reference ranges.',
  'patient-unmatched':
    'Correct the patient in the health record or in the images, or the identifier systems under `healthRecord`, then replay the study.',
  'patient-ambiguous': MATCH,
  'patient-mismatch': MATCH,
  'order-mismatch': 'Correct the order in the health record or in the images, then send the study again.',
  'human-edited': 'Nothing to do: the report that a human wrote stands.',
  'operator-decision': 'Nothing to do; the history says what was decided, and when.',
  'order-withdrawn': 'Nothing by itself: Wetread did not read it further. Order it anew if it is needed after all.',
  'retries-exhausted': REPLAY,
  'archive-unreachable': `Check that the image archive runs and can be reached. ${REPLAY}`,
  'archive-refused': `Check what the image archive accepts from Wetread. ${REPLAY}`,
  'archive-truncated': `Check the connection to the image archive. ${REPLAY}`,
  'authorization-refused': `Check client, secret or key, and scope under \`credentials\`; the message says what the server said. ${REPLAY}`,
  'authorization-unreachable': `Check that the authorization server runs and can be reached. ${REPLAY}`,
  'certificate-refused': `The message names the key under \`tls\` to set, or what is to be renewed. ${REPLAY}`,
  'broker-refused':
    "Check Wetread's user and permissions on the message broker, and its queues against docs/events.md.",
  'broker-unreachable': 'Check that the message broker runs and can be reached; nothing is lost meanwhile.',
  'config-invalid': 'Correct the key of the configuration that is named.',
  conflict: REPLAY,
  'disk-full': `Make room where Wetread stores its data. ${REPLAY}`,
  'event-unroutable': 'Bind the queue of a subscriber, or switch rabbitmq.findingsReady off.',
  'folder-unreachable':
    'Check that the share is mounted and that Wetread may read, and where it moves or deletes also write, what lies in it.',
  'health-record-refused': `Check what the FHIR server accepts from Wetread. ${REPLAY}`,
  'health-record-unreachable': `Check that the FHIR server runs and can be reached. ${REPLAY}`,
  'inference-failed': `Look at the log of the inference service. ${REPLAY}`,
  'inference-unreachable': `Check that the inference service runs. ${REPLAY}`,
  internal: `Report this with the trace id; it is a fault of Wetread. ${REPLAY}`,
  'lease-lost': 'Nothing to do: another worker reads the study.',
  'ledger-unreachable': `Check that the database of the ledger runs and can be reached. ${REPLAY}`,
  'media-type-unsupported': 'Correct the request.',
  'not-authenticated':
    'Compare the secret file of `fhirSubscription` with the Authorization header of the Subscription at the FHIR server.',
  'not-acceptable': 'Correct the request.',
  'not-found': 'Check the address; the study may never have arrived.',
  overloaded: 'Wait; the sender tries again.',
  'package-untrusted':
    'Install the package as its maker signed it, or name the key of whoever signed it in trustedKeys.',
  'package-not-permitted':
    'Take the package out of the folders of the configuration, or, for research, set researchUse.',
  'package-invalid':
    'Run wetread models check on the folder of the package; it says what is wrong. Then install the package again.',
  'part10-invalid': RESEND,
  'request-invalid': 'Correct the request.',
  timeout: `Check the load of the machine and of the services that Wetread uses. ${REPLAY}`,
  'too-large': 'Raise the limit in the configuration if such sizes are expected.',
  'uid-invalid': 'Correct the identifiers at the sender.',
  'worklist-claim-lost':
    'End the item at the worklist server, and order it anew: its lock is gone, as after a lost ledger, or two installations use one AE title. Its studies are read.',
  'worklist-refused':
    "Check URL, dialect and AE title of the worklist in the configuration, and Wetread's rights on the server.",
  'worklist-unreachable':
    'Check that the worklist server runs and that its URL in the configuration is right; Wetread asks again by itself.',
  'writeback-mismatch': `Check the archive and the health record: what they return is not what was written. ${REPLAY}`,
};

/** What to do about a fault that no study waits for. */
export function remedyOf(code: ErrorCode): string {
  return ADVICE[code].replace(` ${REPLAY}`, '');
}
