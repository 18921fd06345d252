/** A real PACS that lets nobody in without a certificate and a password, reached by the configuration alone. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { createServer, type TlsOptions } from 'node:tls';
import { parseConfig } from '../../services/wetread/config.ts';
import { wire } from '../../services/wetread/wiring/wiring.ts';
import type { ImageArchive } from '../../src/ports.ts';
import { authority, withoutOpenssl } from '../support/certificates.ts';
import { startOrthanc, withoutOrthanc } from '../support/orthanc.ts';
import { part10File, seriesUid, studyUid } from '../support/part10.ts';

const never = new AbortController().signal;
const [HTTP, DICOM, GUARD] = [26020, 26021, 26022];

/** TLS in front of the PACS, as a reverse proxy does it: who has no certificate of the authority does not get through. */
async function guarded(t: TestContext, tls: TlsOptions): Promise<void> {
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: true }, (client) => {
    const upstream = connect(HTTP, '127.0.0.1');
    pipeline(client, upstream, client, () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(GUARD, '127.0.0.1', resolve));
  t.after(() => server.close());
}

test('WR-AUTH-10 Orthanc with a password, behind TLS with client certificates', {
  skip: withoutOrthanc || withoutOpenssl,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wetread-access-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, 'correct\n');
  const { ca, caFile, sign } = authority(t);
  const [theirs, ours, stranger] = [sign('DNS:localhost'), sign('DNS:wetread'), authority(t).sign('DNS:wetread')];
  const url = `https://localhost:${GUARD}`;
  const authorization = `Basic ${Buffer.from('wetread:correct').toString('base64')}`;
  await using _ = await startOrthanc({
    httpPort: HTTP,
    dicomPort: DICOM,
    settings: { AuthenticationEnabled: true, RegisteredUsers: { wetread: 'correct' } },
    ask: (path) => fetch(`http://127.0.0.1:${HTTP}${path}`, { headers: { authorization } }),
  });
  await guarded(t, { key: theirs.key, cert: theirs.cert, ca });
  const ask = async (
    user: string,
    tls: object,
    work: (archive: ImageArchive) => Promise<unknown>,
  ): Promise<unknown> => {
    const credentials = { kind: 'basic', user, passwordFile };
    const archive = { kind: 'dicomweb', url: `${url}/dicom-web`, polling: { enabled: false }, credentials, tls };
    const telemetry = { logLevel: 'silent' };
    await using wired = await wire(parseConfig({ dataDirectory: join(folder, 'data'), archive, telemetry }));
    return work(wired.ports.archive);
  };
  const own = { caFile, certFile: ours.certFile, keyFile: ours.keyFile };
  const files = [1, 2, 3].map((n) => part10File({ study: 'safe', instance: `safe/${n}`, columns: 64 }));
  await ask('wetread', own, async (archive) => {
    assert.deepEqual((await archive.store(files, never)).failed, []);
    assert.equal((await archive.findStudy(studyUid('safe'), never))?.series[0]?.instances.length, 3);
    let count = 0;
    for await (const bytes of archive.retrieveSeries(studyUid('safe'), seriesUid('safe/series'), never)) {
      assert.ok(files.some((file) => Buffer.from(file.bytes).equals(Buffer.from(bytes))));
      count += 1;
    }
    assert.equal(count, 3);
  });
  const refusedFor = async (user: string, tls: object): Promise<string> => {
    const ways: readonly ((archive: ImageArchive) => Promise<unknown>)[] = [
      (archive) => archive.findStudy(studyUid('safe'), never),
      (archive) => {
        const [{ object }] = files as [(typeof files)[number]];
        return archive.retrieveInstance(studyUid('safe'), object.seriesInstanceUid, object.sopInstanceUid, never);
      },
    ];
    const codes = await Promise.all(
      ways.map((way) =>
        ask(user, tls, way).then(
          () => 'answered',
          (error: { code: string }) => error.code,
        ),
      ),
    );
    return [...new Set(codes)].join();
  };
  assert.equal(await refusedFor('somebody', own), 'archive-refused');
  assert.equal(await refusedFor('wetread', { ...own, caFile: stranger.certFile }), 'certificate-refused');
  // With TLS 1.3 a client that has the wrong certificate, or none, may hear nothing but the end of the connection.
  const foreign = { caFile, certFile: stranger.certFile, keyFile: stranger.keyFile };
  for (const tls of [{ caFile }, foreign]) assert.doesNotMatch(await refusedFor('wetread', tls), /answered/);
});
