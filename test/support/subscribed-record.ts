/** A FHIR server and a source that listens to it, for tests of the source: what it says, logs and keeps. */
import {
  fhirSubscriptionSource,
  type SubscriptionSource,
  type SubscriptionSourceOptions,
} from '../../adapters/fhir/subscription-source.ts';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import { WetreadError } from '../../src/errors.ts';
import type { LogEvent, SafeAttributes } from '../../src/log-events.ts';
import type { Clock, Ledger } from '../../src/ports.ts';
import { type FhirServer, startFhirServer } from './fhir-server.ts';

export const SECRET = 'a-secret-of-the-tests';
const ENDPOINT = 'http://127.0.0.1:25009/notifications/fhir';

const clock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() };

export interface SubscribedRecord extends AsyncDisposable {
  readonly server: FhirServer;
  readonly ledger: Ledger;
  readonly hints: StudyHint[];
  readonly logged: [LogEvent, SafeAttributes][];
  readonly source: SubscriptionSource;
  /** What a hint has to pass; may reject. */
  commit: (hint: StudyHint) => Promise<void>;
  /** Resolves when the condition holds; looked at after every hint, log line and request to the server. */
  until(condition: () => boolean): Promise<void>;
  /** Resolves when so many searches have begun from now on. */
  searched(times?: number): Promise<void>;
  /** Ends the source and starts another on the same ledger. */
  restart(options?: Partial<SubscriptionSourceOptions>): Promise<void>;
}

/** Searches once an hour, unless the options say otherwise: what is said before was told. */
export async function subscribedRecord(options: Partial<SubscriptionSourceOptions> = {}): Promise<SubscribedRecord> {
  const server = await startFhirServer();
  const ledger = sqliteLedger({ file: ':memory:', clock });
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const look of waiting) look();
  };
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  server.intercept = changed;
  const searches = (): number =>
    server.requests.filter((line) => /(ImagingStudy|ServiceRequest)\/_search/.test(line)).length;
  let stop: () => Promise<void> = async () => {};
  const record: SubscribedRecord = {
    server,
    ledger,
    hints: [],
    logged: [],
    commit: async () => {},
    source: undefined as unknown as SubscriptionSource,
    until,
    async searched(times = 1) {
      const before = searches();
      await until(() => searches() >= before + times);
    },
    async restart(changes = {}) {
      await stop();
      const stopping = new AbortController();
      const source = fhirSubscriptionSource({
        url: server.url,
        criteria: ['ImagingStudy?status=available'],
        subscription: { endpoint: ENDPOINT, payload: 'empty' },
        secret: async () => SECRET,
        intervalMs: 3_600_000,
        lookbackMs: 3_600_000,
        naming: {},
        findByAccession: async () => [],
        archive: { findStudy: async () => undefined },
        ports: {
          ledger,
          clock,
          log: {
            write: (event, attributes) => {
              record.logged.push([event, attributes]);
              changed();
            },
          },
        },
        ...options,
        ...changes,
      });
      const notice = async (hint: StudyHint): Promise<void> => {
        await record.commit(hint);
        record.hints.push(hint);
        changed();
      };
      const running = source.run(notice, stopping.signal);
      Object.assign(record, { source });
      stop = () => {
        stopping.abort(new WetreadError('timeout', 'Wetread is stopping'));
        return running;
      };
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await server[Symbol.asyncDispose]();
      ledger[Symbol.dispose]();
    },
  };
  await record.restart();
  return record;
}
