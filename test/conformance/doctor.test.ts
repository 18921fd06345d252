/** The doctor before real servers: Orthanc as the archive, PostgreSQL as the ledger, RabbitMQ as the broker. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findingsOf } from '../support/doctor.ts';
import { startOrthanc, withoutOrthanc } from '../support/orthanc.ts';
import { part10File } from '../support/part10.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { ask, startPostgres, withoutPostgres } from '../support/postgres.ts';
import { startRabbitmq, withoutRabbitmq } from '../support/rabbitmq.ts';

test('WR-OPS-01 WR-OPS-03 an Orthanc that works is found to; the test object is stored only where asked for, and once', {
  skip: withoutOrthanc,
}, async () => {
  await using orthanc = await startOrthanc({ httpPort: 27_020, dicomPort: 27_021 });
  const config = { archive: { kind: 'dicomweb', url: `${orthanc.url}/dicom-web` } };
  const instances = async (): Promise<number> => {
    const found = (await (await fetch(`${orthanc.url}/instances`)).json()) as string[];
    return found.length;
  };
  const empty = await findingsOf(config, ['archive']);
  assert.deepEqual(empty.lines, ['archive.name ok', 'archive.port ok', 'archive.clock ok', 'archive.search ok']);
  assert.equal(await instances(), 0);

  await fetch(`${orthanc.url}/instances`, { method: 'POST', body: part10File({}).bytes.slice() });
  const read = await findingsOf(config, ['archive']);
  assert.equal(read.lines.at(-1), 'archive.read ok');
  assert.equal(await instances(), 1);

  for (const _ of ['first', 'second']) {
    const stored = await findingsOf(config, ['archive'], true);
    assert.equal(stored.lines.at(-1), 'archive.store ok', JSON.stringify(stored.find('archive', 'store')));
    assert.equal(await instances(), 2);
  }
  const elsewhere = { archive: { kind: 'dicomweb', url: `${orthanc.url}/dicomweb` } };
  const wrong = (await findingsOf(elsewhere, ['archive'])).find('archive', 'search')!;
  assert.match(`${wrong.message} ${wrong.fix}`, /answered 404 .*Orthanc: …\/dicom-web/);
});

test('WR-OPS-01 WR-OPS-02 a PostgreSQL that works is found to; one that is down, or refuses the log-in, is told', {
  skip: withoutPostgres,
}, async () => {
  await using postgres = await startPostgres(27_030);
  await using folder = new TemporaryFolder();
  const url = await postgres.createDatabase('doctor');
  const works = await findingsOf({ ledger: { kind: 'postgres', url } }, ['ledger']);
  assert.deepEqual(works.lines, [
    'ledger.name ok',
    'ledger.port ok',
    'ledger.open ok',
    'ledger.write ok',
    'ledger.studies ok',
  ]);

  await ask(url, "CREATE ROLE other LOGIN PASSWORD 'right'");
  const passwordFile = join(folder.path, 'password');
  writeFileSync(passwordFile, 'wrong');
  const refusing = { kind: 'postgres', url: url.replace('wetread@', 'other@'), passwordFile };
  const refused = (await findingsOf({ ledger: refusing }, ['ledger'])).find('ledger', 'open')!;
  assert.equal(refused.status, 'fail');
  assert.doesNotMatch(`${refused.message} ${refused.fix}`, /wrong/);

  await postgres.kill();
  const down = (await findingsOf({ ledger: { kind: 'postgres', url } }, ['ledger'])).find('ledger', 'port')!;
  assert.equal(down.message, 'Nothing listens on 127.0.0.1:27030');
});

test('WR-OPS-01 WR-OPS-02 a RabbitMQ that works gives a message back; a queue that is missing, or a wrong password, is told', {
  skip: withoutRabbitmq,
}, async () => {
  await using rabbitmq = await startRabbitmq(27_040);
  const { url } = rabbitmq;
  const works = await findingsOf({ rabbitmq: { url } }, ['rabbitmq']);
  assert.deepEqual(works.lines, ['rabbitmq.name ok', 'rabbitmq.port ok', 'rabbitmq.message ok']);

  const absent = await findingsOf({ rabbitmq: { url, topology: 'check' } }, ['rabbitmq']);
  const queue = absent.find('rabbitmq', 'queue')!;
  assert.equal(queue.status, 'fail', JSON.stringify(queue));

  const stranger = url.replace('amqp://', 'amqp://stranger:secret@');
  const refused = (await findingsOf({ rabbitmq: { url: stranger } }, ['rabbitmq'])).find('rabbitmq', 'message')!;
  assert.equal(refused.status, 'fail');
  assert.doesNotMatch(JSON.stringify(refused), /secret/);
});
