/** Tiny ONNX models for tests of the inference service, and packages that hold them. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import type { Datatype } from '../../src/inference/tensor.ts';

const { onnx } = onnxProto;
const { FLOAT, INT16, INT64 } = onnx.TensorProto.DataType;
type Node = onnxProto.onnx.INodeProto;

function value(name: string, elemType: number, sizes: readonly (string | number)[]): onnxProto.onnx.IValueInfoProto {
  const dim = sizes.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

function model(
  node: Node[],
  input: onnxProto.onnx.IValueInfoProto[],
  output: onnxProto.onnx.IValueInfoProto[],
  initializer: onnxProto.onnx.ITensorProto[] = [],
): Uint8Array {
  const graph = { name: 'test', node, input, output, initializer };
  return onnx.ModelProto.encode({ irVersion: 8, opsetImport: [{ domain: '', version: 17 }], graph }).finish();
}

const toFloat = { name: 'to', type: onnx.AttributeProto.AttributeType.INT, i: FLOAT };

/** `hounsfield` INT16 [n, m] → `negated` FP32 (its negative) and `same` INT16. */
export function negateModel(): Uint8Array {
  return model(
    [
      { opType: 'Cast', input: ['hounsfield'], output: ['float'], attribute: [toFloat] },
      { opType: 'Neg', input: ['float'], output: ['negated'] },
      { opType: 'Identity', input: ['hounsfield'], output: ['same'] },
    ],
    [value('hounsfield', INT16, ['n', 'm'])],
    [value('negated', FLOAT, ['n', 'm']), value('same', INT16, ['n', 'm'])],
  );
}

/** `x` FP32 [n, n] → its 41st power, slowly: n = 1200 takes seconds. */
export function slowModel(): Uint8Array {
  const nodes = Array.from({ length: 40 }, (_, index): Node => {
    const last = index === 0 ? 'x' : `x${index}`;
    return { opType: 'MatMul', input: [last, 'x'], output: [index === 39 ? 'y' : `x${index + 1}`] };
  });
  return model(nodes, [value('x', FLOAT, ['n', 'n'])], [value('y', FLOAT, ['n', 'n'])]);
}

/** `x` FP32 [n] → `rows` FP32 [n / 4, 4]: an n that four does not divide is an error of the run. */
export function quartersModel(): Uint8Array {
  const shape = { name: 'shape', dataType: INT64, dims: [2], int64Data: [-1, 4] };
  return model(
    [{ opType: 'Reshape', input: ['x', 'shape'], output: ['rows'] }],
    [value('x', FLOAT, ['n'])],
    [value('rows', FLOAT, ['m', 4])],
    [shape],
  );
}

/** `index` INT64 [n] → `picked` FP32 out of three values; any other index is an error of the run. */
export function pickModel(): Uint8Array {
  const three = { name: 'three', dataType: FLOAT, dims: [3], floatData: [10, 20, Number.NaN] };
  return model(
    [{ opType: 'Gather', input: ['three', 'index'], output: ['picked'] }],
    [value('index', INT64, ['n'])],
    [value('picked', FLOAT, ['n'])],
    [three],
  );
}

/** Element types of ONNX by datatype of the Open Inference Protocol, those of both that the runtime can pass. */
const ELEMENT_TYPES = {
  BOOL: onnx.TensorProto.DataType.BOOL,
  UINT8: onnx.TensorProto.DataType.UINT8,
  UINT16: onnx.TensorProto.DataType.UINT16,
  UINT32: onnx.TensorProto.DataType.UINT32,
  UINT64: onnx.TensorProto.DataType.UINT64,
  INT8: onnx.TensorProto.DataType.INT8,
  INT16,
  INT32: onnx.TensorProto.DataType.INT32,
  INT64,
  FP16: onnx.TensorProto.DataType.FLOAT16,
  FP32: FLOAT,
  FP64: onnx.TensorProto.DataType.DOUBLE,
  BYTES: onnx.TensorProto.DataType.STRING,
} as const satisfies Record<Datatype, number>;

/** For each datatype an input `to…` and an output `from…` [n of its own], such as `toFP16` and `fromFP16`: the same values. @param further axes before */
export function everyDatatypeModel(
  datatypes: readonly Datatype[] = Object.keys(ELEMENT_TYPES) as Datatype[],
  further: readonly number[] = [],
): Uint8Array {
  const types = datatypes.map((name) => [name, ELEMENT_TYPES[name]] as const);
  return model(
    types.map(([name]) => ({ opType: 'Identity', input: [`to${name}`], output: [`from${name}`] })),
    types.map(([name, type]) => value(`to${name}`, type, [...further, `n${name}`])),
    types.map(([name, type]) => value(`from${name}`, type, [...further, `n${name}`])),
  );
}

/** `x` FP32 [n, 1, d, h, w] → `y`, the same shape: three convolutions of 3 × 3 × 3 with 16 channels between, as in a small network. */
export function convolutionModel(): Uint8Array {
  const weights = (name: string, from: number, to: number): onnxProto.onnx.ITensorProto => {
    const floatData = Array.from({ length: from * to * 27 }, (_, index) => ((index % 7) - 3) / 100);
    return { name, dataType: FLOAT, dims: [to, from, 3, 3, 3], floatData };
  };
  const pads = { name: 'pads', type: onnx.AttributeProto.AttributeType.INTS, ints: [1, 1, 1, 1, 1, 1] };
  const convolved = (input: string, by: string, output: string): Node => ({
    opType: 'Conv',
    input: [input, by],
    output: [output],
    attribute: [pads],
  });
  const axes = ['n', 1, 'd', 'h', 'w'];
  return model(
    [convolved('x', 'one', 'a'), convolved('a', 'two', 'b'), convolved('b', 'three', 'y')],
    [value('x', FLOAT, axes)],
    [value('y', FLOAT, axes)],
    [weights('one', 1, 16), weights('two', 16, 16), weights('three', 16, 1)],
  );
}

/** `x` FP32 [n, 1024] → `y`, the same shape: four layers whose weights cost more to read than a row to compute. */
export function layersModel(): Uint8Array {
  const floatData = Array.from({ length: 1024 * 1024 }, (_, index) => ((index % 13) - 6) / 5000);
  const names = ['x', 'a', 'b', 'c', 'y'];
  return model(
    names.slice(1).map((output, index) => ({ opType: 'MatMul', input: [names[index]!, 'weights'], output: [output] })),
    [value('x', FLOAT, ['n', 1024])],
    [value('y', FLOAT, ['n', 1024])],
    [{ name: 'weights', dataType: FLOAT, dims: [1024, 1024], floatData }],
  );
}

/** `x` BFLOAT16 [n] → `y`, the same. */
export function bfloat16Model(): Uint8Array {
  const type = onnx.TensorProto.DataType.BFLOAT16;
  return model(
    [{ opType: 'Identity', input: ['x'], output: ['y'] }],
    [value('x', type, ['n'])],
    [value('y', type, ['n'])],
  );
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Writes a model package of one graph. @returns the path of the graph. */
export function writePackage(folder: string, name: string, graph: Uint8Array, version = '1.0.0'): string {
  const home = join(folder, `${name}-${version}`);
  mkdirSync(home, { recursive: true });
  const sha256 = sha256Of(graph);
  writeFileSync(
    join(home, 'card.json'),
    JSON.stringify({ schemaVersion: 1, name, version, runtime: { file: 'model.onnx', sha256 } }),
  );
  const path = join(home, 'model.onnx');
  writeFileSync(path, graph);
  return path;
}
