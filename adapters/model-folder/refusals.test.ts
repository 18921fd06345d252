/** What a stranger's package may bring, and that none of it is loaded: every package here is sealed, so its bytes agree. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { WetreadError } from '../../src/errors.ts';
import {
  copyPackage,
  editCard,
  editGraph,
  type Model,
  onnx,
  seal,
  writeGraph,
} from '../../test/support/model-package.ts';
import { TemporaryFolder } from '../../test/support/phantom-studies.ts';
import { inspectPackage } from './inspect.ts';
import { loadModelPackage } from './model-shelf.ts';
import { readGraph } from './onnx-graph.ts';

const scratch = new TemporaryFolder();
after(() => scratch[Symbol.asyncDispose]());

let copies = 0;
async function refusal(damage: (folder: string) => void): Promise<string> {
  const folder = copyPackage(join(scratch.path, `package-${copies++}`));
  damage(folder);
  await seal(folder);
  const error = await loadModelPackage(folder).then(
    () => assert.fail('the package was loaded'),
    (cause: unknown) => WetreadError.from(cause),
  );
  assert.equal(error.code, 'package-invalid');
  return error.message.replace(/^Model package \S+: /, '');
}

const external = (tensor: object, location: string, more: Readonly<Record<string, string>> = {}): void => {
  const entries = Object.entries({ location, ...more }).map(([key, value]) => ({ key, value }));
  Object.assign(tensor, { rawData: new Uint8Array(), dataLocation: 1, externalData: entries });
};
const firstTensor = (model: Model): object => model.graph!.initializer![0]!;

const LOCATIONS: Readonly<Record<string, string>> = {
  'the folder above': '../weights.bin',
  'an absolute path': '/etc/hostname',
  'a path that goes up later': 'cases/../../weights.bin',
  'a path with backslashes': '..\\weights.bin',
  'a drive': 'C:weights.bin',
  nowhere: '',
};
for (const [what, location] of Object.entries(LOCATIONS)) {
  test(`WR-MPK-01 external data outside the package is refused: ${what}`, async () => {
    const message = await refusal((folder) => editGraph(folder, (model) => external(firstTensor(model), location)));
    assert.match(message, /^lungs\.onnx: tensor \S+ has its data outside the package: /);
    assert.ok(message.endsWith(location));
  });
}

/** Where a graph can hold a tensor besides its initializers. */
const HIDING_PLACES: Readonly<Record<string, (graph: NonNullable<Model['graph']>, tensor: object) => void>> = {
  'a constant of a node': (graph, tensor) =>
    graph.node!.push(
      onnx.NodeProto.fromObject({ opType: 'Constant', attribute: [{ name: 'value', type: 4, t: tensor }] }),
    ),
  'the branch of an If': (graph, tensor) =>
    graph.node!.push(
      onnx.NodeProto.fromObject({
        opType: 'If',
        attribute: [{ name: 'then_branch', type: 5, g: { initializer: [tensor] } }],
      }),
    ),
  'a sparse initializer': (graph, tensor) =>
    Object.assign(graph, { sparseInitializer: [onnx.SparseTensorProto.fromObject({ values: tensor })] }),
};
for (const [what, hide] of Object.entries(HIDING_PLACES)) {
  test(`WR-MPK-01 external data is found wherever a graph can hold it: ${what}`, async () => {
    const tensor = { name: 'hidden', dims: [4], dataType: 1, dataLocation: 1 };
    external(tensor, '../weights.bin');
    const message = await refusal((folder) => editGraph(folder, (model) => hide(model.graph!, tensor)));
    assert.match(message, /tensor hidden has its data outside the package: \.\.\/weights\.bin/);
  });
}

test('WR-MPK-01 external data inside the package is read, where it is there and long enough', async () => {
  const weights =
    (length: number, more: Readonly<Record<string, string>> = {}) =>
    (folder: string) => {
      writeFileSync(join(folder, 'weights.bin'), new Uint8Array(length));
      editGraph(folder, (model) => {
        const tensor = onnx.TensorProto.fromObject({ name: 'w', dims: [4, 4], dataType: 1 });
        external(tensor, 'weights.bin', more);
        model.graph!.initializer!.push(tensor);
      });
    };
  const folder = copyPackage(join(scratch.path, 'external'));
  weights(100, { offset: '36', length: '64' })(folder);
  await seal(folder);
  assert.equal((await loadModelPackage(folder)).card.name, 'ct-lung-density');
  const tooShort = /lungs\.onnx: tensor w does not fit into weights\.bin/;
  assert.match(await refusal(weights(63)), tooShort);
  assert.match(await refusal(weights(100, { offset: '37' })), tooShort);
  assert.match(await refusal(weights(100, { offset: '-4' })), tooShort);
  assert.match(await refusal(weights(100, { length: '8' })), tooShort);
  const absent = await refusal((copy) => editGraph(copy, (model) => external(firstTensor(model), 'other.bin')));
  assert.match(absent, /other\.bin, which is not in the package/);
});

