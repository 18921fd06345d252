/** The inference service as an operator starts it on a machine of its own: by its command, under whichever Node is there. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { root, startCommand, systemNode } from '../support/command-line.ts';

const program = [systemNode, join(root, 'bin', 'wetread-inference.mjs')] as const;
const MODELS = join(root, 'models');

test('WR-LKM-12 wetread-inference serves packages by itself, and ends with 0 when it is asked to', async () => {
  await using service = startCommand(['--models', MODELS, '--log-level', 'error', '--warm-up'], { program });
  const [, port] = await service.printed(/^\{"listening":(\d+)/m);
  const response = await fetch(`http://127.0.0.1:${port}/v2/models/ct-lung-density/ready`);
  assert.deepEqual([response.status, await response.json()], [200, { name: 'ct-lung-density', ready: true }]);
  service.kill('SIGTERM');
  assert.equal((await service.ended).code, 0);
});

test('WR-LKM-12 it tells its options, and a port that it cannot have by the name of the option', async (t) => {
  await using help = startCommand(['--help'], { program });
  const { code, stdout } = await help.ended;
  assert.equal(code, 0);
  assert.match(stdout, /^Usage: wetread-inference --models DIR/);
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const port = String((other.address() as AddressInfo).port);
  for (const option of ['--port', '--grpc-port']) {
    await using service = startCommand(['--models', MODELS, '--log-level', 'silent', option, port], { program });
    const ended = await service.ended;
    assert.equal(ended.code, 2);
    // The library of gRPC says something of its own before.
    const sentence = `wetread-inference: ${option}: cannot listen on 127.0.0.1:${port} [config-invalid]\n`;
    assert.ok(ended.stderr.endsWith(sentence), ended.stderr);
  }
});
