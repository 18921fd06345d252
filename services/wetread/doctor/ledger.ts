/** The ledger: that it opens, is of this version, keeps what is written, and what waits in it for an operator. */

import { WetreadError } from '../../../src/errors.ts';
import type { StudyRecord } from '../../../src/ports.ts';
import { countText } from '../cli/progress.ts';
import type { OpenLedger } from '../wiring/ledger.ts';
import { type CheckResult, fail, ok, type Part, type Step, warn } from './check.ts';
import { type Address, reach } from './reach.ts';

/** The ledger keeps it as it keeps where a source stands; no source has the name. */
const MARK = 'doctor';

export interface LedgerPart {
  readonly place: string;
  /** Where it is a server. */
  readonly address?: Address;
  /** Undefined where the ledger is yet to be made, by the first start of the server. */
  readonly open: (() => Promise<OpenLedger>) | undefined;
}

export function ledgerPart({ place, address, open }: LedgerPart): Part {
  return {
    name: 'ledger',
    place,
    async examine(step) {
      if (address !== undefined && !(await reach(address, step))) return;
      if (open === undefined) {
        await step('open', async () => ok('Not there yet; the server makes it when it starts first'));
        return;
      }
      await using opened = new AsyncDisposableStack();
      let ledger: OpenLedger | undefined;
      await step('open', async () => {
        const candidate = opened.use(await open());
        // A ledger on a server opens while the server is down; it is asked something.
        await candidate.sourceState(MARK);
        ledger = candidate;
        return ok('Open, with the tables of this version');
      });
      if (ledger !== undefined) await writeAndCount(ledger, step);
    },
  };
}

async function writeAndCount(ledger: OpenLedger, step: Step): Promise<void> {
  const isWritten = await step('write', () => writeAndRead(ledger));
  if (isWritten) await step('studies', async () => waiting(await ledger.list()));
}

async function writeAndRead(ledger: OpenLedger): Promise<CheckResult> {
  const mark = new Date().toISOString();
  try {
    await ledger.saveSourceState(MARK, mark);
  } catch (cause) {
    const { code, message } = WetreadError.from(cause);
    return fail(`${message} [${code}]`, 'Give the account of Wetread the right to write there, and check the disk.');
  }
  const read = await ledger.sourceState(MARK);
  if (read !== mark) return fail('What was written is not what is read', 'Check the database.');
  return ok('Written and read back');
}

function waiting(records: readonly StudyRecord[]): CheckResult {
  const count = (state: string): number => records.filter((record) => record.state === state).length;
  const told = (['parked', 'held', 'failed'] as const).map((state) => [state, count(state)] as const);
  const words = told.filter(([, number]) => number > 0).map(([state, number]) => `${number} ${state}`);
  const total = countText(records.length, 'study', 'studies');
  if (words.length === 0) return ok(`${total}, none waits for an operator`);
  return warn(`${total}: ${words.join(', ')}`, 'Look at them with `wetread studies list --state parked`.');
}