test('WR-MPK-02 sizes that are only declared are refused: weights, constants, inputs, the card', async () => {
  const dims = (sizes: readonly number[]) => (folder: string) =>
    editGraph(folder, (model) => Object.assign(firstTensor(model), { dims: sizes }));
  assert.match(await refusal(dims([2 ** 20, 2 ** 20, 2 ** 20])), /declares 1048576 × 1048576 × 1048576 elements/);
  assert.match(await refusal(dims([0, 2 ** 40])), /declares 0 × 1099511627776 elements/);
  assert.match(await refusal(dims([-1])), /declares 1844\d+ elements/);
  assert.match(await refusal(dims([1000])), /declares 1000 elements and holds \d+ bytes/);
  const input = await refusal((folder) =>
    editGraph(folder, ({ graph }) => {
      graph!.input![0]!.type!.tensorType!.shape!.dim = [{ dimValue: 2 ** 32 }, { dimParam: 'n' }, { dimValue: 9 }];
    }),
  );
  assert.match(input, /lungs\.onnx: volume declares 4294967296 × 9 elements/);
  const card = await refusal((folder) =>
    editCard(folder, ({ input: { maximumShape } }) => maximumShape.splice(0, 3, 2048, 2048, 2048)),
  );
  assert.equal(card, 'card.json: /input/maximumShape: more than 2^30 voxels');
});

test('WR-MPK-03 bytes that are no ONNX file are refused, whatever they are', async () => {
  const graph = readFileSync(join(copyPackage(join(scratch.path, 'whole')), 'lungs.onnx'));
  const nested = Array.from({ length: 200 }).reduce<object>(
    (inner) => ({ node: [{ opType: 'If', attribute: [{ name: 'g', g: inner }] }] }),
    {},
  );
  const NO_GRAPHS: readonly (readonly [Uint8Array, RegExp])[] = [
    [new Uint8Array(), /lungs\.onnx is not an ONNX file/],
    [Buffer.from('<html></html>'), /lungs\.onnx is not an ONNX file/],
    [graph.subarray(0, graph.length - 1), /lungs\.onnx is not an ONNX file/],
    [new Uint8Array(1000).fill(0xff), /lungs\.onnx is not an ONNX file/],
    [onnx.ModelProto.encode({ graph: nested }).finish(), /lungs\.onnx nests graphs too deeply/],
  ];
  for (const [bytes, message] of NO_GRAPHS) assert.match(await refusal((folder) => writeGraph(folder, bytes)), message);
});

test('WR-MPK-03 no damage of a graph gives anything but facts or a refusal', () => {
  const graph = readFileSync(join(copyPackage(join(scratch.path, 'fuzzed')), 'lungs.onnx'));
  let refused = 0;
  for (let i = 0; i < graph.length; i += 7) {
    const damaged = Buffer.from(graph);
    damaged[i]! ^= 1 + (i % 255);
    try {
      readGraph(damaged);
    } catch (error) {
      assert.equal(WetreadError.from(error).code, 'package-invalid');
      refused += 1;
    }
  }
  assert.ok(refused > 100);
});

