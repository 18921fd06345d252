/** `npm run demo`: installs what is missing, builds, and starts the demo. Plain JavaScript: it starts under any Node. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { launch } from '../bin/launch.mjs';
import { ensureInstalled, root } from './bootstrap.mjs';

const node = ensureInstalled();
process.stderr.write('Building …\n');
const built = spawnSync(node, [join(root, 'scripts', 'build.ts')], { cwd: root, stdio: 'inherit' });
if (built.status !== 0) process.exit(built.status ?? 1);

// npm changes to the package's folder: a relative FOLDER is meant from where the command was typed.
const typedIn = process.env.INIT_CWD ?? process.cwd();
launch(join(root, 'dist', 'services', 'wetread', 'main.js'), ['demo', ...process.argv.slice(2)], typedIn);
