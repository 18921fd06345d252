import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isWetreadResult } from '../../../adapters/dicomweb/own-result.ts';
import { part10Reader } from '../../../adapters/part10/reader.ts';
import { instanceWriter } from '../../../adapters/part10/writer.ts';
import { isSkipped } from '../../../src/reasons.ts';
import { authority, withoutOpenssl } from '../../../test/support/certificates.ts';
import { dciodvfy, withoutTool } from '../../../test/support/dicom-tools.ts';
import { findingsOf } from '../../../test/support/doctor.ts';
import { startFhirServer } from '../../../test/support/fhir-server.ts';
import { TemporaryFolder } from '../../../test/support/phantom-studies.ts';
import { writeTextPackage } from '../../../test/support/text-package.ts';
import { upsServer } from '../../../test/support/ups-server/ups-server.ts';
import { testObject } from './test-object.ts';

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function archiveThat(t: TestContext, answers: RequestListener): Promise<object> {
  const port = await listen(t, createServer(answers));
  return { archive: { kind: 'dicomweb', url: `http://127.0.0.1:${port}/dicom-web` } };
}

test('WR-OPS-02 an archive at the wrong port, path or host, or that refuses the log-in, is named with what to mend', async (t) => {
  const nobody = { archive: { kind: 'dicomweb', url: 'http://127.0.0.1:1/dicom-web' } };
  const port = (await findingsOf(nobody, ['archive'])).find('archive', 'port')!;
  assert.deepEqual([port.status, port.message], ['fail', 'Nothing listens on 127.0.0.1:1']);
  assert.match(port.fix!, /archive\.url/);

  const unknown = { archive: { kind: 'dicomweb', url: 'http://pacs.invalid/dicom-web' } };
  assert.match((await findingsOf(unknown, ['archive'])).find('archive', 'name')!.message, /pacs\.invalid is not known/);

  const wrongPath = await archiveThat(t, (_request, response) => response.writeHead(404).end());
  const path = (await findingsOf(wrongPath, ['archive'])).find('archive', 'search')!;
  assert.match(`${path.message} ${path.fix}`, /answered 404 Check that archive\.url is the root of its DICOMweb/);

  const page = await archiveThat(t, (_request, response) => response.end('<html>Welcome</html>'));
  assert.match((await findingsOf(page, ['archive'])).find('archive', 'search')!.message, /else than DICOM JSON/);

  const locked = await archiveThat(t, (_request, response) => response.writeHead(401).end());
  const login = (await findingsOf(locked, ['archive'])).find('archive', 'search')!;
  assert.match(`${login.message} ${login.fix}`, /answered 401 .*archive\.credentials/);
});

test('WR-OPS-02 a clock that is wrong is told', async (t) => {
  const late = await archiveThat(t, (_request, response) => {
    response.setHeader('Date', new Date(Date.now() - 3_600_000).toUTCString());
    response.writeHead(204).end();
  });
  const { find, lines } = await findingsOf(late, ['archive']);
  assert.match(find('archive', 'clock')!.message, /clock is 36\d\d s behind/);
  assert.ok(lines.includes('archive.search ok'));
});

test('WR-OPS-02 a certificate that nobody trusts is told, and one whose authority is configured is not', {
  skip: withoutOpenssl,
}, async (t) => {
  const { caFile, selfSigned, sign } = authority(t);
  const answers: RequestListener = (_request, response) => void response.writeHead(204).end();
  const own = await listen(t, createTlsServer(selfSigned('IP:127.0.0.1'), answers) as unknown as Server);
  const url = (port: number): string => `https://127.0.0.1:${port}/dicom-web`;
  const untrusted = await findingsOf({ archive: { kind: 'dicomweb', url: url(own) } }, ['archive']);
  const certificate = untrusted.find('archive', 'certificate')!;
  assert.match(`${certificate.message} ${certificate.fix}`, /no trusted authority .*tls\.caFile/);

  const signed = await listen(t, createTlsServer(sign('IP:127.0.0.1', 90), answers) as unknown as Server);
  const trusted = await findingsOf({ archive: { kind: 'dicomweb', url: url(signed), tls: { caFile } } }, ['archive']);
  assert.deepEqual(trusted.lines, [
    'archive.name ok',
    'archive.port ok',
    'archive.certificate ok',
    'archive.clock ok',
    'archive.search ok',
  ]);
});

