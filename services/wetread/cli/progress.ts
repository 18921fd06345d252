/** What a person sees on the terminal while studies are read. Goes to stderr; results go to stdout and to files. */
import type { StudyRow, Summary } from '../../../contracts/generated/types.ts';
import type { StudyState } from '../../../src/arrival/lifecycle.ts';
import { STATES } from '../../../src/arrival/lifecycle.ts';
import { ERROR_CODES, type ErrorCode } from '../../../src/errors.ts';
import { LOG_EVENTS, type LogEvent, type SafeAttributes } from '../../../src/log-events.ts';
import { REASONS, type ReasonCode } from '../../../src/reasons.ts';
import { presenceText } from '../../../src/reporting/finding-text.ts';
import { numberText } from '../../../src/reporting/text.ts';

export class Progress {
  readonly #stream: NodeJS.WriteStream;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  line(text: string): void {
    this.#clear();
    this.#stream.write(`${text}\n`);
  }

  /** Overwrites the last line on a terminal; silent in a pipe, where it would only be noise. */
  update(text: string): void {
    if (!this.#stream.isTTY) return;
    this.#clear();
    this.#stream.write(text);
  }

  /** A listener for the log: a line per study and stage, and every error of the log in words. */
  readonly onLog = (event: LogEvent, attributes: SafeAttributes): void => {
    const { stage, durationMs = 0, errorCode, studyInstanceUid } = attributes;
    if (event === 'read-started') this.line(`Reading ${studyInstanceUid}`);
    if (event === 'stage-started') this.update(`  ${stage} …`);
    if (event === 'stage-ended') this.line(`  ${stage?.padEnd(10)} ${secondsText(durationMs)}`);
    if (event === 'inference-died') this.line('  the inference process died and is started again');
    if (LOG_EVENTS[event] === 'error') this.line(`  ${causeText({ code: errorCode ?? 'internal' })} [${errorCode}]`);
  };

  #clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\u001b[2K');
  }
}

export function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 9950 ? 2 : 1)} s`;
}

/** `1 file`, `2 files`. */
export function countText(count: number, one: string, several: string): string {
  return `${count} ${count === 1 ? one : several}`;
}

/** The summary in words: a block per study, then what was not read. */
export function summaryText(summary: Summary): string {
  const { files } = summary;
  const refused = files.notRead.filter(({ file }) => file !== '.').length;
  const counts = `${countText(files.seen, 'file', 'files')}: ${files.stored} stored, ${files.repeated} repeated, ${files.skipped} skipped, ${refused} not read`;
  return [...summary.studies.map(studyText), counts, ...refusedText(files.notRead)].join('\n');
}

/** Reasons with counts. Names of files stand in `summary.json` alone: they are often made of patients' names. */
function refusedText(notRead: Summary['files']['notRead']): string[] {
  const byReason = Map.groupBy(notRead, ({ reason }) => causeText(reason));
  return [...byReason].map(([why, { length }]) => `  ${why}${length > 1 ? ` (${length} files)` : ''}`);
}

function studyText(row: StudyRow): string {
  const means = STATES[row.state as StudyState].means;
  const head = `${row.studyInstanceUid}\n  ${row.state}: ${row.reason === undefined ? means : causeText(row.reason)}`;
  const isOfSeveral = new Set([...row.findings, ...row.unavailable].map(({ model }) => model)).size > 1;
  const findings = row.findings.map((one) => `  ${isOfSeveral ? `[${one.model}] ` : ''}${findingText(one)}`);
  const unavailable = row.unavailable.map(
    ({ model, version, reason }) => `  partial: ${model} ${version} gave no result: ${causeText(reason)}`,
  );
  const notRead = row.notRead.map(
    (n) => `  not read${n.count === undefined ? '' : ` (${n.count})`}: ${causeText(n.reason)}`,
  );
  return [head, ...findings, ...unavailable, ...notRead].join('\n');
}

function findingText({ finding, name, value, unit = '', ...said }: StudyRow['findings'][number]): string {
  if (name === undefined) return `${finding}: ${presenceText(said)}`;
  if (value === undefined) return `${finding}, ${name}: not measured`;
  const decimals = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : 1;
  return `${finding}, ${name}: ${numberText(value, decimals)} ${unit}`.trimEnd();
}

function causeText(cause: { code: string; detail?: string }): string {
  const meaning = REASONS[cause.code as ReasonCode] ?? ERROR_CODES[cause.code as ErrorCode]?.means ?? cause.code;
  return cause.detail === undefined ? meaning : `${meaning}: ${cause.detail}`;
}
