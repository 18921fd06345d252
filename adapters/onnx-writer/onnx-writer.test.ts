/** Graphs that are written here must run in onnxruntime: every construct is run, not looked at. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { GraphBuilder, type Value } from './graph-builder.ts';
import { bools, type ElementType, elementTypeNumber, floats, int64s, uint8s } from './tensor-literal.ts';
import { writeModel } from './write-model.ts';

const FACTS = { opset: 18, producerName: 'test', producerVersion: '1', description: 'A test' };

async function run(graph: GraphBuilder, x: Float32Array): Promise<{ data: unknown; dims: readonly number[] }> {
  const session = await InferenceSession.create(writeModel(graph, FACTS));
  const result = await session.run({ x: new Tensor('float32', x, [x.length]) });
  await session.release();
  return result['y'] as { data: unknown; dims: readonly number[] };
}

function graphOf(build: (graph: GraphBuilder, x: Value) => Value, elementType: ElementType = 'FLOAT'): GraphBuilder {
  const graph = new GraphBuilder('test');
  const y = build(graph, graph.input('x', 'FLOAT', ['n']));
  graph.output(y, elementType, ['n'], 'y');
  return graph;
}

test('WR-MOD-11 nodes, constants, attributes of every kind', async () => {
  const graph = graphOf((g, x) => {
    const leaky = g.node('LeakyRelu', [x], { alpha: { float: 0.5 } });
    const weights = g.node('Constant', [], { value: { tensor: floats([1, 2, 3, 4]) } });
    const gathered = g.node('Gather', [g.node('Mul', [leaky, weights]), g.constant(int64s([3, 0]))], { axis: 0 });
    const padded = g.node('Pad', [gathered, g.constant(int64s([0, 1])), g.constant(floats([9], []))], {
      mode: 'constant',
    });
    return g.node('Cast', [padded], { to: elementTypeNumber('INT64') });
  }, 'INT64');
  const { data } = await run(graph, new Float32Array([-2, 1, 1, 5]));
  assert.deepEqual(data, BigInt64Array.from([20n, -1n, 9n]));
});

test('WR-MOD-11 an optional input can be left out', async () => {
  const graph = graphOf((g, x) => g.node('Clip', [x, undefined, g.constant(floats([2], []))]));
  assert.deepEqual((await run(graph, new Float32Array([-9, 1, 5]))).data, new Float32Array([-9, 1, 2]));
});

test('WR-MOD-11 a Loop whose body uses a value of the graph around it', async () => {
  const graph = graphOf((g, x) => {
    const step = g.constant(floats([10]));
    const body = g.subgraph('body');
    body.parameter('INT64', []);
    const goOn = body.parameter('BOOL', []);
    const sum = body.parameter('FLOAT');
    body.output(body.node('Identity', [goOn]), 'BOOL', []);
    body.output(body.node('Add', [sum, step]), 'FLOAT');
    return g.node('Loop', [g.constant(int64s([3], [])), undefined, x], { body: { graph: body.build() } });
  });
  assert.deepEqual((await run(graph, new Float32Array([1, 2]))).data, new Float32Array([31, 32]));
});

test('WR-MOD-11 an If with two branches', async () => {
  const graph = graphOf((g, x) => {
    const branch = (factor: number): { graph: ReturnType<GraphBuilder['build']> } => {
      const inner = g.subgraph(`times ${factor}`);
      inner.output(inner.node('Mul', [x, inner.constant(floats([factor]))]), 'FLOAT');
      return { graph: inner.build() };
    };
    const isPositive = g.node('Greater', [g.node('ReduceSum', [x], { keepdims: 0 }), g.constant(floats([0], []))]);
    return g.node('If', [isPositive], { then_branch: branch(2), else_branch: branch(-1) });
  });
  assert.deepEqual((await run(graph, new Float32Array([1, 2]))).data, new Float32Array([2, 4]));
  assert.deepEqual((await run(graph, new Float32Array([-1, -2]))).data, new Float32Array([1, 2]));
});

test('WR-MOD-11 constants of every element type reach the graph unchanged', async () => {
  const graph = graphOf((g, x) => {
    const small = g.node('Cast', [g.constant(uint8s([250]))], { to: elementTypeNumber('FLOAT') });
    const flag = g.node('Cast', [g.constant(bools([true, false]))], { to: elementTypeNumber('FLOAT') });
    return g.node('Add', [g.node('Mul', [x, flag]), small]);
  });
  assert.deepEqual((await run(graph, new Float32Array([3, 3]))).data, new Float32Array([253, 250]));
});

test('WR-MOD-11 the same code always writes the same bytes', () => {
  const once = (): Uint8Array =>
    writeModel(
      graphOf((g, x) => g.node('Add', [x, g.constant(floats([1]))])),
      FACTS,
    );
  assert.deepEqual(once(), once());
});
