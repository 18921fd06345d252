import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { KERNELS, kernelModule, modulePath } from '../../scripts/kernel.ts';

for (const kernel of KERNELS) {
  test(`WR-ASM-21 the committed kernel of ${kernel.adapter} is what its source compiles to`, async () => {
    assert.equal(readFileSync(modulePath(kernel), 'utf8'), await kernelModule(kernel), 'run `npm run kernel`');
  });
}
