/** Compiles the product to dist/: JavaScript for the image and the published package. */
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
const compiled = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

/** What the compiler does not carry over: generated validators, wasm modules, the page, the model packages. */
const isAsset = (name: string): boolean =>
  /\.(js|mjs|json|wasm|onnx|html|css|svg|md)$/.test(name) && !name.includes('node_modules');
for (const folder of ['contracts', 'adapters', 'services', 'models']) {
  for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
    if (isAsset(name)) cpSync(join(root, folder, name), join(dist, folder, name));
  }
}
