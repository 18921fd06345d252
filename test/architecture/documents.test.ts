/** What the documents say is what the code does: each list is compared both ways. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { STATES } from '../../src/arrival/lifecycle.ts';
import { ERROR_CODES } from '../../src/errors.ts';
import { REASONS } from '../../src/reasons.ts';
import { RETRIES } from '../../src/retry.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');

/** First cells of a Markdown table below a heading, without back-ticks. */
function firstCells(markdown: string, heading: string): string[] {
  const section = markdown.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(1).flatMap((row) => {
    const cell = row.split('|')[1]!.trim().replaceAll('`', '');
    return /^-+$/.test(cell) ? [] : [cell];
  });
}

test('WR-FND-05 docs/errors.md lists every error code, reason and state, and no other', () => {
  const errors = read('docs', 'errors.md');
  assert.deepEqual(firstCells(errors, 'Faults').sort(), Object.keys(ERROR_CODES).sort());
  assert.deepEqual(firstCells(errors, 'Reasons').sort(), Object.keys(REASONS).sort());
  assert.deepEqual(firstCells(errors, 'States').sort(), Object.keys(STATES).sort());
});

test('WR-FND-05 the retry table of docs/operate.md is the one in the code', () => {
  assert.deepEqual(firstCells(read('docs/operate.md'), 'What is tried again').sort(), Object.keys(RETRIES).sort());
});

test('WR-FND-05 the stages in the README are the folders of src', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((e) => e.isDirectory())
    .map((e) => e.name);
  assert.deepEqual(firstCells(read('README.md'), 'How it works'), folders.sort());
});

test('WR-FND-06 docs/dependencies.md has a line for every dependency, and no other', () => {
  const manifest = JSON.parse(read('package.json')) as { dependencies: object; devDependencies: object };
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  const documented = [
    ...firstCells(read('docs', 'dependencies.md'), 'At run time'),
    ...firstCells(read('docs', 'dependencies.md'), 'In development'),
  ];
  assert.deepEqual(documented.sort(), names.sort());
});

test('WR-FND-07 every requirement that claims to hold names tests that are run', () => {
  const rows = read('docs', 'requirements.md')
    .split('\n')
    .filter((line) => line.startsWith('| WR-'));
  assert.ok(rows.length > 30);
  const titles = testTitles();
  const claimed = rows.filter((row) => row.split('|').at(-2)?.trim() === 'holds');
  const untested = claimed.map((row) => row.split('|')[1]!.trim()).filter((id) => !titles.includes(id));
  assert.deepEqual(untested, []);
});

test('WR-FND-07 every id in a test title is a requirement', () => {
  const rows = read('docs', 'requirements.md')
    .split('\n')
    .filter((line) => line.startsWith('| WR-'));
  const ids = new Set(rows.map((row) => row.split('|')[1]!.trim()));
  const used = new Set(testTitles().match(/WR-[A-Z]+-\d\d/g));
  assert.deepEqual(
    [...used].filter((id) => !ids.has(id)),
    [],
  );
});

test('WR-FND-02 generated contracts and models are current', () => {
  for (const script of ['scripts/contracts.ts', 'models/build.ts']) {
    const check = spawnSync(process.execPath, [script, '--check'], { cwd: root, encoding: 'utf8' });
    assert.equal(check.status, 0, `${script}: ${check.stderr}`);
  }
});

test('WR-FND-08 links between documents lead somewhere', () => {
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((n) => join('docs', n)),
  ];
  const broken = documents
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) =>
      [...read(name).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)/g)]
        .map((match) => join(root, name, '..', match[1]!))
        .filter((path) => !existsSync(path))
        .map((path) => `${name}: ${path}`),
    );
  assert.deepEqual(broken, []);
});

/** What `npm test` and the conformance tests run: a test that nobody runs holds no requirement. */
function testTitles(): string {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const commands = [scripts['test:unit']!, scripts['test:conformance:all']!];
  const folders = commands.flatMap((command) => command.replace('node scripts/run-tests.ts ', '').split(' '));
  return folders
    .flatMap(testFilesOf)
    .map((file) => read(file))
    .join('\n');
}

function testFilesOf(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name));
}
