import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** package.json stands two folders up in the clone and three up in dist. */
const candidates = ['../..', '../../..'].map((up) => join(import.meta.dirname, up, 'package.json'));
const manifest = JSON.parse(readFileSync(candidates.find((path) => existsSync(path))!, 'utf8')) as { version: string };

export const softwareVersion: string = manifest.version;
export const software = { name: 'Wetread', version: softwareVersion } as const;
