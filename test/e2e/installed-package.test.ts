/**
 * The published package: what is in it, and that it runs beside its dependencies alone, without anything that only the
 * clone has. Half a minute: it is built and packed. The real `npm install` is a conformance test, for it needs a registry.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Summary } from '../../contracts/generated/types.ts';
import { root, startCommand, systemNode, wetread } from '../support/command-line.ts';
import { type Packed, pack } from '../support/packed.ts';
import { smallChest, TemporaryFolder } from '../support/phantom-studies.ts';

interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>;
};

let packed: Packed;
let project: TemporaryFolder;
/** The launcher of the installed package. */
let program: readonly [string, string];

before(() => {
  packed = pack();
  project = new TemporaryFolder();
  const modules = join(project.path, 'node_modules');
  mkdirSync(join(modules, 'wetread'), { recursive: true });
  const unpacked = spawnSync('tar', ['-xzf', packed.path, '-C', join(modules, 'wetread'), '--strip-components=1']);
  assert.equal(unpacked.status, 0);
  for (const [path, { dev = false, optional = false }] of Object.entries(packages)) {
    if (!/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) || dev || optional) continue;
    mkdirSync(dirname(join(project.path, path)), { recursive: true });
    symlinkSync(join(root, path), join(project.path, path));
  }
  program = [systemNode, join(modules, 'wetread', 'bin', 'wetread.mjs')];
});
after(async () => {
  await packed?.[Symbol.asyncDispose]();
  await project?.[Symbol.asyncDispose]();
});

test('WR-CLI-16 the lock file names every package for every platform, so that npm ci accepts it anywhere', () => {
  const named = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies));
  assert.ok(named.length > 40);
  const missing = named.filter((name) => packages[`node_modules/${name}`]?.version === undefined);
  assert.deepEqual(missing, []);
});

test('WR-CLI-17 the package holds what runs, and nothing else', () => {
  const { files } = packed;
  const unexpected = files.filter(
    (name) =>
      !/^(bin\/[\w-]+\.mjs|contracts\/([\w-]+\.schema\.json|events\.asyncapi\.yaml)|dist\/.*|package\.json|LICENSE|[A-Z]+\.md)$/.test(
        name,
      ),
  );
  assert.deepEqual(unexpected, []);
  assert.deepEqual(
    files.filter((name) => /\.(ts|map|tgz|test\.js)$|onnx-writer|sources\//.test(name)),
    [],
  );
  const folder = join(root, 'models', 'ct-lung-density');
  const model = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => `dist/models/ct-lung-density/${name}`);
  const page = readdirSync(join(root, 'services/review/public')).map((name) => `dist/services/review/public/${name}`);
  const processes = ['dist/services/wetread/main.js', 'dist/services/inference/main.js'];
  const threads = ['codecs/decode-worker', 'onnxruntime/session-runner', 'voxel-workers/worker'];
  const others = ['dist/contracts/open-inference/inference.proto', 'LICENSE'];
  const needed = [...model, ...page, ...processes, ...threads.map((name) => `dist/adapters/${name}.js`), ...others];
  assert.deepEqual(
    needed.filter((name) => !files.includes(name)),
    [],
  );
  assert.ok(statSync(packed.path).size < 2_000_000, 'no megabytes');
});

test('WR-CLI-17 compiled code imports the dependencies, each of them, and nothing that only developers have', () => {
  const folder = join(project.path, 'node_modules', 'wetread');
  const imported = packed.files
    .filter((name) => /\.m?js$/.test(name) && !name.includes('/public/'))
    .flatMap((name) => {
      const code = readFileSync(join(folder, name), 'utf8');
      const imports = code.matchAll(/^(?:import|export)\b[^'"=();]*?\bfrom\s*['"]([^'"]+)['"]/gm);
      const others = code.matchAll(/(?:^import |\b(?:require|import|resolve|installed)\(\s*)['"]([^'"]+)['"]/gm);
      return [...imports, ...others].map(([, specifier]) => packageOf(specifier!));
    });
  const used = [...new Set(imported)].filter((name) => name !== '.' && !builtinModules.includes(name));
  assert.deepEqual(used.sort(), Object.keys(manifest.dependencies).sort());
});

/** `.` for a file of its own, or of Node. */
function packageOf(specifier: string): string {
  if (/^(\.|node:)/.test(specifier)) return '.';
  const [first, second] = specifier.split('/');
  return first!.startsWith('@') ? `${first}/${second}` : first!;
}

test('WR-CLI-18 the installed package reads a folder, without anything that only the clone has', async () => {
  project.writeStudy('in', smallChest());
  const settings = { program, cwd: project.path, env: { NODE_PATH: '', PATH: dirname(systemNode) } };
  const read = await wetread(['read', 'in', '--out', 'out'], settings);
  assert.equal(read.code, 0, read.stderr);
  const summary = JSON.parse(readFileSync(join(project.path, 'out', 'summary.json'), 'utf8')) as Summary;
  assert.deepEqual(
    summary.studies.map(({ state, findings }) => [state, findings.length]),
    [['filed', 12]],
  );
});

test('WR-CLI-18 the installed package serves the page with every script that it names', async () => {
  await using serve = startCommand(['serve', '--port', '0'], { program, cwd: project.path });
  const [, url] = await serve.printed(/listens on (http:\S+)\n/);
  const page = await (await fetch(url!)).text();
  const named = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path!);
  assert.ok(named.length > 1);
  for (const path of [...named, '/readyz', '/metrics', '/fhir/metadata']) {
    assert.equal((await fetch(url + path)).status, 200, path);
  }
  serve.kill('SIGTERM');
  assert.equal((await serve.ended).code, 0);
});