test('WR-OPS-02 a FHIR server of another version, without transactions, or that is none, is told', async (t) => {
  const judge = async (statement: object): Promise<string> => {
    const port = await listen(
      t,
      createServer((_request, response) => {
        response.writeHead(200, { 'Content-Type': 'application/fhir+json' }).end(JSON.stringify(statement));
      }),
    );
    const healthRecord = { kind: 'fhir', url: `http://127.0.0.1:${port}/fhir` };
    return (await findingsOf({ healthRecord }, ['healthRecord'])).find('healthRecord', 'capability')!.message;
  };
  const r4 = { resourceType: 'CapabilityStatement', fhirVersion: '4.0.1' };
  assert.match(await judge({ ...r4, fhirVersion: '5.0.0' }), /speaks FHIR 5\.0\.0/);
  assert.match(await judge({ ...r4, rest: [{ interaction: [] }] }), /takes no transactions/);
  assert.match(await judge({ resourceType: 'Bundle' }), /no CapabilityStatement/);
  const rest = [{ interaction: [{ code: 'transaction' }], resource: [{ type: 'Patient', interaction: [] }] }];
  assert.match(await judge({ ...r4, rest }), /does not state: Patient search-type; ServiceRequest/);
});

test('WR-OPS-01 a FHIR server that works is found to', async () => {
  await using server = await startFhirServer();
  const healthRecord = { kind: 'fhir', url: server.url, patientIdentifierSystem: 'urn:oid:1.2.3.4' };
  const { lines } = await findingsOf({ healthRecord }, ['healthRecord']);
  assert.deepEqual(
    lines.filter((line) => !line.endsWith(' ok')),
    [],
  );
  assert.deepEqual(
    server.requests.filter((request) => !/GET|_search/.test(request)),
    [],
  );
});

test('WR-LKT-13 a health record in which no patient could be found is told, before every draft is held', async () => {
  await using server = await startFhirServer();
  const patientsOf = async (naming: object): Promise<string> => {
    const healthRecord = { kind: 'fhir', url: server.url, ...naming };
    const { status, message, fix } = (await findingsOf({ healthRecord }, ['healthRecord'])).find(
      'healthRecord',
      'patients',
    )!;
    return `${status} ${message} ${fix}`;
  };
  assert.match(await patientsOf({}), /^warn .*every draft is held .*patientIdentifierSystem.*issuers/);
  assert.match(await patientsOf({ issuers: { SITE: 'urn:oid:1.2.3.4' } }), /^ok/);
});

test('WR-OPS-01 WR-OPS-02 a worklist that answers a search is found to; one that refuses it, or is none, is told', async () => {
  await using server = await upsServer({ port: 27_090 });
  const match = { workitemCodes: [{ value: 'CT-READ', scheme: '99SITE' }] };
  const raw = (url: string): object => ({ ups: [{ url, match }] });
  const { lines } = await findingsOf(raw(server.url), ['ups.0']);
  assert.deepEqual(lines, ['ups.0.name ok', 'ups.0.port ok', 'ups.0.clock ok', 'ups.0.search ok']);
  server.trouble = (method, path) => (method === 'GET' && path.includes('/workitems') ? 403 : undefined);
  assert.equal((await findingsOf(raw(server.url), ['ups.0'])).find('ups.0', 'search')?.status, 'fail');
  server.trouble = undefined;
  assert.equal((await findingsOf(raw(`${server.url}/none`), ['ups.0'])).find('ups.0', 'search')?.status, 'fail');
});

test('WR-OPS-01 WR-OPS-02 a FHIR server that is to call is asked what may have been missed', async () => {
  await using server = await startFhirServer();
  await using folder = new TemporaryFolder();
  folder.write({ secret: 'secret-of-the-server' });
  const fhirSubscription = { enabled: true, url: server.url, secretFile: join(folder.path, 'secret') };
  const { lines } = await findingsOf({ fhirSubscription }, ['fhirSubscription']);
  assert.equal(lines.at(-1), 'fhirSubscription.ImagingStudy ok');
  const elsewhere = { ...fhirSubscription, url: `${server.url}/elsewhere` };
  const { find } = await findingsOf({ fhirSubscription: elsewhere }, ['fhirSubscription']);
  assert.equal(find('fhirSubscription', 'ImagingStudy')?.status, 'fail');
});

test('WR-OPS-01 WR-OPS-02 a watched folder that is missing is told, with its key', async () => {
  await using folder = new TemporaryFolder();
  folder.write({ 'there/file': '' });
  const folderWatch = { folders: [join(folder.path, 'there'), join(folder.path, 'missing')], after: 'keep' };
  const { lines, find } = await findingsOf({ folderWatch }, ['folderWatch']);
  assert.deepEqual(lines, ['folderWatch.folders.0 ok', 'folderWatch.folders.1 fail']);
  assert.match(find('folderWatch', 'folders.1')?.fix ?? '', /folders\.1/);
});

