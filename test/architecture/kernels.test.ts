import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { kernelModule } from '../../scripts/kernel.ts';

test('WR-ASM-21 the committed kernel is what its source compiles to', async () => {
  const committed = readFileSync(join(import.meta.dirname, 'kernel-module.ts'), 'utf8');
  assert.equal(committed, await kernelModule(), 'run `npm run kernel`');
});
