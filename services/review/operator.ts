/** What an operator may do with a study, and on what its place in the flow rests: in words, for the page. */
import { type Completeness, RUNGS } from '../../src/arrival/completeness.ts';
import { OPERATOR_MOVES, type OperatorMove, operatorMoves } from '../../src/arrival/lifecycle.ts';
import type { Priority } from '../../src/arrival/priority.ts';
import { WetreadError } from '../../src/errors.ts';
import type { StudyRecord } from '../../src/ports.ts';

export interface MoveAnswer {
  readonly move: OperatorMove;
  readonly label: string;
  /** What happens then, before it is confirmed. */
  readonly consequence: string;
}

export interface CompletenessAnswer {
  readonly rung: string;
  readonly text: string;
  readonly instances: number;
  readonly series: number;
  readonly expectedInstances?: number;
  readonly since: string;
}

export interface OperationAnswer {
  /** Those that the state table allows now. */
  readonly moves: readonly MoveAnswer[];
  readonly archive?: string;
  readonly priority?: Priority;
  readonly rule?: string;
  readonly completeness?: CompletenessAnswer;
}

const MOVE_WORDS: Readonly<Record<OperatorMove, Omit<MoveAnswer, 'move'>>> = {
  replay: {
    label: 'Replay',
    consequence: 'The study is looked at and read again. A new draft takes the place of the one before.',
  },
  park: {
    label: 'Park',
    consequence: 'The study is set aside; a reading in progress is given up. It stays until it is replayed or closed.',
  },
  close: { label: 'Close', consequence: 'Nothing more is done with the study, unless new images arrive.' },
};

export function operationAnswer({ state, archive, priority, rule, completeness }: StudyRecord): OperationAnswer {
  return {
    moves: operatorMoves(state).map((move) => ({ move, ...MOVE_WORDS[move] })),
    ...(archive !== undefined && { archive }),
    ...(priority !== undefined && { priority }),
    ...(rule !== undefined && { rule }),
    ...(completeness && completenessAnswer(completeness)),
  };
}

/** Of a study that is still waited for, the reason says what is missing. */
function completenessAnswer({ rung, counts, expectedInstances, since }: Completeness): {
  readonly completeness?: CompletenessAnswer;
} {
  if (rung === undefined) return {};
  const expected = expectedInstances === undefined ? {} : { expectedInstances };
  return { completeness: { rung, text: RUNGS[rung], ...counts, ...expected, since } };
}

export interface MoveRequest {
  readonly move: OperatorMove;
  readonly note?: string;
}

/** @throws WetreadError `request-invalid` */
export function moveRequest(body: unknown): MoveRequest {
  const { move, note } = (typeof body === 'object' && body !== null ? body : {}) as Readonly<Record<string, unknown>>;
  const known = OPERATOR_MOVES.find((name) => name === move);
  if (known === undefined || (note !== undefined && typeof note !== 'string')) {
    throw new WetreadError('request-invalid', `A move is one of ${OPERATOR_MOVES.join(', ')}, with a note in text`);
  }
  return note === undefined ? { move: known } : { move: known, note };
}
