/** Worker thread: one frame at a time, decoded and sent back, or written into shared memory. */
import { parentPort } from 'node:worker_threads';
import { isSkipped } from '../../src/reasons.ts';
import { type DecodeAnswer, type DecodeJob, runJob } from './decode-job.ts';

const port = parentPort!;

port.on('message', (job: DecodeJob) => {
  void runJob(job).then(answer);
});

function answer(done: DecodeAnswer): void {
  const { result } = done;
  const isFrame = result !== undefined && !isSkipped(result);
  port.postMessage(done, isFrame ? [result.pixels.buffer as ArrayBuffer] : []);
}
