import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../config.ts';
import { wireTextGenerator } from './text.ts';

test('WR-VLM-24 unmarked images go to servers of the site, and outside it where the configuration says so', async (t) => {
  const server = { kind: 'openai', url: 'http://127.0.0.1:1', imagesMayLeave: true };
  const servers = {
    outside: server,
    allowed: { ...server, unmarkedImagesMayLeave: true },
    inside: { ...server, remote: false },
  };
  const generator = await wireTextGenerator(parseConfig({ inference: { servers } }));
  t.after(() => generator.close());
  assert.deepEqual(
    Object.keys(servers).map((name) => [generator.isRemote(name), generator.takesUnmarked(name)]),
    [
      [true, false],
      [true, true],
      [false, true],
    ],
  );
});
