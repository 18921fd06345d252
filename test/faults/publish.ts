/** Runs the matrix, or the lanes that are named, and writes docs/faults.json and docs/faults.md. */
import { existsSync, writeFileSync } from 'node:fs';
import { DOCUMENT_FILE, documentOf, RESULTS_FILE, type Results, readResults } from './document.ts';
import { LANES } from './matrix.ts';
import type { RowResult } from './row.ts';

const wanted = process.argv.slice(2);

for (const lane of LANES) {
  const { name, skip } = lane;
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  if (skip !== false) throw new Error(skip);
  const rows: RowResult[] = [];
  await lane.run((result) => {
    rows.push(result);
    const { lost, duplicates, studies, recovery } = result;
    const sound = lost + duplicates === 0 ? 'ok' : 'FAILED';
    process.stdout.write(
      `${sound} ${result.name}: ${studies} studies, ${lost} lost, ${duplicates} duplicates, ${recovery.maximumMs} ms\n`,
    );
  });
  const before: Results = existsSync(RESULTS_FILE) ? readResults() : {};
  const results: Results = { ...before, [name]: { ranAt: new Date().toISOString(), rows } };
  writeFileSync(RESULTS_FILE, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(DOCUMENT_FILE, documentOf(results));
}
