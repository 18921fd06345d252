/** The folder of a MONAI bundle becomes a package: what it says of itself is in the card, what it does not say is asked. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openQuestions } from '../../src/inference/open-questions.ts';
import { TemporaryFolder } from '../../test/support/phantom-studies.ts';
import { GraphBuilder } from '../onnx-writer/graph-builder.ts';
import { writeModel } from '../onnx-writer/write-model.ts';
import { beginFromBundle } from './begin-package.ts';
import { inspectPackage } from './inspect.ts';

const scratch = new TemporaryFolder();
after(() => scratch[Symbol.asyncDispose]());
let bundles = 0;

/** A graph of MONAI's shape that gives its input back, one channel for each class. */
function graph(channels: number, classes: number): Uint8Array {
  const builder = new GraphBuilder('bundle');
  const image = builder.input('image', 'FLOAT', ['batch', channels, 'x', 'y', 'z']);
  const copies = builder.node(
    'Concat',
    Array.from({ length: classes }, () => image),
    { axis: 1 },
  );
  builder.output(copies, 'FLOAT', ['batch', channels * classes, 'x', 'y', 'z'], 'pred');
  return writeModel(builder, { opset: 18, producerName: 'test', producerVersion: '1', description: 'test' });
}

/** After the MONAI Bundle specification. */
const SPLEEN = {
  version: '0.5.3',
  changelog: { '0.5.3': 'names unified', '0.1.0': 'first' },
  monai_version: '1.4.0',
  pytorch_version: '2.4.0',
  name: 'Spleen CT segmentation',
  task: 'Segmentation of the spleen in CT',
  description: 'A network that outlines the spleen on abdominal CT.',
  authors: 'The makers',
  copyright: 'Copyright (c) the makers',
  data_source: 'Public abdominal CT',
  eval_metrics: { mean_dice: 0.96 },
  intended_use: 'An example, not for diagnosis',
  references: ['A paper.', 'Another paper.'],
  network_data_format: {
    inputs: {
      image: {
        type: 'image',
        format: 'hounsfield',
        modality: 'CT',
        num_channels: 1,
        spatial_shape: [96, 80, 64],
        dtype: 'float32',
        value_range: [0, 1],
        is_patch_data: true,
        channel_def: { '0': 'image' },
      },
    },
    outputs: {
      pred: {
        type: 'image',
        format: 'segmentation',
        num_channels: 2,
        spatial_shape: [96, 80, 64],
        dtype: 'float32',
        value_range: [0, 1],
        is_patch_data: true,
        channel_def: { '0': 'background', '1': 'Spleen' },
      },
    },
  },
};

function bundle(metadata: unknown, model: Uint8Array | undefined = graph(1, 2)): string {
  const folder = join(scratch.path, `bundle-${bundles++}`);
  mkdirSync(join(folder, 'configs'), { recursive: true });
  mkdirSync(join(folder, 'models'));
  writeFileSync(join(folder, 'configs', 'metadata.json'), JSON.stringify(metadata));
  writeFileSync(join(folder, 'models', 'model.pt'), 'weights in a pickle');
  if (model !== undefined) writeFileSync(join(folder, 'models', 'model.onnx'), model);
  return folder;
}

async function begun(metadata: unknown, model?: Uint8Array): Promise<{ folder: string; card: unknown }> {
  const { folder } = await beginFromBundle(bundle(metadata, model), join(scratch.path, `home-${bundles}`));
  return { folder, card: JSON.parse(readFileSync(join(folder, 'card.json'), 'utf8')) };
}

/** The value that a JSON pointer leads to; undefined where it leads nowhere. */
function at(value: unknown, pointer: string): unknown {
  const step = (inner: unknown, key: string): unknown =>
    typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined;
  return pointer.split('/').slice(1).reduce(step, value);
}

/** The bundle with its tensors described otherwise. */
function described(input: object, output: object, moreInputs: object = {}): unknown {
  const { inputs, outputs } = SPLEEN.network_data_format;
  return {
    ...SPLEEN,
    network_data_format: {
      inputs: { image: { ...inputs.image, ...input }, ...moreInputs },
      outputs: { pred: { ...outputs.pred, ...output } },
    },
  };
}

test('WR-PKG-06 a bundle of CT segmentation: its metadata is in the card, and only questions are open', async () => {
  const { folder, card } = await begun(SPLEEN);
  assert.deepEqual(readdirSync(folder).sort(), ['card.json', 'spleen-ct-segmentation.onnx'], 'no pickle comes along');
  const expected: Readonly<Record<string, unknown>> = {
    '/version': '0.5.3',
    '/title': SPLEEN.name,
    '/description': SPLEEN.description,
    '/intendedUse/0/task': SPLEEN.task,
    '/intendedUse/0/modality': 'CT',
    '/intendedUse/0/note': SPLEEN.intended_use,
    '/input/tensor': 'image',
    '/input/layout': 'NCWHD',
    '/input/units': 'HU',
    '/input/fill': -1024,
    // slices, rows, columns of x, y, z
    '/input/window/shape': [64, 80, 96],
    '/input/intensity/channels/0/to': { low: 0, high: 1 },
    '/input/slots': undefined,
    '/outputs/0/tensor': 'pred',
    '/outputs/0/encoding': { kind: 'logits', layout: 'NCWHD' },
    '/outputs/0/segments/length': 1,
    '/outputs/0/segments/0/label': 1,
    '/outputs/0/segments/0/key': 'spleen',
    '/outputs/0/segments/0/title': 'Spleen',
    '/outputs/0/findings/0/key': 'spleen',
    '/facts/developer': 'The makers',
    '/facts/trainingData': 'Public abdominal CT',
    '/facts/performance': 'mean_dice: 0.96',
    '/facts/updates': '0.5.3: names unified; 0.1.0: first',
    '/facts/method': `${SPLEEN.description} A paper. Another paper.`,
  };
  for (const [pointer, value] of Object.entries(expected)) assert.deepEqual(at(card, pointer), value, pointer);
  const { complaints } = await inspectPackage(folder);
  assert.deepEqual(
    complaints.filter((one) => !/^card\.json: \S+ is open: /.test(one)),
    [],
  );
  const asked = openQuestions(card).map(({ key }) => key);
  for (const key of ['/input/orientation', '/input/window/overlap', '/outputs/0/segments/0/type/value'])
    assert.ok(asked.includes(key), key);
});

