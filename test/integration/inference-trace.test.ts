import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inferenceChild } from '../../adapters/open-inference/child-process.ts';
import { startTracing } from '../../adapters/opentelemetry/tracing.ts';
import { inferenceEntry } from '../support/inference-service.ts';
import { negateModel, writePackage } from '../support/onnx-models.ts';
import { type SpanOfService, spansOf, startOtlpReceiver } from '../support/otlp-receiver.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-trace-'));
writePackage(folder, 'negate', negateModel());
after(() => rmSync(folder, { recursive: true }));

const quick = {
  model: 'negate',
  version: '1.0.0',
  inputs: [{ name: 'hounsfield', datatype: 'INT16', shape: [1, 2], data: Int16Array.of(-7, 9) }],
  outputs: ['negated'],
} as const;

/** Names from the root down, each with its service. */
function chain(spans: readonly SpanOfService[]): string[] {
  const path: string[] = [];
  let span = spans.find(({ parentSpanId }) => parentSpanId === undefined);
  while (span !== undefined) {
    const { spanId, service, name } = span;
    path.push(`${service} ${name}`);
    span = spans.find(({ parentSpanId }) => parentSpanId === spanId);
  }
  return path;
}

test('WR-TEL-04 one trace crosses the border of the inference process, complete without a collector and with one', async (t) => {
  const receiver = await startOtlpReceiver();
  const tracing = startTracing({ service: 'wetread', otlpUrl: receiver.url });
  const child = inferenceChild({
    entry: inferenceEntry,
    modelFolders: [folder],
    providers: ['cpu'],
    threads: 1,
    timeoutMs: 60_000,
    logLevel: 'silent',
    log: { write: () => undefined },
    otlpUrl: receiver.url,
    onSpans: (document) => tracing.addSpans(document),
  });
  t.after(async () => {
    await child.close();
    await receiver[Symbol.asyncDispose]();
  });
  const signal = new AbortController().signal;
  const read = (): Promise<string> =>
    tracing.tracer.span('wetread.read', { studyInstanceUid: '1.2.3' }, async ({ traceId }) => {
      await tracing.tracer.span('wetread.inference', { stage: 'inference' }, async () => {
        await child.engine.infer(quick, signal);
        await child.engine.infer(quick, signal);
      });
      return traceId;
    });
  await read();
  const traceId = await read();

  const kept = spansOf(await tracing.tracer.document(traceId));
  assert.equal(kept.length, 6, 'two of this process, and two of each run, none twice');
  assert.ok(kept.every((span) => span.traceId === traceId));
  const expected = [
    'wetread wetread.read',
    'wetread wetread.inference',
    'wetread-inference inference.http',
    'wetread-inference inference.run',
  ];
  assert.deepEqual(chain(kept), expected);
  const http = kept.find(({ name }) => name === 'inference.http');
  assert.equal(http?.kind, 2, 'a server span');
  assert.deepEqual(
    http?.attributes.map(({ key }) => key),
    ['http.request.method', 'http.route', 'wetread.model', 'wetread.model_version', 'wetread.bytes'],
  );

  await child.close();
  await tracing.shutdown();
  const sent = receiver.spans.filter((span) => span.traceId === traceId);
  assert.equal(sent.length, 6, 'each process sends its own');
  assert.deepEqual(chain(sent), expected);
});
