/** The whole matrix: which rows run where, one after the other on servers that they share. */
import type { TestContext } from 'node:test';
import { withoutOrthanc } from '../support/orthanc.ts';
import { withoutPostgres } from '../support/postgres.ts';
import { withoutRabbitmq } from '../support/rabbitmq.ts';
import { withoutFaketime } from '../support/shifted-clock.ts';
import { BROKER_ROWS, MESSAGE_ROWS, THOUSAND_ROWS } from './broker-rows.ts';
import { brokerSite } from './broker-site.ts';
import { CLOCK_ROWS, DISK_ROWS, EVENT_ROWS, FROZEN_ROWS, INFERENCE_ROWS, KILLED_ROWS } from './embedded-rows.ts';
import { embeddedSite, withoutMounts } from './embedded-site.ts';
import { assertSound, type FaultRow, type RowResult, runRow } from './row.ts';
import {
  ARCHIVE_ROWS,
  ARRIVAL_ROWS,
  DATABASE_ROWS,
  INFERENCE_SERVICE_ROWS,
  RECORD_ROWS,
  REPLICA_ROWS,
  WRITEBACK_ROWS,
} from './server-rows.ts';
import { serverSite } from './server-site.ts';
import type { Site } from './site.ts';

/** Rows on one site. */
export interface Lane {
  readonly name: 'embedded' | 'disk' | 'servers' | 'broker';
  readonly means: string;
  /** False, or the sentence that says what is missing. */
  readonly skip: string | false;
  readonly rows: readonly { readonly name: string; readonly studies: number }[];
  /** Runs some of the rows, each as a test of its own. */
  test(context: TestContext, names: readonly { readonly name: string }[]): Promise<void>;
  /** Runs every row. */
  run(onResult: (result: RowResult) => void): Promise<void>;
}

const PORT = 28_000;

export const EMBEDDED = lane({
  name: 'embedded',
  means: 'Wetread on its embedded parts: studies come by STOW-RS',
  skip: withoutFaketime,
  rows: [...KILLED_ROWS, ...INFERENCE_ROWS, ...EVENT_ROWS, ...FROZEN_ROWS, ...CLOCK_ROWS],
  open: () => embeddedSite({ ports: { wetread: PORT, proxy: PORT + 1 } }),
});

export const DISK = lane({
  name: 'disk',
  means: 'The same on a disk of 48 MiB',
  skip: withoutMounts,
  rows: DISK_ROWS,
  open: () => embeddedSite({ ports: { wetread: PORT + 2, proxy: PORT + 3 }, diskMib: 48 }),
});

export const SERVERS = lane({
  name: 'servers',
  means: 'Wetread between servers: it polls Orthanc; PostgreSQL, a FHIR server and an inference service',
  skip: withoutOrthanc || withoutPostgres,
  rows: [
    ...WRITEBACK_ROWS,
    ...ARCHIVE_ROWS,
    ...RECORD_ROWS,
    ...DATABASE_ROWS,
    ...INFERENCE_SERVICE_ROWS,
    ...REPLICA_ROWS,
    ...ARRIVAL_ROWS,
  ],
  open: () => serverSite(PORT + 100),
});

export const BROKER = lane({
  name: 'broker',
  means: 'RabbitMQ names the studies, Orthanc holds them',
  skip: withoutRabbitmq || withoutOrthanc,
  rows: [...BROKER_ROWS, ...MESSAGE_ROWS, ...THOUSAND_ROWS],
  open: () => brokerSite(PORT + 200),
});

export const LANES: readonly Lane[] = [EMBEDDED, DISK, SERVERS, BROKER];

interface LaneOptions<S extends Site> extends Pick<Lane, 'name' | 'means' | 'skip'> {
  readonly rows: readonly FaultRow<S>[];
  readonly open: () => Promise<S>;
}

function lane<S extends Site>({ open, rows, ...about }: LaneOptions<S>): Lane {
  return {
    ...about,
    rows,
    async test(context, names) {
      const shared = new SharedSite(open);
      const wanted = new Set(names.map(({ name }) => name));
      for (const row of rows.filter(({ name }) => wanted.has(name))) {
        await context.test(row.name, async () => {
          assertSound(await shared.use((site) => runRow(site, row)));
        });
      }
      await shared.close();
    },
    async run(onResult) {
      const shared = new SharedSite(open);
      for (const row of rows) onResult(await shared.use((site) => runRow(site, row)));
      await shared.close();
    },
  };
}

/** A site for one row after the other; a row that fails leaves it in a state that nobody knows, and it is made anew. */
class SharedSite<S extends Site> {
  readonly #open: () => Promise<S>;
  #site: S | undefined;

  constructor(open: () => Promise<S>) {
    this.#open = open;
  }

  async use(work: (site: S) => Promise<RowResult>): Promise<RowResult> {
    this.#site ??= await this.#open();
    try {
      const result = await work(this.#site);
      if (result.lost > 0) await this.close();
      else await this.#site.clear?.();
      return result;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const site = this.#site;
    this.#site = undefined;
    await site?.[Symbol.asyncDispose]();
  }
}
