/** The doctor before real servers: Orthanc as the archive, PostgreSQL as the ledger, RabbitMQ as the broker. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'amqplib';
import { COMMIT_RETRY_DELAYS_MS } from '../../adapters/rabbitmq/study-arrived-source.ts';
import { EVENTS_EXCHANGE, prepareArrivals } from '../../adapters/rabbitmq/topology.ts';
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
  const saysOf = async (ledger: object): Promise<string> =>
    (await findingsOf({ ledger: { kind: 'postgres', ...ledger } }, ['ledger'])).find('ledger', 'open')!.message;
  assert.match(refused.message, /ledger\.url: the server refuses the log-in/);
  assert.match(
    await saysOf({ url: url.replace('/doctor', '/nowhere') }),
    /ledger\.url: the server has no such database/,
  );
  writeFileSync(passwordFile, 'right');
  const stranger = { url: refusing.url.replace('/doctor', '/postgres'), passwordFile };
  assert.match(await saysOf(stranger), /ledger\.url: the user lacks a right/);

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

  assert.match(queue.message, /NOT_FOUND - no queue 'wetread\.dead\.v1' in vhost/);
  assert.match(absent.find('rabbitmq', 'exchange')!.message, /NOT_FOUND - no exchange 'wetread\.events'/);
  assert.equal(absent.lines.filter((line) => line === 'rabbitmq.queue fail').length, 5, 'each queue is looked for');

  const foreign = { arrivals: [{ queue: 'wetread.ris.v1', exchange: 'ris', mapping: 'orthanc' }] };
  const unmade = await findingsOf({ rabbitmq: { url, ...foreign } }, ['rabbitmq']);
  assert.deepEqual(unmade.lines.slice(-2), ['rabbitmq.message ok', 'rabbitmq.exchange fail']);

  const messageOf = async (place: string): Promise<string> => {
    const found = (await findingsOf({ rabbitmq: { url: place } }, ['rabbitmq'])).find('rabbitmq', 'message')!;
    assert.equal(found.status, 'fail');
    return JSON.stringify(found);
  };
  const refused = await messageOf(url.replace('amqp://', 'amqp://stranger:secret@'));
  assert.match(refused, /ACCESS_REFUSED - Login was refused/);
  assert.doesNotMatch(refused, /secret/);
  assert.match(await messageOf(`${url}/nowhere`), /may not use the virtual host that rabbitmq\.url names/);
});

test('WR-LKT-01 the permissions that docs/events.md asks for are enough for doctor and queues, and no others are needed', {
  skip: withoutRabbitmq,
}, async () => {
  await using rabbitmq = await startRabbitmq(27_050);
  const commands = readFileSync(join(import.meta.dirname, '../../docs/events.md'), 'utf8');
  const [, ...permissions] = /rabbitmqctl set_permissions wetread '(.*)' '(.*)' '(.*)'/.exec(commands)!;
  const binaries = permissions.map((pattern) => `<<"${pattern.replaceAll('\\', '\\\\')}">>`).join(', ');
  await rabbitmq.evaluate('rabbit_auth_backend_internal:add_user(<<"wetread">>, <<"right">>, <<"test">>).');
  await rabbitmq.evaluate(
    `rabbit_auth_backend_internal:set_permissions(<<"wetread">>, <<"/">>, ${binaries}, <<"test">>).`,
  );
  const url = rabbitmq.url.replace('amqp://', 'amqp://wetread:right@');
  assert.equal((await findingsOf({ rabbitmq: { url } }, ['rabbitmq'])).lines.at(-1), 'rabbitmq.message ok');

  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  const arrivals = { queue: 'wetread.study-arrived.v1', exchange: EVENTS_EXCHANGE, routingKey: 'study.arrived.v1' };
  await prepareArrivals(channel, arrivals, COMMIT_RETRY_DELAYS_MS, 'declare');
  channel.sendToQueue('wetread.dead.v1', Buffer.from('{}'));
  await channel.waitForConfirms();
  await connection.close();
  const made = await findingsOf({ rabbitmq: { url, topology: 'check' } }, ['rabbitmq']);
  assert.equal(made.lines.filter((line) => line === 'rabbitmq.queue ok').length, 5);
});
