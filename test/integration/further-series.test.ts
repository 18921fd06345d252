/** A model that is given a further series, in a running Wetread: an MR study of two sequences, and what can be wrong with one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../contracts/generated/types.ts';
import { validateReport } from '../../contracts/generated/validators.js';
import type { DocumentName, StudyRecord } from '../../src/ports.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';
import {
  FIRST,
  LENS_MILLILITERS,
  SECOND,
  type Sequence,
  sequenceFiles,
  sequenceUid,
  TWO_SEQUENCES,
  type TwoSequencesCard,
  writeTwoSequences,
} from '../support/two-sequences.ts';

interface ReadStudy extends AsyncDisposable {
  readonly running: RunningWetread;
  readonly record: StudyRecord;
  readonly report: Report | undefined;
  document(name: DocumentName): Promise<Uint8Array | undefined>;
}

interface Site {
  readonly edit?: (card: TwoSequencesCard) => TwoSequencesCard;
  readonly rules?: readonly object[];
  readonly onStart?: (running: RunningWetread) => void;
}

async function read(sequences: readonly Sequence[], { edit, rules = [], onStart }: Site = {}): Promise<ReadStudy> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(new TemporaryFolder());
  const models = [await writeTwoSequences(folder.path, edit)];
  const running = stack.use(await runWetread({ models, bundledModels: false, rules }));
  onStart?.(running);
  await running.send(sequences.flatMap((sequence) => sequenceFiles(sequence)));
  await running.wetread.whenFinal();
  const { ledger } = running.wetread.ports;
  const [record] = await ledger.list();
  assert.ok(record !== undefined);
  const document = (name: DocumentName): Promise<Uint8Array | undefined> =>
    ledger.document(record.studyInstanceUid, name);
  const bytes = await document('report.json');
  const report = bytes && (JSON.parse(new TextDecoder().decode(bytes)) as Report);
  return { running, record, report, document, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const milliliters = (report: Report | undefined): number =>
  report?.readings[0]?.findings[0]?.measurements[0]?.value ?? Number.NaN;

test('WR-SLT-01 a further series of another grid and orientation stands where it belongs: the lens of both has its volume', async () => {
  await using study = await read([FIRST, SECOND]);
  const { record, report } = study;
  assert.equal(record.state, 'filed', JSON.stringify(record));
  assert.ok(validateReport(structuredClone(report)), JSON.stringify(validateReport.errors));
  const found = milliliters(report);
  assert.ok(Math.abs(found / LENS_MILLILITERS - 1) < 0.02, `${found} ml, ${LENS_MILLILITERS} ml by the formula`);
  const [reading] = report!.readings;
  assert.equal(reading.algorithm.name, TWO_SEQUENCES);
  assert.equal(reading.seriesInstanceUid, sequenceUid(FIRST));
  assert.deepEqual(record.notRead, []);
});
