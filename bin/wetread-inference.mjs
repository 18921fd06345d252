#!/usr/bin/env node
/** The command `wetread-inference`: the inference service by itself, for a machine with an accelerator. As `wetread.mjs`. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from './launch.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'services', 'inference', 'main.ts');
const compiled = join(root, 'dist', 'services', 'inference', 'main.js');
launch(existsSync(source) ? source : compiled, process.argv.slice(2));
