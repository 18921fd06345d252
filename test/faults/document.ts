/** docs/faults.md: what the rows gave when they ran last. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LANES, type Lane } from './matrix.ts';
import type { RowResult } from './row.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs');
export const RESULTS_FILE = join(docs, 'faults.json');
export const DOCUMENT_FILE = join(docs, 'faults.md');

/** Of the last run of every lane. */
export type Results = Partial<Record<Lane['name'], { readonly ranAt: string; readonly rows: readonly RowResult[] }>>;

export function readResults(): Results {
  return JSON.parse(readFileSync(RESULTS_FILE, 'utf8')) as Results;
}

export function documentOf(results: Results): string {
  const rows = LANES.flatMap(({ name }) => results[name]?.rows ?? []);
  const studies = rows.reduce((sum, row) => sum + row.studies, 0);
  return `${HEAD}
${rows.length} rows, ${studies} studies: ${sumOf(rows, 'lost')} lost, ${sumOf(rows, 'duplicates')} duplicates.
${LANES.map((lane) => sectionOf(lane, results)).join('')}`;
}

const HEAD = `# Faults

What becomes of studies when processes, servers, networks, clocks and disks fail while they arrive. Every row sends small synthetic studies, does what its name says,
and then looks at all of them: in the ledger, in the archive, in the FHIR store.

- *lost*: studies without a final state, or said to be filed without SR, SEG or DiagnosticReport
- *duplicates*: objects and reports beyond one SR, one SEG and one DiagnosticReport a study
- *recovery*: from the end of the fault until a study is filed, median and longest; for information, measured on two shared cores

Senders send again what nobody took. Leases last 4 s here, 60 s by default (\`ledger.leaseSeconds\`); all other times are the defaults. The rows are data:
[embedded](../test/faults/embedded-rows.ts), [servers](../test/faults/server-rows.ts), [broker](../test/faults/broker-rows.ts). They run with \`npm run test:faults\`;
this page is written by \`npm run faults\`, and a test compares it with the rows.
`;

function sectionOf({ name, means }: Lane, results: Results): string {
  const result = results[name];
  if (result === undefined) return '';
  const lines = result.rows.map(({ name: row, studies, lost, duplicates, states, recovery }) => {
    const final = Object.entries(states).map(([state, count]) => `${count} ${state}`);
    const cells = [row, studies, lost, duplicates, final.join(', '), recoveryText(recovery)];
    return `| ${cells.join(' | ')} |\n`;
  });
  return `
## ${means}

Measured ${result.ranAt.slice(0, 10)}.

| row | studies | lost | duplicates | final | recovery |
|---|---|---|---|---|---|
${lines.join('')}`;
}

function recoveryText({ medianMs, maximumMs }: RowResult['recovery']): string {
  return `${(medianMs / 1000).toFixed(1)} s, ${(maximumMs / 1000).toFixed(1)} s`;
}

function sumOf(rows: readonly RowResult[], key: 'lost' | 'duplicates'): number {
  return rows.reduce((sum, row) => sum + row[key], 0);
}
