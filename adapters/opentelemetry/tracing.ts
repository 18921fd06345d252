/**
 * Tracing on OpenTelemetry: one trace per study, kept for its `trace.json` and sent to a collector where one is
 * configured. Spans carry declared attributes only, and of an error nothing but its code. No fault of telemetry reaches
 * the work.
 */
import {
  context,
  type Span as OtelSpan,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { envDetector } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace';
import { WetreadError } from '../../src/errors.ts';
import type { SafeAttributes, SpanName } from '../../src/log-events.ts';
import type { Span, Tracer } from '../../src/ports.ts';
import { spanAttributes } from './attributes.ts';
import { TraceStore } from './trace-store.ts';

export interface TracingOptions {
  /** `service.name` of the resource. */
  readonly service: string;
  /** OTLP/HTTP collector, such as `http://127.0.0.1:4318`; without it nothing leaves the process. */
  readonly otlpUrl?: string;
  /** A batch could not be exported; it is lost, the spans stay in `trace.json`. */
  readonly onFault?: () => void;
}

export interface Tracing {
  readonly tracer: Tracer;
  /** Takes finished spans of another process into their traces: OTLP JSON. */
  addSpans(document: string): void;
  /** Sends what is waiting; never rejects. */
  shutdown(): Promise<void>;
}

const SERVER_SPANS: ReadonlySet<SpanName> = new Set(['wetread.http', 'inference.http']);
/** The exporter refuses shutdown with a longer queue ("concurrent export limit reached"). */
const MAX_QUEUE = 2048;
const EXPORT_TIMEOUT_MS = 5000;

/** A process has one OpenTelemetry SDK, so it has one store: a second tracing in the process shares both. */
const store = new TraceStore();

/**
 * Starts the SDK with nothing but what is said here: no exporter that was not configured (its default sends logs to
 * localhost:4318), no detector that reads the host, the user or the command line, which may name a patient's folder.
 * `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_TRACES_SAMPLER` are honoured.
 */
export function startTracing({ service, otlpUrl, onFault }: TracingOptions): Tracing {
  const exporting = otlpUrl === undefined ? [] : [batches(otlpUrl, onFault)];
  const sdk = new NodeSDK({
    serviceName: service,
    resourceDetectors: [envDetector],
    spanProcessors: [store, ...exporting],
    logRecordProcessors: [],
    metricReaders: [],
  });
  sdk.start();
  return {
    tracer: { span: inSpan, traceparent: currentTraceparent, document: async (traceId) => store.document(traceId) },
    addSpans: (document) => store.add(document),
    shutdown: async () => {
      await sdk.shutdown().catch(() => onFault?.());
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

function batches(otlpUrl: string, onFault: (() => void) | undefined): BatchSpanProcessor {
  const url = new URL(otlpUrl);
  if (!url.pathname.endsWith('/v1/traces')) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url: url.href, timeoutMillis: EXPORT_TIMEOUT_MS });
  return new BatchSpanProcessor({ exporter: reporting(exporter, onFault), maxQueueSize: MAX_QUEUE });
}

/** The SDK tells nobody when an export fails. */
function reporting(exporter: SpanExporter, onFault: (() => void) | undefined): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error !== undefined) onFault?.();
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}

function inSpan<T>(
  name: SpanName,
  attributes: SafeAttributes,
  work: (span: Span) => Promise<T>,
  traceparent?: string,
): Promise<T> {
  const parent = traceparent === undefined ? context.active() : propagation.extract(ROOT_CONTEXT, { traceparent });
  const options = {
    attributes: spanAttributes(attributes),
    kind: SERVER_SPANS.has(name) ? SpanKind.SERVER : SpanKind.INTERNAL,
  };
  return trace.getTracer('wetread').startActiveSpan(name, options, parent, async (span) => {
    try {
      return await work(spanOf(span));
    } catch (error) {
      // Messages of foreign errors may quote their input: only the code is safe.
      const { code } = WetreadError.from(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: code });
      span.setAttributes(spanAttributes({ errorCode: code }));
      throw error;
    } finally {
      span.end();
    }
  });
}

function spanOf(span: OtelSpan): Span {
  return {
    traceId: span.spanContext().traceId,
    set: (attributes) => {
      span.setAttributes(spanAttributes(attributes));
    },
  };
}

function currentTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}
