/**
 * Runs every *.test.ts below the folders given, two files at a time, and closes with one line `N passed, N failed`.
 * Usage: node scripts/run-tests.ts FOLDER …
 */
import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const root = join(import.meta.dirname, '..');

function testFiles(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .map((name) => join(path, name))
    .sort();
}

// Each file is a process, and starts others, that read the same sources: what is compiled once is kept for the next.
process.env['NODE_COMPILE_CACHE'] ??= join(root, 'node_modules', '.cache', 'node-compile');

const files = process.argv.slice(2).flatMap((folder) => testFiles(join(root, folder)));
const counts = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];

const stream = run({ files, concurrency: 2, timeout: 900_000 });
stream.on('test:pass', (event) => {
  // A suite that is skipped does not run its tests: it counts as one.
  if (event.skip !== undefined) counts.skipped += 1;
  else if (event.details.type !== 'suite') counts.passed += 1;
});
stream.on('test:fail', (event) => {
  if (event.details.type === 'suite') return;
  counts.failed += 1;
  failures.push(`${relative(root, event.file ?? '')}: ${event.name}`);
});
const reporter = new spec();
stream.compose(reporter).pipe(process.stdout);
await new Promise((resolve) => reporter.on('end', resolve));

for (const failure of failures) console.log(`failed: ${failure}`);
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
