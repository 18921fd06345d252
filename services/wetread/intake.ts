/** Turns hints from every source into rows of the ledger; what is accepted is committed before a caller hears of it. */
import type { StudyHint } from '../../src/arrival/study-event.ts';
import type { Ports } from '../../src/ports.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { hasForgotten } from './retention.ts';

export interface IntakeOptions {
  readonly ports: Pick<Ports, 'clock' | 'ledger' | 'log' | 'tracer'>;
  /** How long a study must be quiet before it counts as complete, where no better evidence exists. */
  readonly quietMs: number;
  readonly onNoticed: () => void;
}

/** An archive that keeps a durable list of what has arrived and not been noticed. */
export interface ArrivalList {
  studies(): readonly StudyInstanceUid[];
  arrivals(): readonly Arrival[];
  noticed(arrival: Arrival): void;
}
export interface Arrival {
  readonly studyInstanceUid: StudyInstanceUid;
  readonly instances: number;
}

export class Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Notices every study with new instances; one leaves the list only when its row is committed. */
  async noticeArrivals(
    archive: Pick<ArrivalList, 'arrivals' | 'noticed'>,
    source: string,
    quietMs?: number,
  ): Promise<void> {
    for (const arrival of archive.arrivals()) {
      await this.notice(arrival.studyInstanceUid, source, quietMs);
      archive.noticed(arrival);
    }
  }

  /** At start: what arrived before the last stop and was not noticed, and what the ledger has never heard of. */
  async reconcile(archive: ArrivalList): Promise<void> {
    await this.noticeArrivals(archive, 'start');
    if (await hasForgotten(this.#options.ports.ledger)) return;
    for (const uid of archive.studies()) {
      if ((await this.#options.ports.ledger.get(uid)) === undefined) await this.notice(uid, 'start');
    }
  }

  /** What one request has brought; studies that other requests still bring are noticed when these end. */
  async received(
    archive: ArrivalList,
    studies: readonly StudyInstanceUid[],
    source: string,
    quietMs?: number,
  ): Promise<void> {
    const arrivals = (): readonly Arrival[] =>
      archive.arrivals().filter(({ studyInstanceUid }) => studies.includes(studyInstanceUid));
    await this.noticeArrivals({ arrivals, noticed: (arrival) => archive.noticed(arrival) }, source, quietMs);
    await this.#resent(studies);
  }

  /** A sender who sends a study again wants it read: one that waits for an operator is replayed, a forgotten one noticed. */
  async #resent(studies: Iterable<StudyInstanceUid>): Promise<void> {
    const { ledger } = this.#options.ports;
    for (const uid of studies) {
      const state = (await ledger.get(uid))?.state;
      if (state === undefined) await this.notice(uid, 'resent');
      if (state === 'held' || state === 'parked') await ledger.move(uid, 'replay');
    }
    this.#options.onNoticed();
  }

  /** What a source says: a study that it has seen complete does not settle once more. */
  noticeHint(hint: StudyHint, source: string): Promise<void> {
    return this.#record(hint, source, hint.rung === undefined ? this.#options.quietMs : 0);
  }

  /**
   * Records that a study has new instances. The trace of the study begins here, or goes on from the running request.
   * @param quietMs 0 where the source itself is evidence of completeness.
   */
  notice(studyInstanceUid: StudyInstanceUid, source: string, quietMs?: number): Promise<void> {
    const rung = quietMs === 0 ? { rung: 'source-says' as const } : {};
    return this.#record({ studyInstanceUid, ...rung }, source, quietMs ?? this.#options.quietMs);
  }

  async #record(hint: StudyHint, source: string, quietMs: number): Promise<void> {
    const { clock, ledger, log, tracer } = this.#options.ports;
    const { studyInstanceUid } = hint;
    const record = async (): Promise<void> => {
      const now = clock.now();
      const traceparent = tracer.traceparent();
      await ledger.notice(
        { ...hint, source, receivedAt: now.toISOString(), ...(traceparent === undefined ? {} : { traceparent }) },
        new Date(now.getTime() + quietMs).toISOString(),
      );
      log.write('study-noticed', { studyInstanceUid, source });
    };
    await tracer.span('wetread.import', { studyInstanceUid, source }, record, hint.traceparent);
    this.#options.onNoticed();
  }
}