test('WR-OPS-02 a changed model package is told; the bundled one runs', async () => {
  await using folder = new TemporaryFolder();
  cpSync(join(import.meta.dirname, '../../../models/ct-lung-density'), join(folder.path, 'changed'), {
    recursive: true,
  });
  writeFileSync(join(folder.path, 'changed', 'README.md'), 'changed');
  const dataDirectory = join(folder.path, 'data');
  const changed = { dataDirectory, bundledModels: false, models: [join(folder.path, 'changed')] };
  const refused = (await findingsOf(changed, ['inference'])).find('inference', 'packages')!;
  assert.match(`${refused.status} ${refused.message}`, /^fail Model package changed: .*README\.md/);
  const { lines } = await findingsOf({ dataDirectory });
  assert.deepEqual(lines, [
    'dataDirectory.write ok',
    ...lines.filter((line) => line.startsWith('dataDirectory.space')),
    'ledger.open ok',
    'inference.packages ok',
    'inference.servers ok',
    'inference.run ok',
  ]);
});

test('WR-OPS-03 the test object is a Basic Text SR that dicom3tools finds nothing wrong with', {
  skip: withoutTool('dciodvfy'),
}, async () => {
  const bytes = instanceWriter().write(testObject());
  const read = part10Reader.readDataSet(bytes);
  assert.ok(!isSkipped(read));
  await using folder = new TemporaryFolder();
  folder.write({ 'test.dcm': bytes });
  const { iod, errors } = dciodvfy(join(folder.path, 'test.dcm'));
  assert.deepEqual([iod, errors], ['BasicTextSR', []]);
  assert.deepEqual(instanceWriter().write(testObject()), bytes);
});

test('WR-LOK-05 a rule whose model is not there, and a package whose server is not, are named with their keys', async () => {
  await using folder = new TemporaryFolder();
  await writeTextPackage(folder.path);
  const { lines, find } = await findingsOf(
    { bundledModels: false, models: [folder.path], rules: [{ name: 'chests', model: 'ct-chest-txt' }] },
    ['inference'],
  );
  assert.deepEqual(lines, ['inference.packages ok', 'inference.rules fail', 'inference.servers fail']);
  assert.match(
    find('inference', 'rules')!.message,
    /^rules\.0\.model 'ct-chest-txt' is not loaded; loaded: ct-chest-text$/,
  );
  assert.match(find('inference', 'servers')!.message, /^inference\.servers\.pictures is missing: /);
});

test('WR-LKT-06 the test object is no study to read: polling takes it for a result of Wetread', () => {
  assert.ok(isWetreadResult(testObject().dataSet));
});

test('WR-LKT-11 a server that hangs, hangs up, or sends elsewhere is told as what it is, with the key, and is no fault of Wetread', async (t) => {
  const archiveAndRecord = async (answers: RequestListener): Promise<object> => {
    const port = await listen(t, createServer(answers));
    const url = `http://127.0.0.1:${port}`;
    return {
      archive: { kind: 'dicomweb', url: `${url}/dicom-web` },
      healthRecord: { kind: 'fhir', url: `${url}/fhir` },
    };
  };
  const says = async (answers: RequestListener, limitMs?: number): Promise<readonly string[]> => {
    const config = await archiveAndRecord(answers);
    const { failed } = await findingsOf(config, ['archive', 'healthRecord'], false, limitMs);
    return failed.map(({ part, check, message, fix }) => `${part}.${check} ${message} -> ${fix}`);
  };
  const silent = await says(() => {}, 200);
  assert.equal(silent.length, 2, 'what hangs is not asked further');
  for (const line of silent) assert.match(line, /clock No answer within 0\.2 s -> Look whether the server hangs/);
  for (const line of await says(({ socket }) => socket.destroy()))
    assert.match(line, /clock The server ends the connection without an answer \(ECONNRESET\)/);
  const redirected = await says((_request, response) =>
    response.writeHead(302, { location: 'http://a.example' }).end(),
  );
  assert.match(redirected[0]!, /archive\.search The archive sent a request elsewhere.* -> .*archive\.url/);
  assert.match(redirected[1]!, /healthRecord\.capability The FHIR server sent .* -> .*healthRecord\.url/);
  const page = await says((_request, response) => response.end('<html>Welcome</html>'));
  assert.match(page[1]!, /answered something else than FHIR .* -> .*healthRecord\.url/);
  const busy = await says((_request, response) => response.writeHead(503).end());
  for (const line of busy) assert.doesNotMatch(line, /replay/, 'no study waits for the doctor');
});
