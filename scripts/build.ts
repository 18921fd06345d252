/** Compiles the product to dist/: JavaScript for the image and the published package. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
const compiled = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

/** What the compiler does not carry over. Model packages go whole: their digests cover every file. */
const modelPackages = readdirSync(join(root, 'models'))
  .map((name) => join('models', name))
  .filter((folder) => existsSync(join(root, folder, 'card.json')));
for (const path of [
  'contracts/generated/validators.js',
  'contracts/open-inference',
  'services/review/public',
  ...modelPackages,
]) {
  cpSync(join(root, path), join(dist, path), { recursive: true });
}
