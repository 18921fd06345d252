/** `npm run demo`: installs what is missing, builds, and starts the demo. Plain JavaScript: it starts under any Node. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, root } from './bootstrap.mjs';

const node = ensureInstalled();
process.stderr.write('Building …\n');
const built = spawnSync(node, [join(root, 'scripts', 'build.ts')], { cwd: root, stdio: 'inherit' });
if (built.status !== 0) process.exit(built.status ?? 1);

const demo = spawnSync(process.execPath, [join(root, 'bin', 'wetread.mjs'), 'demo', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(demo.status ?? 1);
