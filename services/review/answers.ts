/** What the page is told, in words: answers of the API, made from the ledger's records and documents. */
import type { Report, View, ViewSet } from '../../contracts/generated/types.ts';
import { STATES, type StudyState } from '../../src/arrival/lifecycle.ts';
import type { Study, StudyHeader } from '../../src/arrival/study.ts';
import { ERROR_CODES } from '../../src/errors.ts';
import type { DocumentName, NotRead, StudyRecord, StudyStep } from '../../src/ports.ts';
import { type Cause, REASONS } from '../../src/reasons.ts';
import { ADVICE } from './advice.ts';
import { documentKind, segmentationsOf } from './documents.ts';
import type { MeasurementTable } from './measurement-table.ts';
import { type OperationAnswer, operationAnswer } from './operator.ts';
import type { TraceSpan } from './trace.ts';

/** Four kinds of state that a reader tells apart at a glance. */
export type StateGroup = 'progress' | 'draft' | 'attention' | 'done';

const STATE_WORDS: Readonly<Record<StudyState, { readonly label: string; readonly group: StateGroup }>> = {
  noticed: { label: 'Noticed', group: 'progress' },
  settling: { label: 'Arriving', group: 'progress' },
  accepted: { label: 'Queued', group: 'progress' },
  triaging: { label: 'Triage', group: 'progress' },
  reading: { label: 'Reading', group: 'progress' },
  drafted: { label: 'Filing', group: 'progress' },
  filed: { label: 'Draft ready', group: 'draft' },
  signed: { label: 'Signed', group: 'done' },
  rejected: { label: 'Rejected', group: 'done' },
  superseded: { label: 'Superseded', group: 'done' },
  'not-selected': { label: 'Not selected', group: 'done' },
  'not-evaluable': { label: 'Not evaluable', group: 'attention' },
  held: { label: 'Held', group: 'attention' },
  failed: { label: 'Failed, retrying', group: 'attention' },
  parked: { label: 'Parked', group: 'attention' },
  closed: { label: 'Closed', group: 'done' },
};

export interface StateAnswer {
  readonly state: StudyState;
  readonly label: string;
  readonly group: StateGroup;
  readonly means: string;
}

export interface ReasonAnswer {
  readonly code: string;
  readonly text: string;
  readonly detail?: string;
  /** What an operator can do. */
  readonly advice: string;
}

export interface StudyRowAnswer extends StateAnswer, OperationAnswer {
  readonly studyInstanceUid: string;
  readonly reason?: ReasonAnswer;
  readonly revision: number;
  readonly attempts: number;
  readonly source: string;
  readonly noticedAt: string;
  readonly changedAt: string;
  readonly retryAt?: string;
  readonly traceId?: string;
  readonly timingsMs: Readonly<Record<string, number>>;
  readonly notReadCount: number;
}

export interface StudyListAnswer {
  /** Newest change first. */
  readonly studies: readonly StudyRowAnswer[];
  /** All that the ledger holds; `studies` may be fewer. */
  readonly total: number;
  /** Instances that the archive did not take, by reason and study, newest first. */
  readonly refused: readonly RefusedAnswer[];
}

export interface RefusedAnswer extends ReasonAnswer {
  readonly at: string;
  readonly count: number;
  readonly studyInstanceUid?: string;
}

/** What the archive says of an instance that it did not take. */
export interface RefusedInstance {
  readonly at: string;
  readonly studyInstanceUid?: string;
  readonly reason: Cause;
}

export interface NotReadAnswer extends ReasonAnswer {
  readonly seriesInstanceUid?: string;
  readonly sopInstanceUid?: string;
  readonly count: number;
}

export interface StepAnswer extends StateAnswer {
  readonly at: string;
  readonly reason?: ReasonAnswer;
}

export interface LinkAnswer {
  readonly key: string;
  readonly label: string;
  readonly detail: string;
  readonly href: string;
}

export interface StudyAnswer extends StudyRowAnswer {
  readonly history: readonly StepAnswer[];
  readonly notRead: readonly NotReadAnswer[];
  readonly links: readonly LinkAnswer[];
  readonly trace: readonly TraceSpan[];
  /** In the order of the report's readings; the page lets the reader choose. */
  readonly views: readonly View[];
  readonly draft?: DraftAnswer;
}

export interface DraftAnswer {
  readonly report: Report;
  /** The whole draft for the clipboard; begins and ends with the label. */
  readonly text: string;
  /** One for each reading that measures or states something. */
  readonly tables: readonly MeasurementTable[];
  /** Names of models that gave no result, with the reason and what an operator can do. */
  readonly unavailable: readonly UnavailableAnswer[];
}

export interface UnavailableAnswer extends ReasonAnswer {
  readonly algorithm: string;
}

/** Patient data: answered with `no-store`, on its own, so that an archive that is down does not hold up the draft. */
export interface HeaderAnswer {
  readonly patient: Pick<StudyHeader, 'patientName' | 'patientId' | 'patientBirthDate' | 'patientSex'>;
  readonly study: Pick<StudyHeader, 'studyDate' | 'studyTime' | 'studyDescription' | 'accessionNumber'>;
  readonly series: readonly {
    readonly seriesInstanceUid: string;
    readonly modality: string;
    readonly seriesNumber?: number;
    readonly seriesDescription?: string;
    readonly instances: number;
  }[];
}

