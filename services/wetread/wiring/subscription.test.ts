import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findingsOf } from '../../../test/support/doctor.ts';
import { TemporaryFolder } from '../../../test/support/phantom-studies.ts';
import { runWetread } from '../../../test/support/running-wetread.ts';
import { until } from '../../../test/support/ups-server/running-source.ts';
import { parseConfig } from '../config.ts';

interface RecordServer {
  readonly url: string;
  /** Authorization of every search. */
  readonly seen: (string | undefined)[];
}

/** Answers searches with nothing, to whoever shows the token. */
async function recordServer(t: TestContext, token: string): Promise<RecordServer> {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    if (request.url?.includes('_search')) seen.push(authorization);
    const status = authorization === `Bearer ${token}` ? 200 : 401;
    response.writeHead(status, { 'content-type': 'application/fhir+json' });
    response.end(JSON.stringify({ resourceType: 'Bundle', type: 'searchset' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`, seen };
}

test('WR-LKT-05 a FHIR server that calls, and is not the health record, is asked with credentials of its own', async (t) => {
  await using folder = new TemporaryFolder();
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder.path, name), text);
    return join(folder.path, name);
  };
  const { url, seen } = await recordServer(t, 'of-the-caller');
  const credentials = { kind: 'bearer', tokenFile: file('token', 'of-the-caller') };
  const fhirSubscription = { enabled: true, url, secretFile: file('secret', 'a-secret-of-20-chars'), credentials };
  const healthRecord = {
    kind: 'fhir',
    url: 'http://127.0.0.1:1/fhir',
    credentials: { kind: 'bearer', tokenFile: file('other', 'of-the-record') },
  };
  const works = await findingsOf({ healthRecord, fhirSubscription }, ['fhirSubscription']);
  assert.equal(works.lines.at(-1), 'fhirSubscription.ImagingStudy ok');
  const asked = seen.length;
  await using _running = await runWetread({ healthRecord, fhirSubscription });
  await until(() => seen.length > asked);
  assert.deepEqual([...new Set(seen)], ['Bearer of-the-caller']);

  const { url: _, ...withoutUrl } = fhirSubscription;
  assert.throws(
    () => parseConfig({ healthRecord, fhirSubscription: withoutUrl }),
    /fhirSubscription\.credentials has no effect without fhirSubscription\.url/,
  );
});

test('WR-LKT-14 a secret or a password that cannot be used is told at the start and by the doctor, with its key', async () => {
  await using folder = new TemporaryFolder();
  const short = join(folder.path, 'short');
  writeFileSync(short, 'short');
  const absent = join(folder.path, 'absent');
  const subscription = (secretFile: string): object => ({
    fhirSubscription: { enabled: true, url: 'http://127.0.0.1:1/fhir', secretFile },
  });
  const wrong: readonly (readonly [object, RegExp])[] = [
    [subscription(absent), /fhirSubscription\.secretFile: the file cannot be read/],
    [subscription(short), /fhirSubscription\.secretFile must hold at least 16 characters/],
    [{ rabbitmq: { url: 'amqp://me@127.0.0.1:1', passwordFile: absent } }, /rabbitmq\.passwordFile: the file cannot/],
  ];
  for (const [config, message] of wrong) {
    await assert.rejects(findingsOf(config), { code: 'config-invalid', message });
    await assert.rejects(runWetread(config), { code: 'config-invalid', message });
  }
});
