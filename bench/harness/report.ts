/** What a run found: the document for machines and the table for people. */
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import type { LineResult, Result, Target } from './verdict.ts';

export interface Report {
  readonly schemaVersion: 1;
  readonly startedAt: string;
  readonly command: string;
  /** A quick run only shows that everything works. */
  readonly quick: boolean;
  readonly commit: string | undefined;
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly system: string;
    readonly node: string;
    /** Best of the run, for 157 MB. */
    readonly memcpyMs: number;
  };
  readonly results: readonly Result[];
}

export function machine(memcpyMs: number): Report['machine'] {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()}`,
    node: process.version,
    memcpyMs,
  };
}

export function commit(): string | undefined {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

/** Markdown, so that it can be kept as it is. */
export function table(results: readonly Result[]): string {
  return [
    '| goal | what | goal value | measured | verdict | rounds (dropped) |',
    '|---|---|---|---|---|---|',
    ...results.map(goalRow),
    '',
    '| goal | line | wall ms, median | min | spread | CPU ms |',
    '|---|---|---|---|---|---|',
    ...lineRows(results),
    '',
  ].join('\n');
}

function goalRow({ goal, title, target, unit, value, verdict, rounds, dropped, note }: Result): string {
  const measured = value === undefined ? '' : withUnit(value, unit);
  const lost = dropped.memory + dropped.others;
  const said = note === undefined ? verdict : `${verdict}: ${note}`;
  return `| ${goal} | ${title} | ${targetText(target, unit)} | ${measured} | ${said} | ${rounds}${lost > 0 ? ` (${lost})` : ''} |`;
}

/** Goals that share their rounds share their lines. */
function lineRows(results: readonly Result[]): string[] {
  const rows = new Map<string, Set<string>>();
  for (const { goal, lines } of results) {
    for (const line of lines) {
      const cells = lineCells(line);
      rows.set(cells, (rows.get(cells) ?? new Set()).add(goal));
    }
  }
  return [...rows].map(([cells, goals]) => `| ${[...goals].join(', ')} | ${cells} |`);
}

function lineCells({ name, role, medianMs, minMs, spread, cpuMs }: LineResult): string {
  const shown = role === 'limit' ? `*${name}*` : name;
  return [shown, medianMs.toFixed(1), minMs.toFixed(1), `${(100 * spread).toFixed(0)} %`, cpuMs.toFixed(0)].join(' | ');
}

function targetText(target: Target, unit: Result['unit']): string {
  if (target.kind === 'at-most') return `≤ ${withUnit(target.value, unit)}`;
  if (target.kind === 'between') return `${target.low} to ${target.high}`;
  return '';
}

function withUnit(value: number, unit: Result['unit']): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return unit === 'ratio' ? `${value.toFixed(2)}×` : `${value.toFixed(digits)} ${unit}`;
}