export function stateAnswer(state: StudyState): StateAnswer {
  return { state, ...STATE_WORDS[state], means: STATES[state].means };
}

export function reasonAnswer({ code, detail }: NonNullable<StudyRecord['reason']>): ReasonAnswer {
  const text =
    code in REASONS ? REASONS[code as keyof typeof REASONS] : ERROR_CODES[code as keyof typeof ERROR_CODES].means;
  return { code, text, advice: ADVICE[code], ...(detail === undefined ? {} : { detail }) };
}

export function rowAnswer(record: StudyRecord): StudyRowAnswer {
  const { studyInstanceUid, revision, attempts, source, noticedAt, changedAt, timingsMs } = record;
  return {
    ...stateAnswer(record.state),
    ...operationAnswer(record),
    studyInstanceUid,
    revision,
    attempts,
    source,
    noticedAt,
    changedAt,
    timingsMs,
    notReadCount: record.notRead.reduce((sum, { count = 1 }) => sum + count, 0),
    ...(record.reason === undefined ? {} : { reason: reasonAnswer(record.reason) }),
    ...(record.retryAt === undefined ? {} : { retryAt: record.retryAt }),
    ...(record.traceId === undefined ? {} : { traceId: record.traceId }),
  };
}

export function notReadAnswer({ reason, seriesInstanceUid, sopInstanceUid, count = 1 }: NotRead): NotReadAnswer {
  return {
    ...reasonAnswer(reason),
    count,
    ...(seriesInstanceUid === undefined ? {} : { seriesInstanceUid }),
    ...(sopInstanceUid === undefined ? {} : { sopInstanceUid }),
  };
}

/** @param refusals newest first */
export function refusedAnswers(refusals: readonly RefusedInstance[]): RefusedAnswer[] {
  const rows = new Map<string, RefusedAnswer>();
  for (const { at, studyInstanceUid, reason } of refusals) {
    const key = `${reason.code} ${studyInstanceUid ?? ''}`;
    const row = rows.get(key);
    const first = { ...reasonAnswer(reason), at, ...(studyInstanceUid === undefined ? {} : { studyInstanceUid }) };
    rows.set(key, { ...(row ?? first), count: (row?.count ?? 0) + 1 });
  }
  return [...rows.values()];
}

export function stepAnswer({ at, state, reason }: StudyStep): StepAnswer {
  return { ...stateAnswer(state), at, ...(reason === undefined ? {} : { reason: reasonAnswer(reason) }) };
}

export function headerAnswer({ header, series }: Study): HeaderAnswer {
  const { patientName, patientId, patientBirthDate, patientSex } = header;
  const { studyDate, studyTime, studyDescription, accessionNumber } = header;
  return {
    patient: present({ patientName, patientId, patientBirthDate, patientSex }),
    study: present({ studyDate, studyTime, studyDescription, accessionNumber }),
    series: series.map(({ seriesInstanceUid, modality, seriesNumber, seriesDescription, instances }) => ({
      seriesInstanceUid,
      modality,
      instances: instances.length,
      ...present({ seriesNumber, seriesDescription }),
    })),
  };
}

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}

/** Only what is there: SR and SEG are saved with the draft, the transaction when it is filed. */
export function linksOf(
  studyInstanceUid: string,
  documents: {
    readonly report: unknown;
    readonly view: ViewSet | undefined;
    readonly bundle: unknown;
    readonly trace: unknown;
  },
  fhirPath: string | undefined,
): readonly LinkAnswer[] {
  const outlines = documents.view === undefined ? [] : segmentationsOf(documents.view);
  const drafted: readonly DocumentName[] = documents.report === undefined ? [] : ['sr.dcm', ...outlines, 'report.json'];
  const filed: readonly DocumentName[] = documents.bundle === undefined ? [] : ['bundle.json'];
  const traced: readonly DocumentName[] = documents.trace === undefined ? [] : ['trace.json'];
  const links = [...drafted, ...filed, ...traced].map((name) => {
    const { label = name, detail = '' } = documentKind(name) ?? {};
    return { key: name, label, detail, href: `/api/studies/${studyInstanceUid}/documents/${name}` };
  });
  const identifier = reportIdentifierOf(documents.bundle);
  if (fhirPath === undefined || identifier === undefined) return links;
  const href = `${fhirPath}/DiagnosticReport?${new URLSearchParams({ identifier }).toString()}`;
  return [...links, { key: 'diagnostic-report', label: 'FHIR DiagnosticReport', detail: 'in the health record', href }];
}

/** `system|value` (FHIR R4 search, token) of the DiagnosticReport in the transaction. */
function reportIdentifierOf(bundle: unknown): string | undefined {
  const entries = (bundle as { entry?: readonly { resource?: Record<string, unknown> }[] } | undefined)?.entry ?? [];
  const report = entries.find(({ resource }) => resource?.['resourceType'] === 'DiagnosticReport')?.resource;
  const [identifier] = (report?.['identifier'] ?? []) as readonly { system?: string; value?: string }[];
  return identifier?.value === undefined ? undefined : `${identifier.system ?? ''}|${identifier.value}`;
}
