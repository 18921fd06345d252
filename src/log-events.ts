/**
 * Every log line and the attributes that it may carry, declared in one place. Nothing of a patient can be logged: an
 * attribute that is not in {@link SafeAttributes} is a type error. Spans and metrics use the same list.
 */
export interface SafeAttributes {
  readonly studyInstanceUid?: string;
  readonly seriesInstanceUid?: string;
  readonly sopInstanceUid?: string;
  readonly state?: string;
  readonly stage?: string;
  readonly reason?: string;
  readonly errorCode?: string;
  readonly model?: string;
  readonly modelVersion?: string;
  readonly provider?: string;
  readonly modality?: string;
  readonly transferSyntaxUid?: string;
  readonly source?: string;
  readonly workitemUid?: string;
  readonly studies?: number;
  readonly instances?: number;
  readonly slices?: number;
  readonly bytes?: number;
  readonly findings?: number;
  /** What a language model read, pictures included, and wrote, as its server counts. */
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  readonly attempt?: number;
  readonly durationMs?: number;
  readonly httpMethod?: string;
  /** The route pattern, never the path: paths may carry identifiers. */
  readonly httpRoute?: string;
  readonly httpStatus?: number;
  readonly port?: number;
  readonly pid?: number;
}

export const LOG_EVENTS = {
  'server-started': 'info',
  'server-stopped': 'info',
  'http-request': 'debug',
  'http-fault': 'error',
  'study-noticed': 'info',
  'study-state': 'info',
  /** A source could not ask its server, or one study of it; asked again after `durationMs`, where that is said. */
  'source-fault': 'warn',
  /** Rows of a source's server, `instances` of them, that name no study and cannot be read; told once. */
  'source-row-refused': 'warn',
  /** The server of a source answers again. */
  'source-recovered': 'info',
  /** A FHIR server was asked to tell of changes; `state` is what its Subscription was before. */
  'subscription-requested': 'info',
  /** A message that cannot be read was set aside, with the reason. */
  'message-refused': 'warn',
  /** A work item of a worklist is Wetread's to do now. */
  'workitem-claimed': 'info',
  /** A work item that was claimed is in another `state`, or gone. */
  'workitem-ended': 'info',
  /** Findings were announced. */
  'event-sent': 'info',
  /** Findings could not be announced; tried again after `durationMs`. */
  'event-fault': 'warn',
  'instance-refused': 'warn',
  /** A study was looked at: whether it is read, or is left alone. */
  'triage-ended': 'info',
  /** A study was looked at, and is not complete, or not there, yet: it is looked at again. */
  'study-waits': 'debug',
  'read-started': 'info',
  'stage-started': 'debug',
  'stage-ended': 'debug',
  /** A series, an instance, or `instances` of a series that were set aside, with the reason. */
  'not-read': 'info',
  /** A model that should have read a study gave no result, with the reason: the draft goes out without it. */
  'model-unavailable': 'warn',
  /** A language model answered, usably or not; `provider` is its server. */
  'text-answered': 'info',
  'read-ended': 'info',
  'read-fault': 'error',
  'inference-started': 'info',
  /** An execution provider that was asked for does not work here, with the reason; the next one of the list is used. */
  'provider-missing': 'warn',
  'inference-died': 'warn',
  'model-refused': 'error',
  /** A model could not be loaded, or run on its golden case or on zeros, before it was asked for. */
  'warm-up-fault': 'error',
  'telemetry-fault': 'warn',
  /** Old studies were removed from the ledger. */
  'studies-pruned': 'info',
  /** Old studies could not be exported or removed; tried again. */
  'retention-fault': 'warn',
} as const satisfies Record<string, 'debug' | 'info' | 'warn' | 'error'>;

export type LogEvent = keyof typeof LOG_EVENTS;

export const SPAN_NAMES = [
  'wetread.triage',
  'wetread.read',
  'wetread.arrival',
  'wetread.assembly',
  'wetread.inference',
  'wetread.reporting',
  'wetread.writeback',
  'wetread.import',
  'wetread.announce',
  'wetread.http',
  'inference.http',
  'inference.run',
  'resample',
  'retrieve',
  'decode',
  'segment',
  'store',
  'file',
] as const;
export type SpanName = (typeof SPAN_NAMES)[number];
