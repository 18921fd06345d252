/** A worklist source that runs on a real ledger, while the test plays requester, worker and server. */
import assert from 'node:assert/strict';
import { sqliteLedger } from '../../../adapters/sqlite/ledger.ts';
import { type UpsSourceOptions, upsSource } from '../../../adapters/ups-rs/ups-source.ts';
import type { StudyTransition } from '../../../src/arrival/lifecycle.ts';
import type { StudyHint } from '../../../src/arrival/study-event.ts';
import { type DicomDataSet, itemsOf, stringOf } from '../../../src/dicom-json.ts';
import { WetreadError } from '../../../src/errors.ts';
import type { LogEvent, SafeAttributes } from '../../../src/log-events.ts';
import type { Clock, Ledger, RecordPatch } from '../../../src/ports.ts';
import type { SeriesInstanceUid, SopInstanceUid, StudyInstanceUid } from '../../../src/uid.ts';
import type { UpsServer } from './ups-server.ts';
import { scheduledWorkitem, send, type WorkitemRequest } from './workitems.ts';

export const clock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() };
let numbers = 0;

export function nextUid(): string {
  numbers += 1;
  return `2.999.3.${numbers}`;
}

export const RESULTS: NonNullable<RecordPatch['results']> = {
  objects: [
    {
      kind: 'sr',
      sopClassUid: '1.2.840.10008.5.1.4.1.1.88.34',
      sopInstanceUid: '2.25.10' as SopInstanceUid,
      seriesInstanceUid: '2.25.11' as SeriesInstanceUid,
    },
    {
      kind: 'seg',
      sopClassUid: '1.2.840.10008.5.1.4.1.1.66.4',
      sopInstanceUid: '2.25.12' as SopInstanceUid,
      seriesInstanceUid: '2.25.13' as SeriesInstanceUid,
    },
  ],
  diagnosticReport: 'DiagnosticReport/1',
};

/** A source on a ledger, with what it says and a reader that does what the test wants. */
export class RunningSource implements AsyncDisposable {
  readonly hints: StudyHint[] = [];
  readonly logged: [LogEvent, SafeAttributes][] = [];
  readonly ledger: Ledger & Disposable;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;

  constructor(server: Pick<UpsServer, 'url'>, ledger: Ledger & Disposable, options: Partial<UpsSourceOptions> = {}) {
    this.ledger = ledger;
    const source = upsSource({
      url: server.url,
      aeTitle: 'WETREAD',
      match: { workitemCodes: [{ value: 'READ', scheme: '99TEST' }] },
      reconcileMs: 300,
      followMs: 20,
      adoptAfterMs: 100,
      ...options,
      ports: { ledger, clock, log: { write: (...entry) => void this.logged.push(entry) } },
    });
    const notice = async (hint: StudyHint): Promise<void> => {
      const now = clock.now().toISOString();
      await ledger.notice({ ...hint, source: source.name, receivedAt: now }, now);
      this.hints.push(hint);
    };
    this.#ended = source.run(notice, this.#stopping.signal);
  }

  /** Plays a worker: the look, then the reading, each ending as it is told. */
  async read(...ends: readonly (readonly [StudyTransition, RecordPatch?])[]): Promise<void> {
    for (const [transition, patch] of ends) {
      const attempt = await until(() => this.ledger.claim('worker', 60_000));
      await this.ledger.advance(attempt, transition, patch);
    }
  }

  /** The first study that comes up for reading is read and filed; others may be looked at before. */
  async readToTheEnd(): Promise<void> {
    const counts = { series: 1, instances: 2 };
    const completeness = { rung: 'source-says', counts, since: clock.now().toISOString() } as const;
    for (;;) {
      const attempt = await until(() => this.ledger.claim('worker', 60_000));
      if (attempt.task === 'triage') {
        await this.ledger.advance(attempt, 'accept', { priority: 'routine', rule: 'test', completeness });
        continue;
      }
      await this.ledger.advance(attempt, 'draft');
      await this.ledger.advance(attempt, 'file', { results: RESULTS });
      return;
    }
  }

  faults(): readonly (string | undefined)[] {
    return this.logged.flatMap(([event, { errorCode }]) => (event === 'source-fault' ? [errorCode] : []));
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new WetreadError('timeout', 'Wetread is stopping'));
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export async function until<T>(look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function ledgerInMemory(): Ledger & Disposable {
  return sqliteLedger({ file: ':memory:', clock });
}

export async function order(server: UpsServer, request: WorkitemRequest = {}): Promise<[string, StudyInstanceUid]> {
  const [workitem, study] = [nextUid(), nextUid() as StudyInstanceUid];
  const item = scheduledWorkitem({ studies: [{ studyInstanceUid: study }], ...request });
  assert.equal((await send('POST', `${server.url}/workitems?${workitem}`, item)).status, 201);
  return [workitem, study];
}

export function stateOf(server: UpsServer, workitem: string): string | undefined {
  return stringOf(server.worklist.get(workitem)!, '00741000');
}

export async function reaches(server: UpsServer, workitem: string, state: string): Promise<DicomDataSet> {
  await until(() => stateOf(server, workitem) === state);
  return server.worklist.get(workitem)!;
}

export function progressOf(item: DicomDataSet): DicomDataSet {
  return itemsOf(item, '00741002')[0] ?? {};
}

export function count(server: UpsServer, pattern: RegExp): number {
  return server.requests.filter((request) => pattern.test(request)).length;
}
