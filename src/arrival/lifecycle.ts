/**
 * The states of a study as one table: which event moves which state, and what each state means outside.
 * Whatever is accepted ends in a state that an operator can see.
 */
export interface StateFacts {
  /** Nothing more happens without an operator, a radiologist or new images. */
  readonly final: boolean;
  /** FHIR R4 DiagnosticReport.status that stands for the state; absent where no report exists. */
  readonly diagnosticReportStatus?: 'preliminary' | 'final' | 'cancelled';
  readonly means: string;
}

export const STATES = {
  noticed: { final: false, means: 'An event named the study' },
  settling: { final: false, means: 'Waiting until the study is complete' },
  accepted: { final: false, means: 'Complete and waiting for a worker' },
  reading: { final: false, means: 'A worker is reading it' },
  drafted: { final: false, means: 'A draft exists and is being filed' },
  filed: {
    final: true,
    diagnosticReportStatus: 'preliminary',
    means: 'The draft is in the archive and in the health record',
  },
  signed: { final: true, diagnosticReportStatus: 'final', means: 'A radiologist signed the report' },
  rejected: { final: true, diagnosticReportStatus: 'cancelled', means: 'A radiologist rejected the draft' },
  superseded: { final: true, means: 'A newer draft has taken its place' },
  'not-selected': { final: true, means: 'No model reads this kind of study' },
  'not-evaluable': { final: true, means: 'A model is configured but the images do not allow a reading' },
  held: { final: true, means: 'The result is kept: patient or order could not be matched' },
  failed: { final: false, means: 'A fault; it is tried again' },
  parked: { final: true, means: 'Retries are used up; an operator replays or closes it' },
} as const satisfies Record<string, StateFacts>;

export type StudyState = keyof typeof STATES;

export const TRANSITIONS = {
  notice: { from: ['noticed'], to: 'settling' },
  arrive: {
    from: ['settling', 'accepted', 'filed', 'not-selected', 'not-evaluable', 'held', 'failed', 'parked'],
    to: 'settling',
  },
  complete: { from: ['settling'], to: 'accepted' },
  claim: { from: ['accepted', 'failed'], to: 'reading' },
  release: { from: ['reading', 'drafted'], to: 'accepted' },
  draft: { from: ['reading'], to: 'drafted' },
  file: { from: ['drafted'], to: 'filed' },
  'select-none': { from: ['reading'], to: 'not-selected' },
  refuse: { from: ['reading'], to: 'not-evaluable' },
  hold: { from: ['drafted'], to: 'held' },
  fail: { from: ['reading', 'drafted'], to: 'failed' },
  park: { from: ['reading', 'drafted', 'failed'], to: 'parked' },
  replay: { from: ['filed', 'not-selected', 'not-evaluable', 'held', 'failed', 'parked'], to: 'accepted' },
  sign: { from: ['filed'], to: 'signed' },
  reject: { from: ['filed'], to: 'rejected' },
  supersede: { from: ['filed', 'signed', 'rejected'], to: 'superseded' },
} as const satisfies Record<string, { from: readonly StudyState[]; to: StudyState }>;

export type StudyTransition = keyof typeof TRANSITIONS;

/** The state after an event, or undefined where the table forbids it. */
export function nextState(state: StudyState, transition: StudyTransition): StudyState | undefined {
  const { from, to } = TRANSITIONS[transition];
  return (from as readonly StudyState[]).includes(state) ? to : undefined;
}

/** Whether a draft that is kept speaks for the study: one of earlier images does not, once new ones cannot be read. */
export function draftStands(state: StudyState): boolean {
  return state !== 'not-evaluable' && state !== 'not-selected';
}

export function isFinal(state: StudyState): boolean {
  return STATES[state].final;
}
