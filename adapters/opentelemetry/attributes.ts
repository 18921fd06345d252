/**
 * The attributes that may leave Wetread, and their names on spans. The list is complete by type and checked again when
 * an attribute is written: what is not declared in `src/log-events.ts` never reaches a log line or a span.
 */
import type { SafeAttributes } from '../../src/log-events.ts';

/** OpenTelemetry semantic conventions where they have a name, else the prefix `wetread.`. */
const SPAN_ATTRIBUTES = {
  studyInstanceUid: 'wetread.study_instance_uid',
  seriesInstanceUid: 'wetread.series_instance_uid',
  sopInstanceUid: 'wetread.sop_instance_uid',
  state: 'wetread.state',
  stage: 'wetread.stage',
  reason: 'wetread.reason',
  errorCode: 'error.type',
  model: 'wetread.model',
  modelVersion: 'wetread.model_version',
  provider: 'wetread.provider',
  modality: 'wetread.modality',
  transferSyntaxUid: 'wetread.transfer_syntax_uid',
  source: 'wetread.source',
  workitemUid: 'wetread.workitem_uid',
  studies: 'wetread.studies',
  instances: 'wetread.instances',
  slices: 'wetread.slices',
  bytes: 'wetread.bytes',
  findings: 'wetread.findings',
  promptTokens: 'gen_ai.usage.input_tokens',
  completionTokens: 'gen_ai.usage.output_tokens',
  attempt: 'wetread.attempt',
  durationMs: 'wetread.duration_ms',
  httpMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpStatus: 'http.response.status_code',
  port: 'wetread.port',
  pid: 'process.pid',
} as const satisfies Record<keyof SafeAttributes, string>;

type Value = string | number;

function declared(attributes: SafeAttributes): [keyof SafeAttributes, Value][] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    Object.hasOwn(SPAN_ATTRIBUTES, key) && (typeof value === 'string' || typeof value === 'number')
      ? [[key as keyof SafeAttributes, value] satisfies [keyof SafeAttributes, Value]]
      : [],
  );
}

export function spanAttributes(attributes: SafeAttributes): Record<string, Value> {
  return Object.fromEntries(declared(attributes).map(([key, value]) => [SPAN_ATTRIBUTES[key], value]));
}

export function logAttributes(attributes: SafeAttributes): Record<string, Value> {
  return Object.fromEntries(declared(attributes));
}
