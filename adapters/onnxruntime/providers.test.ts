import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type RunningService, startInferenceService } from '../../test/support/inference-service.ts';
import { negateModel, writePackage } from '../../test/support/onnx-models.ts';
import type { ProviderSearch } from './graph.ts';
import { findProviders, missingBecause } from './providers.ts';

const withoutAccelerator = existsSync('/proc/driver/nvidia/version') && 'this machine has an accelerator';
const nothing = { hasLibrary: () => false, hasDriver: false };

test('WR-SVC-05 on a machine without accelerators each provider says why it is not used', {
  skip: withoutAccelerator,
}, async () => {
  const { found, missing } = await findProviders(['cuda', 'tensorrt', 'webgpu', 'coreml', 'cpu']);
  assert.deepEqual(found, ['cpu']);
  assert.deepEqual(
    missing.map(({ provider, reason }) => [provider, reason]),
    [
      ['cuda', 'library-missing'],
      ['tensorrt', 'library-missing'],
      ['webgpu', 'device-missing'],
      ['coreml', 'not-built-in'],
    ],
  );
  assert.match(missing[0]!.because, /libonnxruntime_providers_cuda\.so is not installed: npm rebuild/);
});

test('WR-SVC-05 a library that is there needs a driver; what nobody foresaw is told as the runtime tells it', () => {
  const said = 'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library';
  const reasonOf = (facts: typeof nothing): string => missingBecause('cuda', said, facts).reason;
  assert.equal(reasonOf(nothing), 'library-missing');
  assert.equal(reasonOf({ hasLibrary: () => true, hasDriver: false }), 'driver-missing');
  const last = missingBecause('cuda', said, { hasLibrary: () => true, hasDriver: true });
  assert.deepEqual([last.reason, last.because], ['failed', said]);
});

test('WR-SVC-05 the CPU stands in only where it is named', { skip: withoutAccelerator }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wetread-providers-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writePackage(folder, 'negate', negateModel());
  const start = (providers: string): Promise<RunningService> =>
    startInferenceService(folder, '--log-level', 'silent', '--providers', providers);
  await using service = await start('cuda,cpu');
  const { found, missing } = service.ready.providers as ProviderSearch;
  assert.deepEqual([found, missing[0]?.reason], [['cpu'], 'library-missing']);
  await assert.rejects(start('cuda'), /ended before it was ready/);
});