test('WR-PKG-06 several sequences are channels of different series: slots, of which only the selections are open', async () => {
  const { folder, card } = await begun(
    described(
      {
        format: 'magnitude',
        modality: 'MRI',
        num_channels: 2,
        value_range: [],
        is_patch_data: false,
        channel_def: { '0': 'T1', '1': 'FLAIR' },
      },
      { format: 'classes', num_channels: 2, channel_def: { '0': 'tumour core', '1': 'whole tumour' } },
    ),
    graph(2, 1),
  );
  const { series, ...slot } = at(card, '/input/slots/0') as { series: string };
  assert.deepEqual(slot, { kind: 'other-series', name: 'flair-1', meaning: 'FLAIR', required: true });
  assert.match(series, /^OPEN: Which series is FLAIR/);
  assert.match(String(at(card, '/input/series')), /^OPEN: Which series is T1/);
  assert.equal(at(card, '/input/intensity/channels/length'), 2);
  assert.equal(at(card, '/input/intensity/channels/0/slot'), undefined);
  assert.equal(at(card, '/input/intensity/channels/1/slot'), 'flair-1');
  assert.equal(at(card, '/intendedUse/0/modality'), 'MR');
  assert.equal(at(card, '/outputs/0/encoding/kind'), 'sigmoid');
  assert.equal(at(card, '/outputs/0/encoding/thresholds/length'), 2);
  // no channel for the background
  assert.deepEqual([at(card, '/outputs/0/segments/0/label'), at(card, '/outputs/0/segments/1/label')], [1, 2]);
  const { complaints } = await inspectPackage(folder);
  assert.deepEqual(
    complaints.filter((one) => !/^card\.json: \S+ is open: /.test(one)),
    [],
  );
});

test('WR-PKG-06 names that the graph does not have, and keys that are missing, become questions', async () => {
  const { channel_def: _, ...output } = SPLEEN.network_data_format.outputs.pred;
  const metadata = {
    version: '2',
    network_data_format: {
      inputs: { volume: { spatial_shape: ['16*n', '16*n', '16*n'], is_patch_data: true } },
      outputs: { label: { ...output, format: 'heat' } },
    },
  };
  const { folder, card } = await begun(metadata);
  const { complaints } = await inspectPackage(folder);
  assert.deepEqual(
    complaints.filter((one) => !/^card\.json: \S+ is open: /.test(one)),
    [],
  );
  const names = ['/version', '/input/tensor', '/outputs/0/tensor'].map((pointer) => at(card, pointer));
  assert.deepEqual(names, ['0.1.0', 'image', 'pred']);
  const asked = openQuestions(card).map(({ key, question }) => `${key} ${question}`);
  for (const pattern of [
    /^\/title /,
    /^\/input\/window\/shape .*roi_size/,
    /^\/outputs\/0\/encoding .*heat/,
    /^\/outputs\/0\/segments\/0\/label /,
  ])
    assert.ok(
      asked.some((one) => pattern.test(one)),
      String(pattern),
    );
});

const REFUSED: Readonly<Record<string, readonly [() => string, RegExp]>> = {
  'a folder that is none': [() => scratch.path, /is no MONAI bundle/],
  'pictures of two dimensions': [() => bundle(described({ spatial_shape: [256, 256] }, {})), /does not read volumes/],
  'two inputs': [() => bundle(described({}, {}, { prompt: { type: 'points' } })), /does not describe one input/],
  'metadata without tensors': [() => bundle({ version: '1.0.0' }), /does not describe one input/],
  'metadata that is a list': [() => bundle([1, 2]), /does not describe one input/],
  'a graph that is none': [
    () => bundle(SPLEEN, new TextEncoder().encode('no graph')),
    /model\.onnx is not an ONNX file/,
  ],
};
for (const [what, [make, message]] of Object.entries(REFUSED)) {
  test(`WR-PKG-07 not begun, and nothing is left: ${what}`, async () => {
    const home = join(scratch.path, `refused ${what}`);
    await assert.rejects(beginFromBundle(make(), home), { code: 'package-invalid', message });
    assert.ok(!existsSync(home) || readdirSync(home).length === 0);
  });
}

test('WR-PKG-07 not begun: no graph was exported', async () => {
  const folder = join(scratch.path, 'without graph');
  mkdirSync(join(folder, 'configs'), { recursive: true });
  writeFileSync(join(folder, 'configs', 'metadata.json'), JSON.stringify(SPLEEN));
  await assert.rejects(beginFromBundle(folder, scratch.path), { message: /export models\/model\.onnx first/ });
});
