#!/usr/bin/env node
/** The command `wetread`: a clone runs its sources, the published package, which has none, the compiled code. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from './launch.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'services', 'wetread', 'main.ts');
const compiled = join(root, 'dist', 'services', 'wetread', 'main.js');
launch(existsSync(source) ? source : compiled, process.argv.slice(2));
