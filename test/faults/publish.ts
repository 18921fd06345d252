/** Runs the matrix, or the lanes that are named, and writes docs/faults.json and docs/faults.md, row by row. */
import { existsSync, writeFileSync } from 'node:fs';
import { DOCUMENT_FILE, documentOf, RESULTS_FILE, readResults } from './document.ts';
import { LANES, type Lane } from './matrix.ts';
import type { RowResult } from './row.ts';

const wanted = process.argv.slice(2);

for (const lane of LANES) {
  if (wanted.length > 0 && !wanted.includes(lane.name)) continue;
  if (lane.skip !== false) throw new Error(lane.skip);
  const rows: RowResult[] = [];
  await lane.run((result) => {
    rows.push(result);
    process.stdout.write(`${lineOf(result)}\n`);
    write(lane, rows);
  });
}

function write({ name }: Lane, rows: readonly RowResult[]): void {
  const before = existsSync(RESULTS_FILE) ? readResults() : {};
  const results = { ...before, [name]: { ranAt: new Date().toISOString(), rows } };
  writeFileSync(RESULTS_FILE, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(DOCUMENT_FILE, documentOf(results));
}

function lineOf({ name, studies, lost, duplicates, recovery }: RowResult): string {
  const verdict = lost + duplicates === 0 ? 'ok' : 'FAILED';
  return `${verdict} ${name}: ${studies} studies, ${lost} lost, ${duplicates} duplicates, ${recovery.maximumMs} ms`;
}
