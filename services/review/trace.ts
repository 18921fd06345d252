/** The spans of `trace.json` (OTLP JSON, `resourceSpans`) as the page draws them. */

export interface TraceSpan {
  readonly spanId: string;
  readonly name: string;
  /** Distance from the root: the indentation. */
  readonly depth: number;
  /** Process that ran it, `service.name`. */
  readonly service?: string;
  /** From the start of the earliest span. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface OtlpSpan {
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly status?: { readonly code?: number };
}

interface OtlpDocument {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly OtlpAttribute[] };
    readonly scopeSpans?: readonly { readonly spans?: readonly OtlpSpan[] }[];
  }[];
}

interface Node {
  readonly span: OtlpSpan;
  readonly service?: string;
}

/** OTLP status code "error" (opentelemetry/proto/trace/v1, `Status.StatusCode`). */
const STATUS_ERROR = 2;

/** Parents before their children, siblings by start. */
export function traceSpans(document: unknown): readonly TraceSpan[] {
  const nodes = ((document ?? {}) as OtlpDocument).resourceSpans?.flatMap(nodesOf) ?? [];
  const started = (node: Node): bigint => BigInt(node.span.startTimeUnixNano);
  nodes.sort((a, b) => Number(started(a) - started(b)));
  const origin = nodes[0] === undefined ? 0n : started(nodes[0]);
  const known = new Set(nodes.map((node) => node.span.spanId));
  const below = (parent: string | undefined, depth: number): TraceSpan[] =>
    nodes
      .filter(({ span }) => (known.has(span.parentSpanId ?? '') ? span.parentSpanId : undefined) === parent)
      .flatMap((node) => [traceSpan(node, origin, depth), ...below(node.span.spanId, depth + 1)]);
  return below(undefined, 0);
}

function nodesOf(resourceSpans: NonNullable<OtlpDocument['resourceSpans']>[number]): Node[] {
  const service = textsOf(resourceSpans.resource?.attributes)['service.name'];
  const spans = resourceSpans.scopeSpans?.flatMap((scope) => scope.spans ?? []) ?? [];
  return spans.map((span) => (service === undefined ? { span } : { span, service }));
}

function traceSpan({ span, service }: Node, origin: bigint, depth: number): TraceSpan {
  const milliseconds = (nanoseconds: bigint): number => Number(nanoseconds / 1000n) / 1000;
  const start = BigInt(span.startTimeUnixNano);
  return {
    spanId: span.spanId,
    name: span.name,
    depth,
    startMs: milliseconds(start - origin),
    durationMs: milliseconds(BigInt(span.endTimeUnixNano) - start),
    failed: span.status?.code === STATUS_ERROR,
    attributes: textsOf(span.attributes),
    ...(service === undefined ? {} : { service }),
  };
}

/** OTLP wraps each value in an object named by its type. */
function textsOf(attributes: readonly OtlpAttribute[] = []): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, textOf(Object.values(value)[0])]));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
