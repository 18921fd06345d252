import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Datatype } from '../../src/inference/tensor.ts';
import { textElements } from '../../src/inference/text-elements.ts';
import { decodeGrpcRequest, encodeGrpcResult, type GrpcInferRequest } from './grpc-codec.ts';

type Input = GrpcInferRequest['inputs'][number];

const EMPTY: NonNullable<Input['contents']> = {
  bool_contents: [],
  int_contents: [],
  int64_contents: [],
  uint_contents: [],
  uint64_contents: [],
  fp32_contents: [],
  fp64_contents: [],
  bytes_contents: [],
};

function input(datatype: string, size: number, contents: Partial<typeof EMPTY> | null): Input {
  const given = contents === null ? null : { ...EMPTY, ...contents };
  return { name: datatype, datatype, shape: [String(size)], parameters: {}, contents: given };
}

function request(inputs: readonly Input[], raw: readonly Uint8Array[] = []): GrpcInferRequest {
  const about = { model_name: 'm', model_version: '', id: '', parameters: {}, outputs: [] };
  return { ...about, inputs, raw_input_contents: raw };
}

const LISTED: readonly [Datatype, Partial<typeof EMPTY>, values: unknown[]][] = [
  ['BOOL', { bool_contents: [true, false] }, [1, 0]],
  ['INT8', { int_contents: [-128, 127] }, [-128, 127]],
  ['INT16', { int_contents: [-32768, 1] }, [-32768, 1]],
  ['INT32', { int_contents: [-(2 ** 31), 1] }, [-(2 ** 31), 1]],
  ['INT64', { int64_contents: ['-9223372036854775808', '1'] }, [-(2n ** 63n), 1n]],
  ['UINT8', { uint_contents: [255, 1] }, [255, 1]],
  ['UINT16', { uint_contents: [65535, 1] }, [65535, 1]],
  ['UINT32', { uint_contents: [2 ** 32 - 1, 1] }, [2 ** 32 - 1, 1]],
  ['UINT64', { uint64_contents: ['18446744073709551615', '1'] }, [2n ** 64n - 1n, 1n]],
  ['FP32', { fp32_contents: [0.5, Number.NaN] }, [0.5, Number.NaN]],
  ['FP64', { fp64_contents: [Math.PI, -Infinity] }, [Math.PI, -Infinity]],
  ['BYTES', { bytes_contents: [Buffer.from('a'), Buffer.from('')] }, [...textElements(['a', ''])]],
];
for (const [datatype, contents, values] of LISTED) {
  test(`WR-INF-04 gRPC: ${datatype} in the list of its datatype`, () => {
    const [tensor] = decodeGrpcRequest(request([input(datatype, 2, contents)])).inputs;
    assert.deepEqual([...(tensor!.data as Iterable<unknown>)], values);
    assert.throws(() => decodeGrpcRequest(request([input(datatype, 3, contents)])), { code: 'request-invalid' });
  });
}

const eight = new Uint8Array(8);
const BAD: readonly [what: string, request: GrpcInferRequest][] = [
  ['half precision in a list', request([input('FP16', 1, {})])],
  ['a value beyond its datatype', request([input('INT8', 1, { int_contents: [128] })])],
  ['an unknown datatype', request([input('BF16', 4, null)], [eight])],
  ['no contents at all', request([input('FP32', 2, null)])],
  ['contents twice', request([input('FP32', 2, { fp32_contents: [1, 2] })], [eight])],
  ['raw contents of one input in two', request([input('FP32', 2, null), input('INT64', 1, null)], [eight])],
  ['raw contents of another size', request([input('FP32', 3, null)], [eight])],
  ['a negative size', request([{ ...input('FP32', 2, null), shape: ['-2'] }], [eight])],
  ['an input twice', request([input('FP32', 2, null), input('FP32', 2, null)], [eight, eight])],
];
for (const [what, bad] of BAD) {
  test(`WR-INF-04 gRPC refuses ${what}`, () => {
    assert.throws(() => decodeGrpcRequest(bad), { code: 'request-invalid' });
  });
}

test('WR-INF-04 gRPC: time limit, name of the request and outputs are taken over; answers are raw', () => {
  const given = request([input('FP32', 2, null)], [eight]);
  const outputs = [{ name: 'y', parameters: {} }];
  const call = decodeGrpcRequest({ ...given, id: '7', parameters: { timeout: { int64_param: '1500' } }, outputs });
  assert.deepEqual([call.id, call.timeoutMs, call.outputs], ['7', 1.5, [{ name: 'y', binary: true }]]);
  const tensor = { name: 'y', datatype: 'INT16', shape: [2], data: Int16Array.of(1, 2) } as const;
  const result = encodeGrpcResult({
    model: 'm',
    version: '1',
    parameters: { provider: 'cpu' },
    outputs: [{ tensor, binary: true }],
  });
  assert.deepEqual(result, {
    model_name: 'm',
    model_version: '1',
    id: '',
    parameters: { provider: { string_param: 'cpu' } },
    outputs: [{ name: 'y', datatype: 'INT16', shape: [2], parameters: {} }],
    raw_output_contents: [Uint8Array.of(1, 0, 2, 0)],
  });
});
