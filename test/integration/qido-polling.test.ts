/** Wetread asks a PACS for studies: the embedded archive's own DICOMweb server plays the PACS. Reads real phantoms. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { test } from 'node:test';
import { readIdentity } from '../../adapters/part10/reader.ts';
import { isFinal } from '../../src/arrival/lifecycle.ts';
import type { LogEvent } from '../../src/log-events.ts';
import type { StudyRecord } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { type DicomwebServer, dicomwebServer, stow, stowBody } from '../support/dicomweb-server.ts';
import { datedToday, scout, smallChest, smallHead, TemporaryFolder } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';

const PORTS = { pacs: 25110, proxy: 25111 };
const chest = datedToday(smallChest());

function studyOf(files: readonly Uint8Array[]): StudyInstanceUid {
  const identity = readIdentity(files[0]!);
  assert.ok(!isSkipped(identity));
  return identity.studyInstanceUid;
}

async function store(pacs: DicomwebServer, files: readonly Uint8Array[]): Promise<void> {
  assert.equal((await stow(pacs.url, stowBody(...files))).status, 200);
}

function polls(port: number, dataDirectory: string): Promise<RunningWetread> {
  const url = `http://127.0.0.1:${port}/dicom-web`;
  return runWetread({ dataDirectory, archive: { kind: 'dicomweb', url, polling: { intervalSeconds: 0.1 } } });
}

/** Resolves when the study is in a final state, in this revision or a later one. */
async function ended({ wetread }: RunningWetread, uid: StudyInstanceUid, revision = 1): Promise<StudyRecord> {
  for (;;) {
    const record = await wetread.ports.ledger.get(uid);
    if (record !== undefined && record.revision >= revision && isFinal(record.state)) return record;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Resolves when the event was logged so often from now on. */
function logged(running: RunningWetread, event: LogEvent, times = 1): Promise<void> {
  let seen = 0;
  return new Promise((resolve) => {
    running.onLog = (written) => {
      if (written === event) seen += 1;
      if (seen >= times) resolve();
    };
  });
}

/** How often a study was named by a source: every time it settles anew. */
async function noticed({ wetread }: RunningWetread, uid: StudyInstanceUid): Promise<number> {
  const history = await wetread.ports.ledger.history(uid);
  return history.filter(({ transition }) => transition === 'notice' || transition === 'arrive').length;
}

/** A PACS that can tell when it has been polled several times more. */
async function pacsServer(folder?: string): Promise<DicomwebServer & { readonly severalPolls: () => Promise<void> }> {
  let onSearch = (): void => {};
  const server = await dicomwebServer({
    port: PORTS.pacs,
    ...(folder !== undefined && { folder }),
    onRequest: (path) => {
      if (path.includes('StudyDate=')) onSearch();
    },
  });
  const severalPolls = (): Promise<void> =>
    new Promise((resolve) => {
      let searches = 0;
      onSearch = () => {
        searches += 1;
        if (searches >= 40) resolve();
      };
    });
  return Object.assign(server, { severalPolls });
}

test('WR-SRC-10 studies that come while Wetread is down are read after its start, each once; own results name none', async () => {
  await using folder = new TemporaryFolder();
  await using pacs = await pacsServer();
  await store(pacs, chest);
  const uid = studyOf(chest);
  await using first = await polls(PORTS.pacs, folder.path);
  const record = await ended(first, uid);
  assert.deepEqual([record.state, record.source, record.revision], ['filed', 'qido', 1], JSON.stringify(record.reason));
  const held = pacs.use.archive.instances({ studyInstanceUid: uid }).length;
  assert.equal(held, chest.length + 2, 'SR and SEG are in the PACS');
  await pacs.severalPolls();
  assert.equal(await noticed(first, uid), 1);
  await first[Symbol.asyncDispose]();

  const head = datedToday(smallHead());
  await store(pacs, head);
  await using second = await polls(PORTS.pacs, folder.path);
  assert.equal((await ended(second, studyOf(head))).state, 'not-evaluable');
  await pacs.severalPolls();
  assert.deepEqual([await noticed(second, uid), await noticed(second, studyOf(head))], [1, 1]);
});

test('WR-SRC-11 a study is not read while it grows; late images give a second revision', async () => {
  await using folder = new TemporaryFolder();
  await using pacs = await pacsServer();
  const [late, ...files] = chest;
  const arriving = [...files];
  await store(pacs, arriving.splice(0, 40));
  // Whenever the PACS is asked for studies, another image has come.
  await using _proxy = await proxy(async (path) => {
    if (path.includes('StudyDate=') && arriving.length > 0) await store(pacs, arriving.splice(0, 1));
  });
  await using running = await polls(PORTS.proxy, folder.path);
  const uid = studyOf(chest);
  const record = await ended(running, uid);
  assert.deepEqual([record.state, record.revision, await noticed(running, uid)], ['filed', 1, 1]);
  assert.equal(arriving.length, 0);
  await store(pacs, [late!]);
  const again = await ended(running, uid, 2);
  assert.deepEqual([again.state, again.revision, await noticed(running, uid)], ['filed', 2, 2]);
});

test('WR-SRC-12 a PACS that is down at the start, and later, is waited for; nothing is read twice', async () => {
  await using folder = new TemporaryFolder();
  await using stored = new TemporaryFolder();
  await using running = await polls(PORTS.pacs, folder.path);
  await logged(running, 'source-fault');
  const first = datedToday(smallHead());
  {
    await using pacs = await pacsServer(stored.path);
    await store(pacs, first);
    await ended(running, studyOf(first));
  }
  await logged(running, 'source-fault');
  const second = datedToday(scout());
  {
    await using pacs = await pacsServer(stored.path);
    await store(pacs, second);
    await ended(running, studyOf(second));
    await pacs.severalPolls();
  }
  assert.deepEqual([await noticed(running, studyOf(first)), await noticed(running, studyOf(second))], [1, 1]);
});

/** Passes requests on to the PACS, each after something has happened. */
async function proxy(before: (path: string) => Promise<void>): Promise<AsyncDisposable> {
  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    await before(incoming.url ?? '');
    const { method, url, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port: PORTS.pacs, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  };
  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(PORTS.proxy, '127.0.0.1', resolve));
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
