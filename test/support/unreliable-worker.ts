/** A worker for the tests of the pool: it answers, fails, dies or takes its time, as it is told. */
import { parentPort, threadId } from 'node:worker_threads';

export type Order =
  | { readonly answer: number; readonly afterMs?: number }
  | { readonly fail: true }
  | { readonly die: true };

parentPort!.on('message', (order: Order) => {
  if ('die' in order) process.exit(3);
  if ('fail' in order) parentPort!.postMessage({ error: 'as ordered' });
  else setTimeout(() => parentPort!.postMessage({ value: [order.answer, threadId] }), order.afterMs ?? 0);
});
