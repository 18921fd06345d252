/** Turns hints from every source into rows of the ledger; what is accepted is committed before a caller hears of it. */
import type { Ports } from '../../src/ports.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';

export interface IntakeOptions {
  readonly ports: Pick<Ports, 'clock' | 'ledger' | 'log' | 'tracer'>;
  /** How long a study must be quiet before it counts as complete, where no better evidence exists. */
  readonly quietMs: number;
  readonly onNoticed: () => void;
}

/** What a transfer left in the archive. */
export interface StoredStudies {
  readonly studies: Iterable<StudyInstanceUid>;
  /** Those of which an instance was new. */
  readonly changed: ReadonlySet<StudyInstanceUid>;
}

export class Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** After a transfer: studies with new instances are noticed, and those that the ledger has never seen. */
  async noticeStored(stored: StoredStudies, source: string, quietMs?: number): Promise<void> {
    for (const uid of stored.studies) {
      const known = (await this.#options.ports.ledger.get(uid)) !== undefined;
      if (!known || stored.changed.has(uid)) await this.notice(uid, source, quietMs);
    }
  }

  /**
   * Records that a study has new instances. The trace of the study begins here, or goes on from the running request.
   * @param quietMs 0 where the source itself is evidence of completeness.
   */
  async notice(studyInstanceUid: StudyInstanceUid, source: string, quietMs = this.#options.quietMs): Promise<void> {
    const { clock, ledger, log, tracer } = this.#options.ports;
    await tracer.span('wetread.import', { studyInstanceUid, source }, async () => {
      const now = clock.now();
      const traceparent = tracer.traceparent();
      await ledger.notice(
        {
          studyInstanceUid,
          source,
          receivedAt: now.toISOString(),
          ...(traceparent === undefined ? {} : { traceparent }),
        },
        new Date(now.getTime() + quietMs).toISOString(),
      );
      log.write('study-noticed', { studyInstanceUid, source });
    });
    this.#options.onNoticed();
  }
}
