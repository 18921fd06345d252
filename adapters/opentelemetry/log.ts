/** Log lines as JSON on stderr, each with the trace and span that it was written in. */
import { context, trace } from '@opentelemetry/api';
import { type DestinationStream, pino } from 'pino';
import { LOG_EVENTS, type LogEvent, type SafeAttributes } from '../../src/log-events.ts';
import type { Log } from '../../src/ports.ts';
import { logAttributes } from './attributes.ts';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly service: string;
  /** Default: stderr, written at once, so that the last line of a process that dies is there. */
  readonly destination?: DestinationStream;
}

export function jsonLog({ level, service, destination }: LogOptions): Log {
  const logger = pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
  return {
    write: (event: LogEvent, attributes: SafeAttributes) => {
      logger[LOG_EVENTS[event]]({ event, ...logAttributes(attributes), ...runningSpan() });
    },
  };
}

/** Field names of the OpenTelemetry log data model for other formats. */
function runningSpan(): { trace_id?: string; span_id?: string } {
  const span = trace.getSpanContext(context.active());
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}
