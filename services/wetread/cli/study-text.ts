/** Studies in words, for a terminal. */

import { RUNGS } from '../../../src/arrival/completeness.ts';
import { operatorMoves, STATES, type StudyState } from '../../../src/arrival/lifecycle.ts';
import { ALLOWANCE_MINUTES } from '../../../src/arrival/priority.ts';
import { ERROR_CODES, type ErrorCode } from '../../../src/errors.ts';
import type { StudyRecord, StudyStep } from '../../../src/ports.ts';
import { type Cause, REASONS, type ReasonCode } from '../../../src/reasons.ts';
import { ADVICE } from '../../review/advice.ts';
import { countText } from './progress.ts';

/** A line per study below a line of heads, and the count of each state. */
export function listText(records: readonly StudyRecord[]): string {
  const rows = records.map((record) => [
    record.state,
    minuteOf(record.changedAt),
    record.priority ?? '-',
    record.studyInstanceUid,
    record.reason === undefined ? '' : record.reason.code,
  ]);
  const counts = [...Map.groupBy(records, ({ state }) => state)].map(([state, { length }]) => `${length} ${state}`);
  const total = countText(records.length, 'study', 'studies');
  const summary = counts.length === 0 ? total : `${total}: ${counts.join(', ')}`;
  return rows.length === 0
    ? summary
    : `${tableText([['STATE', 'CHANGED', 'PRIORITY', 'STUDY', 'REASON'], ...rows])}\n\n${summary}`;
}

/** All that the ledger knows of one study. */
export function studyText(record: StudyRecord, history: readonly StudyStep[]): string {
  const moves = operatorMoves(record.state);
  const blocks = [
    [record.studyInstanceUid, ...factsOf(record).map(([name, value]) => `  ${name.padEnd(13)} ${value}`)],
    ...(record.notRead.length === 0 ? [] : [['not read', ...record.notRead.map(notReadText)]]),
    ['history', ...history.map((step) => `  ${stepText(step)}`)],
    [moves.length === 0 ? 'An operator can do nothing in this state.' : `An operator can: ${moves.join(', ')}`],
  ];
  return blocks.map((lines) => lines.join('\n')).join('\n\n');
}

function factsOf(record: StudyRecord): readonly (readonly [string, string])[] {
  const { reason, completeness, results, retryAt, timingsMs, priority } = record;
  const rung = completeness?.rung;
  const timings = Object.entries(timingsMs).map(([stage, ms]) => `${stage} ${(ms / 1000).toFixed(2)} s`);
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['state', `${record.state}: ${STATES[record.state].means}`],
    ['reason', reason && causeText(reason)],
    ['what to do', reason && ADVICE[reason.code]],
    ['priority', priority && `${priority}: later ones pass it for ${ALLOWANCE_MINUTES[priority]} min at most`],
    ['rule', record.rule],
    ['archive', record.archive],
    ['source', record.source],
    ['complete', rung && `${rung}: ${RUNGS[rung]}`],
    ['evidence', completeness && evidenceText(completeness)],
    ['noticed', record.noticedAt],
    ['changed', record.changedAt],
    ['next try', retryAt],
    ['revision', String(record.revision)],
    ['attempts', String(record.attempts)],
    ['time', timings.length === 0 ? undefined : timings.join(', ')],
    ['report', results?.diagnosticReport],
    ['objects', results?.objects.map(({ kind, sopInstanceUid }) => `${kind} ${sopInstanceUid}`).join(', ')],
    ['trace', record.traceId],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

function evidenceText({ counts, since, expectedInstances }: NonNullable<StudyRecord['completeness']>): string {
  const expected = expectedInstances === undefined ? '' : `, ${expectedInstances} expected`;
  const found = `${countText(counts.instances, 'instance', 'instances')} in ${countText(counts.series, 'series', 'series')}`;
  return `${found}${expected}, unchanged since ${since}`;
}

function notReadText({ seriesInstanceUid, sopInstanceUid, count = 1, reason }: StudyRecord['notRead'][number]): string {
  const which = sopInstanceUid ?? seriesInstanceUid ?? 'study';
  return `  ${which} (${count}): ${causeText(reason)}`;
}

function stepText({ at, transition, state, reason }: StudyStep): string {
  return `${at}  ${transition.padEnd(11)} ${state}${reason === undefined ? '' : `: ${causeText(reason)}`}`;
}

export function causeText({ code, detail }: Cause): string {
  const meaning = REASONS[code as ReasonCode] ?? ERROR_CODES[code as ErrorCode].means;
  return `${code}: ${meaning}${detail === undefined ? '' : ` (${detail})`}`;
}

/** `parked -> accepted`. */
export function movedText(uid: string, from: StudyState, to: StudyState): string {
  return `${uid}  ${from} -> ${to}`;
}

function minuteOf(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)}Z`;
}

function tableText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
