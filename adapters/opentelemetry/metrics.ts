/**
 * Metrics in the Prometheus text format. They are made from the declared log events, so that what is counted and what is
 * logged cannot differ, and from the ledger, which is asked when the metrics are. Labels are codes: no identifier.
 */
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { STATES, type StudyState } from '../../src/arrival/lifecycle.ts';
import type { LogEvent, SafeAttributes } from '../../src/log-events.ts';

export interface MetricsOptions {
  /** How many studies of the ledger are in each state; asked at each collection. */
  readonly studies: () => Promise<ReadonlyMap<StudyState, number>>;
}

export interface Metrics {
  /** Takes a log event; those that say nothing countable are ignored. */
  observe(event: LogEvent, attributes: SafeAttributes): void;
  /** Prometheus text format 0.0.4. */
  text(): Promise<string>;
}

/** Seconds: a stage of a small study takes tens of milliseconds, inference on a slow CPU minutes. */
const STAGE_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** One set of metrics; several may live in one process. */
export function prometheusMetrics({ studies }: MetricsOptions): Metrics {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meter = new MeterProvider({ readers: [reader] }).getMeter('wetread');
  const serializer = new PrometheusSerializer('', false, undefined, true, true);
  const stages = meter.createHistogram('wetread_stage_duration_seconds', {
    description: 'Duration of a stage of reading a study',
    advice: { explicitBucketBoundaries: STAGE_BUCKETS },
  });
  const notRead = meter.createCounter('wetread_not_read_total', {
    description: 'Studies, series and instances that were not read, by reason',
  });
  const faults = meter.createCounter('wetread_faults_total', { description: 'Faults while reading, by error code' });
  const pruned = meter.createCounter('wetread_pruned_studies_total', {
    description: 'Old studies that were removed from the ledger',
  });
  meter.createObservableGauge('wetread_studies', { description: 'Studies by state' }).addCallback(async (result) => {
    const counts = await studies();
    for (const state of Object.keys(STATES) as StudyState[]) result.observe(counts.get(state) ?? 0, { state });
  });
  observeProcess(meter);
  const observers = [messageCounters(meter), sourceCounters(meter), textCounters(meter), modelCounters(meter)];
  return {
    observe: (event, attributes) => {
      for (const observe of observers) observe(event, attributes);
      const { stage, durationMs, reason, errorCode, seriesInstanceUid, sopInstanceUid, instances = 1 } = attributes;
      if (event === 'stage-ended' && stage !== undefined && durationMs !== undefined) {
        stages.record(durationMs / 1000, { stage });
      }
      if ((event === 'read-ended' || event === 'triage-ended') && reason !== undefined)
        notRead.add(1, { what: 'study', reason });
      if (event === 'instance-refused' && reason !== undefined) notRead.add(instances, { what: 'instance', reason });
      if (event === 'not-read' && reason !== undefined) {
        const whole = seriesInstanceUid !== undefined && sopInstanceUid === undefined && instances === 1;
        notRead.add(instances, { what: whole ? 'series' : 'instance', reason });
      }
      if (event === 'studies-pruned') pruned.add(attributes.studies ?? 0);
      if (event === 'read-fault' && errorCode !== undefined) faults.add(1, { code: errorCode });
    },
    text: async () => `${serializer.serialize((await reader.collect()).resourceMetrics).trimEnd()}\n`,
  };
}

/** What a message broker brings and takes. */
function messageCounters(meter: ReturnType<MeterProvider['getMeter']>): Metrics['observe'] {
  const refused = meter.createCounter('wetread_messages_refused_total', {
    description: 'Messages that were set aside because they cannot be read, by reason',
  });
  const sent = meter.createCounter('wetread_events_sent_total', { description: 'Events that a message broker took' });
  const faults = meter.createCounter('wetread_event_faults_total', {
    description: 'Times that events could not be sent, by error code',
  });
  return (event, { source, reason, errorCode }) => {
    if (event === 'message-refused' && source !== undefined && reason !== undefined) refused.add(1, { source, reason });
    if (event === 'event-sent') sent.add(1);
    if (event === 'event-fault' && errorCode !== undefined) faults.add(1, { code: errorCode });
  };
}

/** What drafts go out without. */
function modelCounters(meter: ReturnType<MeterProvider['getMeter']>): Metrics['observe'] {
  const unavailable = meter.createCounter('wetread_models_unavailable_total', {
    description: 'Models that gave no result beside others that did, by model and reason',
  });
  return (event, { model, reason }) => {
    if (event === 'model-unavailable' && model !== undefined && reason !== undefined)
      unavailable.add(1, { model, reason });
  };
}

/** What language models answer, and what it costs. */
function textCounters(meter: ReturnType<MeterProvider['getMeter']>): Metrics['observe'] {
  const answers = meter.createCounter('wetread_text_answers_total', {
    description: 'Answers of language models, usable or not, by model',
  });
  const tokens = meter.createCounter('wetread_text_tokens_total', {
    description:
      'Tokens that language models read (prompt, with its pictures) and wrote (completion), as their servers count',
  });
  return (event, { model, modelVersion, promptTokens, completionTokens }) => {
    if (event !== 'text-answered' || model === undefined || modelVersion === undefined) return;
    const which = { model, version: modelVersion };
    answers.add(1, which);
    if (promptTokens !== undefined) tokens.add(promptTokens, { ...which, kind: 'prompt' });
    if (completionTokens !== undefined) tokens.add(completionTokens, { ...which, kind: 'completion' });
  };
}

/** Servers of sources that do not answer, and what they say that cannot be used. */
function sourceCounters(meter: ReturnType<MeterProvider['getMeter']>): Metrics['observe'] {
  const faults = meter.createCounter('wetread_source_faults_total', {
    description: 'Times that a source could not ask its server, by error code',
  });
  const refused = meter.createCounter('wetread_source_rows_refused_total', {
    description: 'Rows of a source that name no study and cannot be read',
  });
  return (event, { source, errorCode, instances = 1 }) => {
    if (source === undefined || errorCode === undefined) return;
    if (event === 'source-fault') faults.add(1, { source, code: errorCode });
    if (event === 'source-row-refused') refused.add(instances, { source, code: errorCode });
  };
}

/** Names of the Prometheus client conventions, so that common dashboards find them. */
function observeProcess(meter: ReturnType<MeterProvider['getMeter']>): void {
  const startedAt = Date.now() / 1000 - process.uptime();
  meter
    .createObservableCounter('process_cpu_seconds_total', { description: 'User and system CPU time' })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe((user + system) / 1e6);
    });
  meter
    .createObservableGauge('process_resident_memory_bytes', { description: 'Resident memory' })
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
  meter
    .createObservableGauge('process_start_time_seconds', { description: 'Start of the process, seconds since 1970' })
    .addCallback((result) => result.observe(startedAt));
}
