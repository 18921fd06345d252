/** Thread entry of `session-thread.ts`: keeps sessions, runs them one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { WetreadError } from '../../src/errors.ts';
import type { Tensor } from '../../src/inference/tensor.ts';
import { findProviders, type GraphInterface, openSession, type ProviderSearch, type Session } from './session.ts';
import type { Answer, Order, Settings } from './session-thread.ts';

const { threads, providers: wanted } = workerData as Settings;
let providers = wanted;
const sessions = new Map<string, Promise<Session>>();

async function sessionOf({ path, digest }: { path: string; digest: string }): Promise<Session> {
  const key = `${path}\n${digest}`;
  const known = sessions.get(key);
  if (known !== undefined) return known;
  const opening = openSession({ path, digest }, providers, threads);
  sessions.set(key, opening);
  // A file that was repaired is tried again.
  opening.catch(() => sessions.delete(key));
  return opening;
}

async function carryOut(order: Order): Promise<ProviderSearch | GraphInterface | readonly Tensor[]> {
  if (order.kind === 'find-providers') return narrowProviders();
  const session = await sessionOf(order.graph);
  if (order.kind === 'run') return session.run(order.inputs, order.outputs);
  const { inputs, outputs, provider } = session;
  return { inputs, outputs, provider };
}

async function narrowProviders(): Promise<ProviderSearch> {
  const search = await findProviders(providers);
  providers = search.found;
  return search;
}

async function answerTo(order: Order): Promise<Answer> {
  try {
    return { id: order.id, value: await carryOut(order) };
  } catch (error) {
    const { code, message } = WetreadError.from(error, 'inference-failed');
    return { id: order.id, fault: { code, message } };
  }
}

/** Outputs are handed over, not copied; a tensor on shared memory stays where it is. */
function buffersOf(answer: Answer): ArrayBuffer[] {
  const tensors = 'value' in answer && Array.isArray(answer.value) ? (answer.value as readonly Tensor[]) : [];
  const buffers = tensors.flatMap(({ data }) => (data.buffer instanceof ArrayBuffer ? [data.buffer] : []));
  return [...new Set(buffers)];
}

let last = Promise.resolve();
parentPort?.on('message', (order: Order) => {
  last = last.then(async () => {
    const answer = await answerTo(order);
    parentPort?.postMessage(answer, buffersOf(answer));
  });
});
