/** G13 and REST: a whole reading by the wired product, from the claim of the study to the filed draft. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import { parseConfig } from '../../services/wetread/config.ts';
import { type Wired, wire } from '../../services/wetread/wiring/wiring.ts';
import type { InferenceRequest, InferenceResponse } from '../../src/inference/tensor.ts';
import type { Attempt, InferenceEngine, Ledger, Ports, Tracer } from '../../src/ports.ts';
import { preread } from '../../src/preread.ts';
import { triage } from '../../src/triage.ts';
import type { Context } from '../harness/context.ts';
import { familyMs, processorMs, type Sample, timed } from '../harness/processor-time.ts';
import type { Question } from '../harness/verdict.ts';
import { never } from '../product.ts';
import { lungModel } from '../reading.ts';
import type { Replay } from '../study/replay.ts';
import { bareSession, MODEL_THREADS } from './inference.ts';

const OFF = 'reading, tracing off';
const ON = 'reading, tracing on';
const READING = 'whole reading, inference service included';
const BARE = 'bare ONNX run';
/** One reading differs from the next by more than tracing costs. */
const READINGS = 3;

const TRACING: Question = {
  goal: 'G13',
  title: 'reading with tracing / without, more by',
  target: { kind: 'at-most', value: 3 },
  unit: '%',
  measure: (samples) => 100 * (samples[ON]!.wallMs / samples[OFF]!.wallMs - 1),
};
const REST: Question = {
  goal: 'REST',
  title: 'everything except the ONNX run, CPU per study',
  target: { kind: 'none' },
  unit: 'ms',
  measure: (samples) => samples[READING]!.cpuMs - samples[BARE]!.cpuMs,
};

const noTracing: Tracer = {
  span: (_name, _attributes, work) => work({ traceId: '', set: () => {} }),
  traceparent: () => undefined,
  document: async () => ({}),
};

export async function wholeReading({ bench, replay, quick }: Context): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'wetread-bench-')), (path) =>
    rmSync(path, { recursive: true }),
  );
  const config = parseConfig({
    dataDirectory: folder,
    archive: { kind: 'dicomweb', url: replay.url },
    inference: { threads: MODEL_THREADS },
    telemetry: { logLevel: 'error' },
  });
  const wired = stack.use(await wire(config));
  const recorder = recording(wired.ports.inference);
  await reading(wired, replay, { ...wired.ports, inference: recorder });
  const replayed: InferenceEngine = { infer: async () => recorder.last() };
  const several = (tracer: Tracer) => async (): Promise<void> => {
    for (let k = 0; k < (quick ? 1 : READINGS); k++)
      await reading(wired, replay, { ...wired.ports, inference: replayed, tracer });
  };
  await bench.compare(
    [TRACING],
    [
      { name: OFF, role: 'limit', run: () => timed(several(noTracing)) },
      { name: ON, role: 'product', run: () => timed(several(wired.ports.tracer)) },
    ],
  );

  const { inputs, outputs } = recorder.request();
  const session = stack.adopt(await bareSession(await lungModel()), (opened) => opened.release());
  await bench.compare(
    [REST],
    [
      { name: BARE, role: 'part', run: () => timed(() => session.run(inputs, outputs)) },
      { name: READING, role: 'product', run: () => timedFamily(replay.pid, () => reading(wired, replay, wired.ports)) },
    ],
  );
}

/** Processor time of this process and the inference service; the archive's does not count. */
async function timedFamily(archivePid: number, work: () => Promise<void>): Promise<Sample> {
  const used = (): number => (familyMs() ?? Number.NaN) - (processorMs(archivePid) ?? Number.NaN);
  const before = used();
  const { wallMs } = await timed(work);
  return { wallMs, cpuMs: used() - before };
}

/** One study from the claim to the end, with a ledger of its own, so that every reading is the first. */
async function reading({ site }: Wired, { phantom }: Replay, ports: Ports): Promise<void> {
  using ledger = sqliteLedger({
    file: join(mkdtempSync(join(tmpdir(), 'wetread-bench-')), 'ledger.sqlite'),
    clock: ports.clock,
  });
  const now = ports.clock.now().toISOString();
  await ledger.notice({ studyInstanceUid: phantom.studyInstanceUid, source: 'bench', receivedAt: now }, now);
  const given = { ...ports, ledger };
  const look = await claimed(ledger);
  const { transition, patch } = await triage(look, given, site, never);
  await ledger.advance(look, transition, patch);
  const attempt = await claimed(ledger);
  await ports.tracer.span('wetread.read', { studyInstanceUid: phantom.studyInstanceUid }, async (span) => {
    const { transition, patch } = await preread(attempt, given, site, never);
    if (transition !== 'file') throw new Error(`the reading ended with ${transition}: ${patch.reason?.code}`);
    await ledger.advance(attempt, transition, patch);
    const trace = new TextEncoder().encode(JSON.stringify(await ports.tracer.document(span.traceId)));
    await ledger.saveDocument(attempt, 'trace.json', trace);
  });
}

async function claimed(ledger: Ledger): Promise<Attempt> {
  const attempt = await ledger.claim('bench', 600_000);
  if (attempt === undefined) throw new Error('the study was not claimed');
  return attempt;
}

interface Recorder extends InferenceEngine {
  request(): InferenceRequest;
  last(): InferenceResponse;
}

/** Keeps what went in and came out; the input is copied, because its memory is handed back. */
function recording(engine: InferenceEngine): Recorder {
  let kept: { request: InferenceRequest; response: InferenceResponse } | undefined;
  const known = (): NonNullable<typeof kept> => {
    if (kept === undefined) throw new Error('nothing was inferred');
    return kept;
  };
  return {
    async infer(request, signal) {
      const response = await engine.infer(request, signal);
      const inputs = request.inputs.map((tensor) => ({ ...tensor, data: tensor.data.slice() }));
      kept = { request: { ...request, inputs }, response };
      return response;
    },
    request: () => known().request,
    last: () => known().response,
  };
}
