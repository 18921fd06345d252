/** Rules on a real PACS: Orthanc behind a proxy that tells what was asked of it. */
import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { test } from 'node:test';
import { type Orthanc, startOrthanc, withoutOrthanc } from '../support/orthanc.ts';
import { RULE_STUDY, threeReconstructions } from '../support/rule-study.ts';
import { runWetread } from '../support/running-wetread.ts';

const PORTS = { http: 21010, dicom: 21011, proxy: 21012 };

/** Passes every request on. */
async function proxy(orthanc: Orthanc, onRequest: (path: string) => void): Promise<AsyncDisposable> {
  const server = createServer((incoming, outgoing) => {
    const { url = '', method, headers } = incoming;
    onRequest(url);
    const onward = request(`${orthanc.url}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.once('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(PORTS.proxy, '127.0.0.1', resolve));
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('WR-RUL-05 from Orthanc only the series that the rule selects is fetched, by its metadata', {
  skip: withoutOrthanc,
}, async () => {
  await using orthanc = await startOrthanc({ httpPort: PORTS.http, dicomPort: PORTS.dicom });
  for (const file of threeReconstructions()) {
    const stored = await fetch(`${orthanc.url}/instances`, { method: 'POST', body: Buffer.from(file) });
    assert.equal(stored.status, 200);
  }
  const paths: string[] = [];
  await using _proxy = await proxy(orthanc, (path) => paths.push(path));
  await using running = await runWetread({
    archive: { kind: 'dicomweb', url: `http://127.0.0.1:${PORTS.proxy}/dicom-web`, polling: { enabled: false } },
    rules: [
      {
        name: 'thorax-soft',
        when: {
          all: [
            { attribute: 'StudyDescription', contains: 'thorax' },
            { attribute: 'KVP', equals: 120 },
          ],
        },
        series: { plane: 'axial', kernel: 'soft', sliceThickness: { maximum: 5 }, prefer: 'thinnest', atMost: 1 },
        model: 'ct-lung-density',
        priority: 'stat',
      },
    ],
  });
  await running.wetread.noticeStudy(RULE_STUDY.study);
  await running.wetread.whenFinal();
  const record = await running.wetread.ports.ledger.get(RULE_STUDY.study);
  const { state, rule, priority } = record!;
  assert.deepEqual([state, rule, priority], ['filed', 'thorax-soft', 'stat'], JSON.stringify(record));
  const scanned: readonly string[] = [RULE_STUDY.localizer, RULE_STUDY.soft, RULE_STUDY.lung];
  const fetched = paths.flatMap((path) => /\/series\/([\d.]+)(\/instances\/[\d.]+)?$/.exec(path)?.[1] ?? []);
  assert.deepEqual(
    [...new Set(fetched)].filter((uid) => scanned.includes(uid)),
    [RULE_STUDY.soft],
  );
});
