/** What a look at a study and its reading share: the attempt in progress, and how one ends. */
import type { Patience } from './arrival/completeness.ts';
import type { StudyTransition } from './arrival/lifecycle.ts';
import type { StudyCounts } from './arrival/polling.ts';
import type { Study } from './arrival/study.ts';
import type { Rule } from './inference/rules/rule.ts';
import { NotReadList } from './not-read.ts';
import type { Attempt, DocumentName, Ports, RecordPatch } from './ports.ts';
import type { Reason } from './reasons.ts';
import type { RecordNaming } from './writeback/fhir-match.ts';
import type { DraftStatus } from './writeback/fhir-transaction.ts';

/** What the site decides, beside the models it runs. */
export interface Site {
  readonly software: { readonly name: string; readonly version: string };
  readonly draftStatus: DraftStatus;
  /** Which identifier systems the numbers in the images belong to. */
  readonly naming: RecordNaming;
  /** Digest over the configuration that can change a result. */
  readonly configDigest: string;
  readonly patience: Patience;
  /** In their order; without any, every model reads what its card says. */
  readonly rules: readonly Rule[];
  /** How often a study is read again for the sake of one model, before the draft goes out without it. */
  readonly maximumRetries: number;
  /** Studies with more instances are not read. */
  readonly largestStudy: number;
}

/** How an attempt ended: the transition that the ledger records, and what it adds to the record. */
export interface Outcome {
  readonly transition: Extract<StudyTransition, 'accept' | 'wait' | 'file' | 'hold' | 'refuse' | 'select-none'>;
  readonly patch: RecordPatch;
}

/** Looks at an archive lie at least so far apart. */
const SHORTEST_WAIT_MS = 1000;
/** What has been waited for long is looked at less often: late by this part of the wait at most. */
const LATE_BY = 0.1;
const LONGEST_PAUSE_MS = 60_000;

export type Stage = 'arrival' | 'assembly' | 'inference' | 'reporting' | 'writeback';

/** One attempt in progress: its ports, what was set aside, and how long each stage took. */
export class Work {
  readonly attempt: Attempt;
  readonly ports: Ports;
  readonly site: Site;
  readonly signal: AbortSignal;
  readonly notRead = new NotReadList();
  readonly #timingsMs: Record<string, number> = {};
  #found: RecordPatch = {};

  constructor(attempt: Attempt, ports: Ports, site: Site, signal: AbortSignal) {
    this.attempt = attempt;
    this.ports = ports;
    this.site = site;
    this.signal = signal;
  }

  /** A stage is a span, two log lines and a row in the study's timings; run for several series, it adds up. */
  async stage<T>(stage: Stage, step: () => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const { clock, log, tracer } = this.ports;
    const about = { studyInstanceUid: this.attempt.studyInstanceUid, stage };
    const start = clock.monotonicMs();
    log.write('stage-started', about);
    try {
      return await tracer.span(`wetread.${stage}`, about, step);
    } finally {
      const durationMs = clock.monotonicMs() - start;
      this.#timingsMs[stage] = (this.#timingsMs[stage] ?? 0) + durationMs;
      log.write('stage-ended', { ...about, durationMs });
    }
  }

  save(name: DocumentName, content: Uint8Array | object): Promise<void> {
    const bytes =
      content instanceof Uint8Array ? content : new TextEncoder().encode(`${JSON.stringify(content, null, 2)}\n`);
    return this.ports.ledger.saveDocument(this.attempt, name, bytes);
  }

  /** What the ledger is to keep of the study, whatever the end. */
  keep(found: RecordPatch): void {
    this.#found = { ...this.#found, ...found };
  }

  /** The study is not complete, or not there, yet: it settles once more, up to the moment from which it is waited for no longer. */
  wait({ quietMs, longestWaitMs }: Patience, because: Reason): Outcome {
    const nowMs = this.ports.clock.now().getTime();
    const waitedMs = nowMs - Date.parse(this.attempt.arrivedAt);
    const pauseMs = Math.min(waitedMs * LATE_BY, LONGEST_PAUSE_MS, longestWaitMs - waitedMs);
    const settled = nowMs + Math.max(pauseMs, quietMs, SHORTEST_WAIT_MS);
    this.keep({ retryAt: new Date(settled).toISOString() });
    return this.end('wait', because);
  }

  end(transition: Outcome['transition'], because?: Reason): Outcome {
    const notRead = this.notRead.rows();
    for (const { reason: why, count, ...which } of notRead) {
      this.ports.log.write('not-read', { ...which, reason: why.code, instances: count ?? 1 });
    }
    const patch = { ...this.#found, timingsMs: this.#timingsMs, notRead };
    return { transition, patch: because === undefined ? patch : { ...patch, reason: because } };
  }
}

/** The archive as it is now: the event was a hint. */
export function findStudy({ attempt, ports, signal }: Work): Promise<Study | undefined> {
  return ports.archive.findStudy(attempt.studyInstanceUid, signal);
}

export function countsOf({ series }: Study): StudyCounts {
  return { series: series.length, instances: series.reduce((sum, { instances }) => sum + instances.length, 0) };
}
