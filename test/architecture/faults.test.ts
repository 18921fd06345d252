/** docs/faults.md says what the fault matrix holds, and what its rows gave. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DOCUMENT_FILE, documentOf, readResults } from '../faults/document.ts';
import { LANES } from '../faults/matrix.ts';

test('WR-FLT-12 docs/faults.md has every row of the matrix, none lost and none twice, over a thousand studies and more', () => {
  const results = readResults();
  for (const { name, rows } of LANES) {
    const given = results[name]?.rows ?? [];
    const wanted = rows.map((row) => ({
      name: row.name,
      studies: row.studies,
      lost: 0,
      duplicates: 0,
      states: { filed: row.studies },
    }));
    assert.deepEqual(
      given.map(({ name: row, studies, lost, duplicates, states }) => ({
        name: row,
        studies,
        lost,
        duplicates,
        states,
      })),
      wanted,
    );
  }
  const sent = LANES.flatMap(({ rows }) => rows).reduce((sum, { studies }) => sum + studies, 0);
  assert.ok(sent >= 1000, `${sent} studies`);
  assert.equal(readFileSync(DOCUMENT_FILE, 'utf8'), documentOf(results));
});
