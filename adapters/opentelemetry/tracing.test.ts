import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { WetreadError } from '../../src/errors.ts';
import type { LogEvent, SafeAttributes } from '../../src/log-events.ts';
import { spansOf, startOtlpReceiver } from '../../test/support/otlp-receiver.ts';
import { jsonLog } from './log.ts';
import { startTracing } from './tracing.ts';

const receiver = await startOtlpReceiver();
let faults = 0;
const tracing = startTracing({
  service: 'wetread',
  otlpUrl: receiver.url,
  onFault: () => {
    faults += 1;
  },
});
const { tracer } = tracing;
after(() => receiver[Symbol.asyncDispose]());

test('WR-TEL-01 spans nest, carry declared attributes, and are kept as OTLP JSON', async () => {
  const traceId = await tracer.span('wetread.read', { studyInstanceUid: '1.2.3', attempt: 2 }, async (outer) => {
    await tracer.span('wetread.assembly', { stage: 'assembly' }, async (inner) => {
      inner.set({ slices: 300, bytes: 157_286_400 });
      assert.equal(inner.traceId, outer.traceId);
    });
    outer.set({ state: 'filed' });
    return outer.traceId;
  });
  const spans = spansOf(await tracer.document(traceId));
  assert.deepEqual(
    spans.map(({ name, service }) => [service, name]),
    [
      ['wetread', 'wetread.assembly'],
      ['wetread', 'wetread.read'],
    ],
  );
  assert.equal(spans[0]?.parentSpanId, spans[1]?.spanId);
  assert.equal(spans[1]?.parentSpanId, undefined);
  assert.deepEqual(spans[0]?.attributes, [
    { key: 'wetread.stage', value: { stringValue: 'assembly' } },
    { key: 'wetread.slices', value: { intValue: 300 } },
    { key: 'wetread.bytes', value: { intValue: 157_286_400 } },
  ]);
  assert.deepEqual(
    spans[1]?.attributes.map(({ key }) => key),
    ['wetread.study_instance_uid', 'wetread.attempt', 'wetread.state'],
  );
});

test('WR-TEL-01 a trace goes on from a stored traceparent, and from the running span', async () => {
  const stored = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await tracer.span(
    'wetread.read',
    {},
    async (span) => {
      assert.equal(span.traceId, '0af7651916cd43dd8448eb211c80319c');
      assert.match(tracer.traceparent() ?? '', /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    },
    stored,
  );
  const [span] = spansOf(await tracer.document('0af7651916cd43dd8448eb211c80319c'));
  assert.equal(span?.parentSpanId, 'b7ad6b7169203331');
  assert.equal(tracer.traceparent(), undefined);
  const own = await tracer.span('wetread.read', {}, async ({ traceId }) => traceId, 'no traceparent');
  assert.match(own, /^[0-9a-f]{32}$/);
});

test('WR-TEL-02 of an error only the code is kept, and what is not declared is not written', async () => {
  const secret = 'MUELLER^HANS';
  let traceId = '';
  const undeclared = { patientName: secret, stage: 'assembly' } as SafeAttributes;
  for (const error of [new WetreadError('decode-failed', secret), new TypeError(`cannot read ${secret}`)]) {
    const failing = tracer.span('wetread.read', undeclared, async (span) => {
      traceId = span.traceId;
      span.set(undeclared);
      throw error;
    });
    await assert.rejects(failing, error);
    const document = await tracer.document(traceId);
    assert.doesNotMatch(JSON.stringify(document), /MUELLER/);
    const code = error instanceof WetreadError ? 'decode-failed' : 'internal';
    assert.deepEqual(spansOf(document)[0]?.status, { code: 2, message: code });
  }
});

test('WR-TEL-03 log lines are JSON, carry the trace, and hold declared attributes only', async () => {
  const lines: string[] = [];
  const log = jsonLog({ level: 'info', service: 'wetread', destination: { write: (line) => lines.push(line) } });
  log.write('server-started', { port: 8042 });
  const undeclared = { studyInstanceUid: '1.2.3', patientName: 'MUELLER^HANS' } as SafeAttributes;
  const traceId = await tracer.span('wetread.read', {}, async (span) => {
    log.write('read-started', undeclared);
    log.write('stage-started', { stage: 'arrival' });
    return span.traceId;
  });
  const [first, second, third] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(Object.keys(first ?? {}), ['level', 'time', 'service', 'event', 'port']);
  assert.deepEqual(
    { ...second, time: 'T', span_id: 'S' },
    {
      level: 'info',
      time: 'T',
      service: 'wetread',
      event: 'read-started',
      studyInstanceUid: '1.2.3',
      trace_id: traceId,
      span_id: 'S',
    },
  );
  assert.equal(third, undefined, 'a debug line at level info');
});

test('every log event can be written', () => {
  const lines: string[] = [];
  const log = jsonLog({ level: 'debug', service: 'wetread', destination: { write: (line) => lines.push(line) } });
  const events: LogEvent[] = ['http-request', 'server-started', 'inference-died', 'http-fault'];
  for (const event of events) log.write(event, {});
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { level: string }).level),
    ['debug', 'info', 'warn', 'error'],
  );
});

test('WR-TEL-04 spans of another process join their trace once, and text that is no trace is ignored', async () => {
  const traceId = await tracer.span('wetread.read', {}, async (span) => span.traceId);
  const foreign = { traceId, spanId: '00f067aa0ba902b7', name: 'inference.run' };
  const document = JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'wetread-inference' } }] },
        scopeSpans: [{ spans: [foreign] }],
      },
    ],
  });
  for (const text of [document, document, '', '{}', '[1]', '{"resourceSpans":[{}]}', 'null']) tracing.addSpans(text);
  const spans = spansOf(await tracer.document(traceId));
  assert.deepEqual(
    spans.map(({ name, service }) => [service, name]),
    [
      ['wetread', 'wetread.read'],
      ['wetread-inference', 'inference.run'],
    ],
  );
  assert.deepEqual(await tracer.document('ffffffffffffffffffffffffffffffff'), { resourceSpans: [] });
});

test('WR-TEL-04 the store is bounded', async () => {
  const first = await tracer.span('wetread.read', {}, async (span) => span.traceId);
  for (let index = 0; index < 300; index += 1) await tracer.span('wetread.read', {}, async () => undefined);
  assert.deepEqual(await tracer.document(first), { resourceSpans: [] });
});

test('WR-TEL-06 spans reach the collector, and the end of telemetry sends what is waiting', async () => {
  const traceId = await tracer.span('wetread.import', { source: 'stow' }, async (span) => span.traceId);
  await tracing.shutdown();
  const span = receiver.spans.find((one) => one.traceId === traceId);
  assert.deepEqual([span?.service, span?.name], ['wetread', 'wetread.import']);
  assert.doesNotMatch(receiver.text(), /MUELLER/);
  // Nothing of this machine or of the command line, which may name a folder of a patient.
  assert.doesNotMatch(receiver.text(), /host\.name|process\.command|process\.owner|process\.executable/);
  assert.equal(faults, 0);
});

test('WR-TEL-06 a collector that is not there costs a notice, not the work', async () => {
  let noticed = 0;
  const broken = startTracing({
    service: 'wetread',
    otlpUrl: 'http://127.0.0.1:1',
    onFault: () => {
      noticed += 1;
    },
  });
  const value = await broken.tracer.span('wetread.read', {}, async () => 42);
  assert.equal(value, 42);
  await broken.shutdown();
  assert.ok(noticed >= 1);
});
