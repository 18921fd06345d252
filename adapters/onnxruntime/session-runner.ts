/**
 * Process entry of `session-process.ts`: keeps sessions, runs them one after the other. Descriptor 3 brings orders and
 * takes answers; it is read and written blocking, for nothing else happens here, and no byte is copied on the way.
 * Descriptor 4 ends when the parent does: a thread waits for that, so that no run outlives whoever asked for it.
 */
import { readSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { WetreadError } from '../../src/errors.ts';
import type { Tensor } from '../../src/inference/tensor.ts';
import { type Answer, decodeMessage, encodeMessage, type Message, type Order } from './frames.ts';
import type { Graph } from './graph.ts';
import { findProviders } from './providers.ts';
import { openSession, type Session } from './session.ts';

const ORDERS = 3;
const WATCH = `
  try { require('node:fs').readSync(4, Buffer.alloc(1)); } finally { process.kill(process.pid, 'SIGKILL'); }
`;

const [threads = '1', ...wanted] = process.argv.slice(2);
let providers: readonly string[] = wanted;
const sessions = new Map<string, Promise<Session>>();

function keyOf({ path, digest }: Graph): string {
  return `${path}\n${digest}`;
}

function sessionOf(graph: Graph): Promise<Session> {
  const known = sessions.get(keyOf(graph));
  if (known !== undefined) return known;
  const opening = openSession(graph, providers, Number(threads));
  sessions.set(keyOf(graph), opening);
  // A file that was repaired is tried again.
  opening.catch(() => sessions.delete(keyOf(graph)));
  return opening;
}

async function unload(graph: Graph): Promise<void> {
  const session = sessions.get(keyOf(graph));
  sessions.delete(keyOf(graph));
  await (await session)?.release();
}

async function carryOut({ body: order, tensors }: Message<Order>): Promise<Message<Answer>> {
  switch (order.kind) {
    case 'find-providers': {
      const search = await findProviders(providers);
      providers = search.found;
      return { body: { value: search }, tensors: [] };
    }
    case 'load': {
      const { inputs, outputs, provider } = await sessionOf(order.graph);
      return { body: { value: { inputs, outputs, provider } }, tensors: [] };
    }
    case 'unload':
      await unload(order.graph);
      return { body: { value: null }, tensors: [] };
    case 'run': {
      const session = await sessionOf(order.graph);
      return { body: { value: null }, tensors: await session.run(tensors, order.outputs) };
    }
  }
}

function faultOf(error: unknown): Message<Answer> {
  const { code, message } = WetreadError.from(error, 'inference-failed');
  return { body: { fault: { code, message } }, tensors: [] as readonly Tensor[] };
}

/** Memory that the tensors of one order have used, for those of the next: fresh memory costs more than reading into it. */
let kept = new ArrayBuffer(0);
let used = 0;
/** Of the elements of every datatype, and of what processors like to begin at. */
const ALIGNMENT = 64;

/** In memory that is used again from the next order on. */
function readExactly(bytes: number): Uint8Array {
  const target = allot(bytes);
  for (let position = 0; position < bytes; ) {
    const count = readSync(ORDERS, target, position, bytes - position, null);
    // Nobody orders any more.
    if (count === 0) process.kill(process.pid, 'SIGKILL');
    position += count;
  }
  return target;
}

function allot(bytes: number): Uint8Array {
  const from = Math.ceil(used / ALIGNMENT) * ALIGNMENT;
  used = from + bytes;
  return used <= kept.byteLength ? new Uint8Array(kept, from, bytes) : new Uint8Array(bytes);
}

/** Nobody looks at the tensors of the last order any more. */
function startAgain(): void {
  if (used > kept.byteLength) kept = new ArrayBuffer(used);
  used = 0;
}

function writeAll(chunks: readonly Uint8Array[]): void {
  for (const chunk of chunks) {
    for (let position = 0; position < chunk.byteLength; ) {
      position += writeSync(ORDERS, chunk, position, chunk.byteLength - position);
    }
  }
}

// Sent to a whole group of processes, these ask the parent for an orderly end.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
new Worker(WATCH, { eval: true });
for (;;) {
  startAgain();
  const order = await decodeMessage<Order>(readExactly);
  writeAll(encodeMessage(await carryOut(order).catch(faultOf)));
}
