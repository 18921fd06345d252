/**
 * What messages say of studies. Wetread's own contract is contracts/study-arrived.schema.json; a message of another
 * system is read by a mapping: data that says where each value stands. Pure: a parsed message in, hints out. A Patient ID
 * becomes a digest here and goes nowhere else.
 */
import type { MappedField, MessageMapping, StudyArrived } from '../../contracts/generated/types.ts';
import { reason, type Skipped } from '../reasons.ts';
import { isUid, parseUid, type StudyInstanceUid } from '../uid.ts';
import { patientDigest } from './patient-digest.ts';
import { PRIORITIES, type Priority } from './priority.ts';
import type { StudyHint } from './study-event.ts';

export type { MessageMapping, StudyArrived } from '../../contracts/generated/types.ts';

export const READY_MADE_MAPPINGS = {
  /**
   * Workflow request of the MONAI Deploy Informatics Gateway (exchange `monaideploy`, key `md.workflow.request`): it
   * lists files as `<payload id>/dcm/<Study Instance UID>/<Series Instance UID>/<SOP Instance UID>.dcm`, of one study
   * or several. Its file count is not taken for the study's: a payload is closed by a timer and may hold other files.
   */
  'monai-informatics-gateway': { studyInstanceUid: { pointer: '/payload/*/path', segmentAfter: 'dcm' } },
  /**
   * What Orthanc answers on `/studies/{id}`, sent by a plug-in when a study is stable. Stable means quiet for a while,
   * not complete, so it is no evidence beside Wetread's own looks.
   */
  orthanc: {
    studyInstanceUid: { pointer: '/MainDicomTags/StudyInstanceUID' },
    patientId: { pointer: '/PatientMainDicomTags/PatientID' },
  },
} as const satisfies Record<string, MessageMapping>;

type Scalar = string | number | boolean;

/** W3C Trace Context, section 3.2. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** @returns undefined where it is none; the standard has a receiver go on without it. */
export function parseTraceparent(value: unknown): string | undefined {
  return typeof value === 'string' && TRACEPARENT.test(value) ? value : undefined;
}

/** A message that keeps Wetread's own contract. */
export function hintOfArrival(message: StudyArrived): StudyHint {
  const { studyInstanceUid, archive, expectedInstances, complete, priority, patientDigest: digest } = message;
  const traceparent = parseTraceparent(message.traceparent);
  return {
    studyInstanceUid: parseUid<StudyInstanceUid>(studyInstanceUid),
    ...(complete === true && { rung: 'source-says' }),
    ...(archive !== undefined && { archive }),
    ...(expectedInstances !== undefined && { expectedInstances }),
    ...(priority !== undefined && { priority }),
    ...(digest !== undefined && { patientDigest: digest }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/**
 * A message of another system.
 * @returns a hint for each study; none where the mapping passes the message over; `uid-missing` where it should name a
 * study and does not
 */
export function hintsOfForeign(message: unknown, mapping: MessageMapping): readonly StudyHint[] | Skipped {
  if (!concerns(message, mapping)) return [];
  const named = valuesOf(message, mapping.studyInstanceUid).map((value) => String(value).trim());
  const studies = [...new Set(named)].filter(isUid).map((uid) => parseUid<StudyInstanceUid>(uid));
  if (studies.length === 0) return { skipped: reason('uid-missing', 'the message names no study') };
  const said = { ...saidOfAny(message, mapping), ...(studies.length === 1 && saidOfOne(message, mapping)) };
  return studies.map((studyInstanceUid) => ({ studyInstanceUid, ...said }));
}

function concerns(message: unknown, { only = [] }: MessageMapping): boolean {
  return only.every(({ pointer, equals }) => {
    return valuesAt(message, pointer).some((value) => (equals as readonly unknown[]).includes(value));
  });
}

function saidOfAny(message: unknown, mapping: MessageMapping): Omit<StudyHint, 'studyInstanceUid'> {
  const archive = firstOf(message, mapping.archive);
  const priority = priorityOf(firstOf(message, mapping.priority));
  const traceparent = parseTraceparent(firstOf(message, mapping.traceparent));
  return {
    ...(firstOf(message, mapping.complete) === true && { rung: 'source-says' }),
    ...(archive !== undefined && { archive: String(archive) }),
    ...(priority !== undefined && { priority }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/** What holds for one study cannot be said of several. */
function saidOfOne(message: unknown, mapping: MessageMapping): Omit<StudyHint, 'studyInstanceUid'> {
  const expected = Number(firstOf(message, mapping.expectedInstances));
  const patientId = String(firstOf(message, mapping.patientId) ?? '').trim();
  return {
    ...(Number.isSafeInteger(expected) && expected > 0 && { expectedInstances: expected }),
    ...(patientId !== '' && { patientDigest: patientDigest(patientId) }),
  };
}

function priorityOf(value: Scalar | undefined): Priority | undefined {
  return PRIORITIES.find((priority) => priority === String(value).toLowerCase());
}

function firstOf(message: unknown, field: MappedField | undefined): Scalar | undefined {
  return field === undefined ? undefined : valuesOf(message, field)[0];
}

/** Every value of a field that is there and that the mapping gives a meaning. */
function valuesOf(message: unknown, field: MappedField): readonly Scalar[] {
  const { pointer, constant, segmentAfter, values } = field;
  if (pointer === undefined) return constant === undefined ? [] : [constant];
  return valuesAt(message, pointer)
    .filter((value) => ['string', 'number', 'boolean'].includes(typeof value))
    .map((value) => (segmentAfter === undefined ? (value as Scalar) : segmentOf(String(value), segmentAfter)))
    .map((value) => (values === undefined || value === undefined ? value : meaningOf(value, values)))
    .filter((value) => value !== undefined);
}

function segmentOf(path: string, folder: string): string | undefined {
  const segments = path.split('/');
  const index = segments.indexOf(folder);
  return index < 0 ? undefined : segments[index + 1];
}

function meaningOf(value: Scalar, values: Readonly<Record<string, Scalar>>): Scalar | undefined {
  return Object.hasOwn(values, String(value)) ? values[String(value)] : undefined;
}

/** JSON Pointer (RFC 6901), with `*` for every element of an array. */
function valuesAt(message: unknown, pointer: string): readonly unknown[] {
  const tokens = pointer.split('/').slice(1);
  return tokens.reduce<readonly unknown[]>(
    (found, token) => found.flatMap((value) => membersOf(value, token.replaceAll('~1', '/').replaceAll('~0', '~'))),
    [message],
  );
}

function membersOf(value: unknown, token: string): readonly unknown[] {
  if (Array.isArray(value) && token === '*') return value;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, token)) return [];
  return [(value as Readonly<Record<string, unknown>>)[token]];
}
