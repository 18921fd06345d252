import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { onnx } from '../../test/support/model-package.ts';
import { quartersModel } from '../../test/support/onnx-models.ts';
import { TemporaryFolder } from '../../test/support/phantom-studies.ts';
import { openSession, type Session } from './session.ts';

const folder = new TemporaryFolder();
after(() => folder[Symbol.asyncDispose]());

function open(name: string, bytes: Uint8Array): Promise<Session> {
  folder.write({ [name]: bytes });
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return openSession({ path: join(folder.path, name), digest }, ['cpu'], 1);
}

function edited(edit: (model: Model) => void): Uint8Array {
  const model = onnx.ModelProto.decode(quartersModel());
  edit(model);
  return onnx.ModelProto.encode(model).finish();
}

type Model = ReturnType<typeof onnx.ModelProto.decode>;

test('WR-LKM-08 a graph that the runtime does not know says what it wants, and not where the runtime was compiled', async () => {
  const newer = edited((model) => Object.assign(model, { opsetImport: [{ domain: '', version: 99 }] }));
  await assert.rejects(open('newer.onnx', newer), ({ message }: Error) => {
    assert.match(message, /^The graph cannot be loaded: .*[Oo]pset 99 /);
    assert.doesNotMatch(message, /onnxruntime_src|newer\.onnx/);
    return true;
  });
  const unknown = edited(({ graph }) => Object.assign(graph!.node![0]!, { opType: 'Quarters' }));
  await assert.rejects(open('unknown.onnx', unknown), /^WetreadError: The graph cannot be loaded: .*Quarters/);
});

test('WR-LKM-08 a run that fails says what did not fit', async () => {
  const session = await open('quarters.onnx', quartersModel());
  const five = [{ name: 'x', datatype: 'FP32', shape: [5], data: new Float32Array(5) }] as const;
  await assert.rejects(session.run(five, ['rows']), ({ message }: Error) => {
    assert.match(message, /^The model reported: .*Input shape:\{5\}, requested shape:\{-1,4\}$/);
    assert.doesNotMatch(message, /onnxruntime_src/);
    return true;
  });
  await session.release();
});
