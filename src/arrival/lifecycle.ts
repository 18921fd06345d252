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
  accepted: { final: false, means: 'Settled and waiting for a worker' },
  triaging: { final: false, means: 'The archive is asked what the study holds, and the rules what is to be done' },
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
  held: { final: true, means: 'Patient or order could not be matched; a result, if there is one, is kept' },
  failed: { final: false, means: 'A fault; it is tried again' },
  parked: { final: true, means: 'Retries are used up, or an operator set it aside; an operator replays or closes it' },
  closed: { final: true, means: 'An operator decided that nothing more is to be done' },
} as const satisfies Record<string, StateFacts>;

export type StudyState = keyof typeof STATES;

export const TRANSITIONS = {
  notice: { from: ['noticed'], to: 'settling' },
  arrive: {
    from: ['settling', 'accepted', 'filed', 'not-selected', 'not-evaluable', 'held', 'failed', 'parked', 'closed'],
    to: 'settling',
  },
  complete: { from: ['settling'], to: 'accepted' },
  triage: { from: ['accepted', 'failed'], to: 'triaging' },
  accept: { from: ['triaging'], to: 'accepted' },
  wait: { from: ['triaging', 'reading'], to: 'settling' },
  claim: { from: ['accepted', 'failed'], to: 'reading' },
  release: { from: ['triaging', 'reading', 'drafted'], to: 'accepted' },
  draft: { from: ['reading'], to: 'drafted' },
  file: { from: ['drafted'], to: 'filed' },
  'select-none': { from: ['triaging', 'reading'], to: 'not-selected' },
  refuse: { from: ['triaging', 'reading'], to: 'not-evaluable' },
  hold: { from: ['triaging', 'reading', 'drafted'], to: 'held' },
  fail: { from: ['triaging', 'reading', 'drafted'], to: 'failed' },
  park: { from: ['settling', 'accepted', 'triaging', 'reading', 'drafted', 'failed', 'held'], to: 'parked' },
  replay: { from: ['filed', 'not-selected', 'not-evaluable', 'held', 'failed', 'parked', 'closed'], to: 'accepted' },
  close: { from: ['not-selected', 'not-evaluable', 'held', 'failed', 'parked'], to: 'closed' },
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

/** What an operator may do with a study, in the order in which it is offered. */
export const OPERATOR_MOVES = ['replay', 'park', 'close'] as const satisfies readonly StudyTransition[];
export type OperatorMove = (typeof OPERATOR_MOVES)[number];

export function operatorMoves(state: StudyState): readonly OperatorMove[] {
  return OPERATOR_MOVES.filter((move) => nextState(state, move) !== undefined);
}

/** Whether a draft that is kept speaks for the study: one of earlier images does not, once new ones cannot be read. */
export function draftStands(state: StudyState): boolean {
  return state !== 'not-evaluable' && state !== 'not-selected';
}

export function isFinal(state: StudyState): boolean {
  return STATES[state].final;
}

export const FINAL_STATES: readonly StudyState[] = (Object.keys(STATES) as StudyState[]).filter(isFinal);
