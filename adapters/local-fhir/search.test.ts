import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { MIGRATIONS } from './schema.ts';
import { matching, type SearchQuery } from './search.ts';

function planOf(query: SearchQuery): string {
  const database = new DatabaseSync(':memory:');
  for (const migration of MIGRATIONS) database.exec(migration);
  const { sql, values } = matching('Observation', query);
  const steps = database.prepare(`EXPLAIN QUERY PLAN SELECT body FROM resource WHERE ${sql}`).all(...values);
  return steps.map(({ detail }) => String(detail)).join('; ');
}

test('WR-FHIR-16 a search goes by an index, so that it costs the same however much the store holds', () => {
  for (const query of [
    [['identifier', 'urn:x|1']],
    [['patient', 'Patient/1']],
    [['_tag', 'urn:x|1']],
    [['identifier', 'urn:x|1,urn:x|2']],
    [
      ['identifier', 'urn:x|1'],
      ['status', 'preliminary'],
    ],
  ] as const) {
    const plan = planOf(query);
    assert.match(plan, /SEARCH resource USING INTEGER PRIMARY KEY/, plan);
    assert.match(plan, /SEARCH token USING INDEX search_token_value \(parameter=\? AND value=\?\)/, plan);
    assert.doesNotMatch(plan, /SCAN (?:resource|token)/, plan);
  }
  assert.match(planOf([['_id', '1']]), /SEARCH resource USING INDEX sqlite_autoindex_resource_1 \(type=\? AND id=\?\)/);
});
