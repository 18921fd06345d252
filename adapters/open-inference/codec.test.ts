import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Datatype, Tensor } from '../../src/inference/tensor.ts';
import { textElements } from '../../src/inference/text-elements.ts';
import {
  decodeRequest,
  decodeResult,
  type EncodedMessage,
  encodeRequest,
  encodeResult,
  HEADER_LENGTH,
} from './codec.ts';

const TENSORS: readonly Tensor[] = [
  { name: 'bool', datatype: 'BOOL', shape: [3], data: Uint8Array.of(0, 1, 1) },
  { name: 'uint8', datatype: 'UINT8', shape: [1, 1], data: Uint8Array.of(255) },
  { name: 'uint16', datatype: 'UINT16', shape: [2], data: Uint16Array.of(0, 65535) },
  { name: 'uint32', datatype: 'UINT32', shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
  { name: 'uint64', datatype: 'UINT64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
  { name: 'int8', datatype: 'INT8', shape: [2], data: Int8Array.of(-128, 127) },
  { name: 'int16', datatype: 'INT16', shape: [2, 1], data: Int16Array.of(-32768, 32767) },
  { name: 'int32', datatype: 'INT32', shape: [1], data: Int32Array.of(-(2 ** 31)) },
  { name: 'int64', datatype: 'INT64', shape: [2], data: BigInt64Array.of(-5n, 2n ** 40n) },
  { name: 'fp16', datatype: 'FP16', shape: [3], data: Float16Array.of(0.5, -65504, 2 ** -24) },
  { name: 'bytes', datatype: 'BYTES', shape: [3], data: textElements(['', 'a', 'Lungenödem ☢']) },
  { name: 'fp32', datatype: 'FP32', shape: [2], data: Float32Array.of(0.5, -1e30) },
  { name: 'fp64', datatype: 'FP64', shape: [1], data: Float64Array.of(Math.PI) },
  { name: 'scalar', datatype: 'FP32', shape: [], data: Float32Array.of(2) },
  { name: 'empty', datatype: 'INT16', shape: [0, 7], data: Int16Array.of() },
];

function joined({ chunks }: EncodedMessage): Buffer {
  return Buffer.concat(chunks);
}

function jsonLength({ headers }: EncodedMessage): number | undefined {
  return headers[HEADER_LENGTH] === undefined ? undefined : Number(headers[HEADER_LENGTH]);
}

test('WR-INF-02 every datatype goes through a request and a result, in binary and as JSON', () => {
  const request = encodeRequest({ model: 'm', version: '1', inputs: TENSORS, outputs: ['a', 'b'] });
  const call = decodeRequest(joined(request), jsonLength(request));
  assert.deepEqual(call.inputs, TENSORS);
  assert.deepEqual(call.outputs, [
    { name: 'a', binary: true },
    { name: 'b', binary: true },
  ]);
  for (const binary of [true, false]) {
    const outputs = TENSORS.map((tensor) => ({ tensor, binary }));
    const result = encodeResult({ model: 'm', version: '1', parameters: { provider: 'cpu' }, outputs });
    assert.equal(jsonLength(result) !== undefined, binary);
    const decoded = decodeResult(joined(result), jsonLength(result));
    assert.deepEqual(decoded, { outputs: TENSORS, parameters: { provider: 'cpu' } });
  }
});

test('WR-INF-03 the first binary tensor of an encoded message is aligned and decoded without a copy', () => {
  for (const name of ['x', 'xx', 'xxx', 'a name of another length', 'ünicode']) {
    const inputs: Tensor[] = [{ name, datatype: 'FP64', shape: [1], data: Float64Array.of(1) }];
    const request = encodeRequest({ model: 'm', version: '1', inputs, outputs: [] });
    const whole = joined(request);
    const body = new Uint8Array(new SharedArrayBuffer(whole.byteLength));
    body.set(whole);
    const [tensor] = decodeRequest(body, jsonLength(request)).inputs;
    assert.equal(tensor?.name, name);
    assert.equal(tensor?.data.buffer, body.buffer);
  }
});

const JSON_VALUES: readonly [Datatype, unknown[], accepted: boolean][] = [
  ['BOOL', [true, false], true],
  ['BOOL', [1, 0], false],
  ['UINT8', [0, 255], true],
  ['UINT8', [-1], false],
  ['UINT8', [256], false],
  ['INT64', [Number.MAX_SAFE_INTEGER], true],
  ['INT64', [2 ** 60], true],
  ['INT64', [2 ** 63], false],
  ['FP32', [1e300], false],
  ['FP64', [1e300], true],
  ['FP16', [65504], true],
  ['FP16', [65520], false],
  ['UINT16', [65536], false],
  ['UINT32', [2 ** 32], false],
  ['UINT64', [-1], false],
  ['UINT64', [2 ** 63], true],
  ['UINT64', [2 ** 64], false],
  ['BYTES', ['a', ''], true],
  ['BYTES', [1], false],
  ['FP32', ['1'], false],
  ['FP32', [null], false],
  ['INT16', [1.5], false],
];
for (const [datatype, data, accepted] of JSON_VALUES) {
  test(`WR-INF-04 ${datatype} ${accepted ? 'takes' : 'refuses'} ${JSON.stringify(data)}`, () => {
    const decode = (): unknown =>
      decodeRequest(
        Buffer.from(JSON.stringify({ inputs: [{ name: 'x', shape: [data.length], datatype, data }] })),
        undefined,
      );
    if (accepted) assert.doesNotThrow(decode);
    else assert.throws(decode, { code: 'request-invalid' });
  });
}

test('WR-INF-04 a BOOL in binary is 0 or 1', () => {
  const inputs: Tensor[] = [{ name: 'x', datatype: 'BOOL', shape: [1], data: Uint8Array.of(2) }];
  const request = encodeRequest({ model: 'm', version: '1', inputs, outputs: [] });
  assert.throws(() => decodeRequest(joined(request), jsonLength(request)), { code: 'request-invalid' });
});

const BROKEN_TEXTS: readonly [what: string, elements: number, data: Uint8Array][] = [
  ['fewer than the shape', 2, textElements(['a'])],
  ['more than the shape', 1, textElements(['a', 'b'])],
  ['a length past the end', 1, Uint8Array.of(2, 0, 0, 0, 65)],
  ['half a length', 1, Uint8Array.of(0, 0)],
  ['no UTF-8', 1, Uint8Array.of(1, 0, 0, 0, 255)],
];
for (const [what, elements, data] of BROKEN_TEXTS) {
  test(`WR-INF-04 BYTES in binary are refused: ${what}`, () => {
    const inputs: Tensor[] = [{ name: 'x', datatype: 'BYTES', shape: [elements], data }];
    const request = encodeRequest({ model: 'm', version: '1', inputs, outputs: [] });
    assert.throws(() => decodeRequest(joined(request), jsonLength(request)), { code: 'request-invalid' });
  });
}

test('WR-INF-04 requests with one byte changed never throw anything but a typed refusal', () => {
  const request = encodeRequest({ model: 'm', version: '1', inputs: TENSORS, outputs: ['a'] });
  const whole = joined(request);
  let refused = 0;
  for (let index = 0; index < whole.byteLength; index += 1) {
    for (const value of [0, 34, 91, 125, 255]) {
      const damaged = Buffer.from(whole);
      damaged[index] = value;
      try {
        decodeRequest(damaged, jsonLength(request));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'request-invalid');
        refused += 1;
      }
    }
  }
  assert.ok(refused > 1000, `${refused} refused`);
});