const FILES: Readonly<Record<string, readonly [name: string, bytes: Buffer, message: RegExp]>> = {
  'a pickle by name': ['weights.pkl', Buffer.from('x'), /^weights\.pkl may hold pickled objects/],
  'a PyTorch file by name': ['sub/Model.PTH', Buffer.from('x'), /^sub\/Model\.PTH may hold pickled objects/],
  'a pickle by content': [
    'notes.txt',
    Buffer.from('\x80\x04\x95\x10\0', 'latin1'),
    /^notes\.txt holds pickled objects/,
  ],
  'an old PyTorch file by content': [
    'w.bin',
    Buffer.from('\x80\x02\x8a\x0a', 'latin1'),
    /^w\.bin holds pickled objects/,
  ],
  'a PyTorch file of today by content': ['w.bin', Buffer.from('PK\x03\x04'), /^w\.bin is a zip archive/],
  'an empty zip archive': ['w.bin', Buffer.from('PK\x05\x06'), /^w\.bin is a zip archive/],
  'a name with a backslash': ['..\\w.bin', Buffer.from('x'), /^\.\.\\w\.bin has a name with characters/],
};
for (const [what, [name, bytes, message]] of Object.entries(FILES)) {
  test(`WR-MPK-04 refused although its checksum is right: ${what}`, async () => {
    const found = await refusal((folder) => {
      mkdirSync(join(folder, 'sub'));
      writeFileSync(join(folder, name), bytes);
    });
    assert.match(found, message);
  });
}

test('WR-MPK-04 weights that begin like a pickle and are none are no pickle', async () => {
  const folder = copyPackage(join(scratch.path, 'weights'));
  writeFileSync(join(folder, 'weights.bin'), Buffer.from([0x80, 0x02, 0x00, 0x3f]));
  writeFileSync(join(folder, 'short.bin'), Buffer.from([0x80, 0x02]));
  await seal(folder);
  assert.deepEqual((await inspectPackage(folder)).complaints, []);
});

test('WR-MPK-04 a link is refused, to a file and to a folder, outside and inside', async () => {
  for (const target of ['/etc/hostname', '..', 'card.json']) {
    const folder = copyPackage(join(scratch.path, `link-${copies++}`));
    symlinkSync(target, join(folder, 'link'));
    await assert.rejects(loadModelPackage(folder), {
      code: 'package-invalid',
      message: /link is neither a file nor a f/,
    });
  }
});

const DISAGREEMENTS: Readonly<Record<string, readonly [edit: (folder: string) => void, message: RegExp]>> = {
  'another name of the input': [
    (folder) => editCard(folder, ({ input }) => Object.assign(input, { tensor: 'ct' })),
    /\/input\/tensor: the graph has no input ct; it has volume; card\.json: \/input: the graph also wants volume/,
  ],
  'another datatype': [
    (folder) =>
      editCard(folder, ({ input }) => Object.assign(input, { intensity: { datatype: 'FP32', low: 0, high: 1 } })),
    /^card\.json: \/input\/tensor: volume is INT16 in the graph, not FP32$/,
  ],
  'another rank': [
    (folder) =>
      editGraph(folder, ({ graph }) => graph!.input![0]!.type!.tensorType!.shape!.dim!.unshift({ dimValue: 1 })),
    /^card\.json: \/input\/tensor: volume has rank 4 in the graph, not 3/,
  ],
  'a fixed size': [
    (folder) =>
      editGraph(folder, ({ graph }) => {
        graph!.input![0]!.type!.tensorType!.shape!.dim = [{ dimParam: 'n' }, { dimValue: 96 }, { dimParam: 'm' }];
      }),
    /^card\.json: \/input\/tensor: axis 1 of volume is fixed to 96 in the graph/,
  ],
  'an output that is not there': [
    (folder) => editCard(folder, ({ outputs: [output] }) => Object.assign(output, { tensor: 'mask' })),
    /^card\.json: \/outputs\/0\/tensor: the graph has no output mask; it has labels$/,
  ],
  'another opset': [
    (folder) => editCard(folder, ({ runtime }) => Object.assign(runtime, { opset: 11 })),
    /^card\.json: \/runtime\/opset: the graph has 18$/,
  ],
};
for (const [what, [edit, message]] of Object.entries(DISAGREEMENTS)) {
  test(`WR-MPK-05 a card that the graph contradicts is refused: ${what}`, async () => {
    assert.match(await refusal(edit), message);
  });
}

test('WR-MPK-05 everything that is wrong is said at once', async () => {
  const message = await refusal((folder) => {
    editCard(folder, (card) => {
      Object.assign(card.input, { tensor: 'ct' });
      Object.assign(card.outputs[0].refine.range!, { low: 0 });
    });
    writeFileSync(join(folder, 'weights.pkl'), 'x');
  });
  for (const part of [/weights\.pkl/, /\/outputs\/0\/refine\/range/, /no input ct/]) assert.match(message, part);
});
