import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startInferenceService } from '../../test/support/inference-service.ts';
import { negateModel, writePackage } from '../../test/support/onnx-models.ts';
import { SharedMemory } from './shared-memory.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-shared-'));
const own = `wetread-test-${process.pid}`;
const path = (suffix: string): string => `/dev/shm/${own}${suffix}`;
after(() => {
  rmSync(folder, { recursive: true });
  for (const suffix of ['', '-link']) rmSync(path(suffix), { force: true });
});

test('WR-INF-23 shared memory is off unless it was asked for', async () => {
  writePackage(folder, 'negate', negateModel());
  await using service = await startInferenceService(folder);
  const region = { key: '/none', byte_size: 8 };
  const send = async (address: string, body: object): Promise<[number, string]> => {
    const response = await fetch(service.url + address, { method: 'POST', body: JSON.stringify(body) });
    return [response.status, await response.text()];
  };
  const parameters = { shared_memory_region: 'a', shared_memory_byte_size: 8 };
  const inputs = [{ name: 'hounsfield', shape: [2, 2], datatype: 'INT16', parameters }];
  const given = [{ name: 'hounsfield', shape: [1, 1], datatype: 'INT16', data: [1] }];
  const answers = [
    await send('/v2/systemsharedmemory/region/a/register', region),
    await send('/v2/models/negate/infer', { inputs }),
    await send('/v2/models/negate/infer', { inputs: given, outputs: [{ name: 'same', parameters }] }),
  ];
  for (const [status, sentence] of answers) {
    assert.equal(status, 400);
    assert.match(sentence, /Shared memory is off/);
  }
});

test('WR-INF-23 a region is read and written within its bounds and nowhere else', () => {
  writeFileSync(
    path(''),
    Uint8Array.from({ length: 16 }, (_, index) => index),
  );
  const memory = new SharedMemory(1000);
  memory.register({ name: 'a', key: `/${own}`, offset: 4, byte_size: 8 });
  assert.deepEqual(memory.status(), [{ name: 'a', key: `/${own}`, offset: 4, byte_size: 8 }]);
  const place = { region: 'a', offset: 2, byteSize: 4 };
  assert.deepEqual([...memory.reader()(place)], [6, 7, 8, 9]);
  memory.write(place, Uint8Array.of(1, 2));
  assert.deepEqual([...memory.reader()(place)], [1, 2, 8, 9]);
  const request = { code: 'request-invalid' };
  assert.throws(() => memory.reader()({ ...place, offset: 5 }), request);
  assert.throws(() => memory.write({ ...place, offset: 5 }, Uint8Array.of(1)), request);
  assert.throws(() => memory.write(place, new Uint8Array(5)), request);
  assert.throws(() => memory.register({ name: 'b', key: `/${own}`, offset: 12, byte_size: 5 }), request);
  assert.throws(() => memory.register({ name: 'b', key: `/${own}`, offset: -1, byte_size: 5 }), request);
  assert.throws(() => memory.register({ name: 'a', key: `/${own}`, offset: 0, byte_size: 5 }), { code: 'conflict' });
  truncateSync(path(''), 8);
  assert.throws(() => memory.reader()(place), request);
  memory.unregister();
  assert.throws(() => memory.reader()(place), { code: 'not-found' });
});

test('WR-INF-23 one request brings in no more than its limit, over all regions together', () => {
  writeFileSync(path(''), new Uint8Array(16));
  const memory = new SharedMemory(20);
  memory.register({ name: 'a', key: `/${own}`, offset: 0, byte_size: 16 });
  const read = memory.reader();
  const place = { region: 'a', offset: 0, byteSize: 16 };
  assert.equal(read(place).byteLength, 16);
  assert.throws(() => read(place), { code: 'too-large' });
  assert.equal(memory.reader()(place).byteLength, 16);
  memory.unregister('a');
});

test('WR-INF-23 nothing outside the shared memory of this machine is opened', () => {
  symlinkSync('/etc/hostname', path('-link'));
  const memory = new SharedMemory(1000);
  const codeOf = (key: string): string | undefined => {
    try {
      memory.register({ name: key, key, offset: 0, byte_size: 1 });
      return undefined;
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };
  const keys = ['/../etc/hostname', '/..', '/.', '/', 'etc', '/a/b', '/a\0b', `/${own}-link`, '/wetread-absent'];
  assert.deepEqual(keys.map(codeOf), [...Array<string>(7).fill('request-invalid'), 'not-found', 'not-found']);
});
