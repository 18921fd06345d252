/** Metrics by model in the Prometheus text format, made from the statistics, so that the two cannot differ. */
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { PackagedModel } from './models.ts';
import { STEPS, type Statistics } from './statistics.ts';

export interface MetricsParts {
  readonly statistics: Statistics;
  readonly models: () => readonly PackagedModel[];
  /** What the service holds now. */
  readonly inside: () => { readonly requests: number; readonly bytes: number };
  /** Processes that ran models so far. */
  readonly starts: () => number;
}

/** @returns a function that gives the metrics of now, Prometheus text format 0.0.4 */
export function inferenceMetrics({ statistics, models, inside, starts }: MetricsParts): () => Promise<string> {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meter = new MeterProvider({ readers: [reader] }).getMeter('wetread-inference');
  const serializer = new PrometheusSerializer('', false, undefined, true, true);
  const counter = (name: string, description: string): ReturnType<typeof meter.createObservableCounter> =>
    meter.createObservableCounter(name, { description });
  counter('wetread_inference_requests_total', 'Requests to a model, by outcome').addCallback((result) => {
    for (const model of models()) {
      for (const outcome of ['success', 'fail'] as const) {
        const { count } = statistics.sumOf(model, outcome);
        result.observe(count, { model: model.name, version: model.version, outcome });
      }
    }
  });
  counter('wetread_inference_seconds_total', 'Time of requests to a model, by step').addCallback((result) => {
    for (const model of models()) {
      for (const step of STEPS) {
        const { milliseconds } = statistics.sumOf(model, step);
        result.observe(milliseconds / 1000, { model: model.name, version: model.version, step });
      }
    }
  });
  counter('wetread_inference_process_starts_total', 'Processes started to run models').addCallback((result) => {
    result.observe(starts());
  });
  const requests = meter.createObservableGauge('wetread_inference_requests', { description: 'Requests inside' });
  requests.addCallback((result) => result.observe(inside().requests));
  const bytes = meter.createObservableGauge('wetread_inference_request_bytes', { description: 'Bytes of them' });
  bytes.addCallback((result) => result.observe(inside().bytes));
  return async () => `${serializer.serialize((await reader.collect()).resourceMetrics).trimEnd()}\n`;
}
