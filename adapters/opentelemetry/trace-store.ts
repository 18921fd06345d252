/**
 * The finished spans of the last traces, kept so that a study's trace can be shown and filed without a collector. Spans
 * of another process (the inference service) are added as the OTLP JSON that it answers with.
 */
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';

/** Studies are read one or two at a time; a trace is asked for when its study has been read. */
const MAX_TRACES = 256;
/** Spans per study do not grow with its slices: a trace of more is a fault that must not take memory. */
const MAX_SPANS = 1000;

/** OTLP JSON encoding (opentelemetry-proto `TracesData`), as far as it is read here. */
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
}
interface ResourceSpans {
  readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
}
export interface TraceDocument {
  readonly resourceSpans: readonly object[];
}

interface KeptTrace {
  readonly spans: ReadableSpan[];
  /** By span id: an answer may repeat spans of earlier answers in the same trace. */
  readonly foreign: Map<string, object>;
}

export class TraceStore implements SpanProcessor {
  readonly #traces = new Map<string, KeptTrace>();

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const { spans } = this.#trace(span.spanContext().traceId);
    if (spans.length < MAX_SPANS) spans.push(span);
  }

  /** @param text OTLP JSON; anything else is ignored: a trace is never worth a fault. */
  add(text: string): void {
    for (const { resource, scope, span } of spansOf(text)) {
      const { foreign } = this.#trace(span.traceId);
      if (foreign.size >= MAX_SPANS) continue;
      foreign.set(span.spanId, { ...resource, scopeSpans: [{ ...scope, spans: [span] }] });
    }
  }

  /** OTLP JSON of the trace's finished spans; empty where none is kept. */
  document(traceId: string): TraceDocument {
    const kept = this.#traces.get(traceId);
    if (kept === undefined) return { resourceSpans: [] };
    const bytes = JsonTraceSerializer.serializeRequest(kept.spans);
    const own = JSON.parse(new TextDecoder().decode(bytes)) as Partial<TraceDocument>;
    return { resourceSpans: [...(own.resourceSpans ?? []), ...kept.foreign.values()] };
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}

  #trace(traceId: string): KeptTrace {
    const kept = this.#traces.get(traceId) ?? { spans: [], foreign: new Map() };
    this.#traces.delete(traceId);
    this.#traces.set(traceId, kept);
    const oldest = this.#traces.keys().next();
    if (this.#traces.size > MAX_TRACES && oldest.done !== true) this.#traces.delete(oldest.value);
    return kept;
  }
}

function spansOf(text: string): { resource: object; scope: object; span: OtlpSpan }[] {
  try {
    const { resourceSpans } = JSON.parse(text) as { resourceSpans: readonly ResourceSpans[] };
    return resourceSpans.flatMap((resource) =>
      resource.scopeSpans.flatMap((scope) =>
        scope.spans.flatMap((span) =>
          typeof span.traceId === 'string' && typeof span.spanId === 'string' ? [{ resource, scope, span }] : [],
        ),
      ),
    );
  } catch {
    return [];
  }
}
