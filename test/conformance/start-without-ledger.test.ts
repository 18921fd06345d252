/** A Wetread with its own archive, whose ledger is a PostgreSQL that is down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFinal } from '../../src/arrival/lifecycle.ts';
import { writeNullModel } from '../support/null-model.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { startPostgres, withoutPostgres } from '../support/postgres.ts';
import { runWetread } from '../support/running-wetread.ts';
import { tinyStudy } from '../support/tiny-studies.ts';

const PORT = 28_300;

test('WR-FLT-13 it starts, keeps what is sent, and reads it when the database is back, though nobody sends it again', {
  skip: withoutPostgres,
}, async () => {
  await using folder = new TemporaryFolder();
  await using postgres = await startPostgres(PORT);
  const url = await postgres.createDatabase('late');
  await postgres.kill();
  const models = [await writeNullModel(folder.path)];
  await using running = await runWetread({ bundledModels: false, models, ledger: { kind: 'postgres', url } });
  const { studyInstanceUid, files } = tinyStudy('sent once');
  assert.equal((await running.send(files)).stored, 0, 'what is not noticed is not accepted');
  await postgres.start();
  const { ledger } = running.wetread.ports;
  let record = await ledger.get(studyInstanceUid);
  while (record === undefined || !isFinal(record.state)) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    record = await ledger.get(studyInstanceUid);
  }
  assert.equal(record.state, 'filed');
});
