/** Who may import whom: `contracts <- src <- adapters <- services`; a stage knows only earlier stages. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..', '..');
const STAGES = ['arrival', 'assembly', 'inference', 'reporting', 'writeback'];
const LAYERS = ['contracts', 'src', 'adapters', 'services'];
/** The adapters in which an AssemblyScript kernel lives compile for another world. */
const FOREIGN = /adapters\/voxel-workers\/kernel\//;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name))
    .filter((name) => !FOREIGN.test(name) && !name.includes('generated'));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const pattern = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)/g;
  return [...text.matchAll(pattern)].map((match) => {
    const specifier = match[2] ?? match[3] ?? '';
    const to = specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier;
    return { from: file, to, typeOnly: match[1] !== undefined };
  });
}

const all = LAYERS.slice(1).flatMap(sourceFiles).flatMap(importsOf);
const inFolder = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);
const layerOf = (path: string): number => LAYERS.findIndex((layer) => inFolder(path, layer));

function violations(broken: (entry: Import) => boolean): string[] {
  return all.filter(broken).map(({ from, to }) => `${from} -> ${to}`);
}

test('WR-FND-03 layers import downwards only', () => {
  assert.deepEqual(
    violations(({ from, to }) => layerOf(to) > layerOf(from)),
    [],
  );
});

test('WR-FND-03 nothing of the product imports test, bench or scripts', () => {
  assert.deepEqual(
    violations(({ to }) => /^(test|bench|scripts)\//.test(to)),
    [],
  );
});

test('WR-FND-03 src imports no package and no capability of the host', () => {
  const allowed = (entry: Import): boolean =>
    layerOf(entry.to) >= 0 || entry.to === 'node:crypto' || (entry.typeOnly && entry.to === 'fhir/r4.js');
  assert.deepEqual(
    violations((entry) => inFolder(entry.from, 'src') && !allowed(entry)),
    [],
  );
});

test('WR-FND-03 src reads no clock, environment, network or file', () => {
  const forbidden = /\bDate\.now\(|new Date\(\)|\bprocess\.|\bfetch\(|\bMath\.random\(|performance\.now/;
  const found = sourceFiles('src').filter((file) =>
    forbidden.test(withoutComments(readFileSync(join(root, file), 'utf8'))),
  );
  assert.deepEqual(found, []);
});

test('WR-FND-03 a stage imports only earlier stages', () => {
  const stageOf = (path: string): number => STAGES.findIndex((stage) => inFolder(path, `src/${stage}`));
  const late = violations(({ from, to }) => stageOf(from) >= 0 && stageOf(to) > stageOf(from));
  assert.deepEqual(late, []);
});

test('WR-FND-03 only preread.ts uses the ports as values, stages take data and return data', () => {
  const stages = sourceFiles('src').filter((file) => STAGES.some((stage) => inFolder(file, `src/${stage}`)));
  const users = stages.flatMap(importsOf).filter(({ to, typeOnly }) => to === 'src/ports.ts' && !typeOnly);
  assert.deepEqual(users, []);
  const holders = stages.filter((file) =>
    /\bports: Ports\b|\bports\.[a-z]+\./.test(readFileSync(join(root, file), 'utf8')),
  );
  assert.deepEqual(holders, []);
});

test('WR-FND-03 an adapter never imports another adapter', () => {
  const adapterOf = (path: string): string => path.split('/')[1] ?? '';
  const crossing = violations(
    ({ from, to }) => inFolder(from, 'adapters') && inFolder(to, 'adapters') && adapterOf(from) !== adapterOf(to),
  );
  assert.deepEqual(crossing, []);
});

test('WR-MND-06 no file leads back to itself through imports, those of types included', () => {
  assert.deepEqual(circlesIn(Map.groupBy(all, ({ from }) => from)), []);
});

test('WR-MND-06 a circle is found wherever one enters it, and each only once', () => {
  const edges = ['a b', 'b c', 'c b', 'c d', 'd d', 'e a'].map((pair) => {
    const [from = '', to = ''] = pair.split(' ');
    return { from, to, typeOnly: true };
  });
  const found = circlesIn(Map.groupBy(edges, ({ from }) => from));
  assert.deepEqual(found, ['b -> c -> b', 'd -> d']);
});

test('WR-FND-04 every stage folder and no other stands in src', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((e) => e.isDirectory())
    .map((e) => e.name);
  assert.deepEqual(folders.sort(), STAGES);
});

test('WR-FND-04 an adapter is a folder that the wiring, a service or another process uses; no file lies beside them', () => {
  const entries = readdirSync(join(root, 'adapters'), { withFileTypes: true });
  assert.deepEqual(
    entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name),
    [],
  );
  const used = new Set(
    ['services', 'models']
      .flatMap(sourceFiles)
      .flatMap(importsOf)
      .map(({ to }) => to)
      .filter((to) => inFolder(to, 'adapters'))
      .map((to) => to.split('/')[1]),
  );
  assert.deepEqual(
    entries.map((entry) => entry.name).filter((name) => !used.has(name)),
    [],
  );
});

test('WR-FND-04 every model package is a card, a graph, golden cases, its checksums and a page for its reader', () => {
  const models = join(root, 'models');
  const packages = [models, join(models, 'examples')]
    .flatMap((folder) => readdirSync(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && entry.name !== 'sources' && entry.name !== 'examples');
  assert.ok(packages.length > 0);
  for (const { name, parentPath } of packages) {
    const files = readdirSync(join(parentPath, name)).map((file) => (file.endsWith('.onnx') ? '*.onnx' : file));
    assert.deepEqual(files.sort(), ['*.onnx', 'README.md', 'SHA256SUMS', 'card.json', 'golden'], name);
    assert.ok(readdirSync(join(models, 'sources')).includes(name), `${name} has its source`);
  }
});

test('WR-FND-04 every file that writes by a standard cites it', () => {
  const cited = /PS3\.\d|FHIR|HL7|TID \d|CID \d|UCUM|RFC/;
  const silent = sourceFiles('src/writeback').filter((file) => !cited.test(readFileSync(join(root, file), 'utf8')));
  assert.deepEqual(silent, []);
});

test('WR-FND-04 every test title is unique within its file', () => {
  const tests = ['src', 'adapters', 'services', 'models', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => join(folder, name)),
  );
  const repeated = tests.flatMap((file) => {
    const titles = [...readFileSync(join(root, file), 'utf8').matchAll(/\n\s*(?:test|it)\(\s*'([^']+)'/g)].map(
      (m) => m[1]!,
    );
    return titles.filter((title, index) => titles.indexOf(title) !== index).map((title) => `${file}: ${title}`);
  });
  assert.deepEqual(repeated, []);
});

/** Every import that closes a circle, as the way around it: `a.ts -> b.ts -> a.ts`. */
function circlesIn(imports: ReadonlyMap<string, readonly Import[]>): string[] {
  const circles: string[] = [];
  const left = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const from = path.indexOf(file);
    if (from >= 0) circles.push([...path.slice(from), file].join(' -> '));
    if (from >= 0 || left.has(file)) return;
    for (const { to } of imports.get(file) ?? []) visit(to, [...path, file]);
    left.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return circles;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}
