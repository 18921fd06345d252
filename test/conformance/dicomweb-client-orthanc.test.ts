import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { dicomwebArchive } from '../../adapters/dicomweb/archive.ts';
import { readIdentity } from '../../adapters/part10/reader.ts';
import type { ImageArchive } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { SeriesInstanceUid, StudyInstanceUid } from '../../src/uid.ts';
import type { DicomFile } from '../../src/writeback/artifact.ts';
import { MANUFACTURER } from '../../src/writeback/modules.ts';
import { type Orthanc, startOrthanc, withoutOrthanc } from '../support/orthanc.ts';
import { part10File, seriesUid, sopUid, studyUid, text } from '../support/part10.ts';
import { dataPath, withoutTestData } from '../support/test-data.ts';

const never = new AbortController().signal;
let orthanc: Orthanc;
let archive: ImageArchive;

before(async () => {
  if (withoutOrthanc !== false) return;
  orthanc = await startOrthanc({ httpPort: 24201, dicomPort: 24202 });
  archive = dicomwebArchive({ url: `${orthanc.url}/dicom-web`, identify: readIdentity });
});
after(() => orthanc?.stop());

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const bytes of parts) all.push(Buffer.from(bytes));
  return all;
}

function sorted(files: readonly Uint8Array[]): Buffer[] {
  return files.map((bytes) => Buffer.from(bytes)).sort((a, b) => Buffer.compare(a, b));
}

const images: DicomFile[] = [1, 2, 3].map((n) =>
  part10File({
    study: 'orthanc',
    instance: `orthanc/${n}`,
    columns: 64,
    attributes: {
      '00200013': text('IS', n),
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Müller^Jörg' }] },
      '00100021': text('LO', 'HOSPITAL'),
      '0008103E': text('LO', 'Lung'),
      '00400275': { vr: 'SQ', Value: [{ '00401001': text('SH', 'RP-1'), '00080050': text('SH', 'ACC-7') }] },
    },
  }),
);
const own = part10File({
  study: 'orthanc',
  series: 'orthanc/own',
  modality: 'SR',
  attributes: { '00080070': text('LO', MANUFACTURER) },
});

test('WR-WEB-06 Orthanc: stored, found without own results, retrieved byte for byte', {
  skip: withoutOrthanc,
}, async () => {
  const outcome = await archive.store([...images, own], never);
  assert.deepEqual([outcome.stored.length, outcome.failed], [4, []]);
  const found = await archive.findStudy(studyUid('orthanc'), never);
  assert.equal(found?.header.patientName, 'Müller^Jörg');
  assert.equal(found.header.issuerOfPatientId, 'HOSPITAL');
  assert.deepEqual(found.header.requests, [{ accessionNumber: 'ACC-7', requestedProcedureId: 'RP-1' }]);
  assert.deepEqual(
    found.series.map(({ modality, seriesDescription, instances }) => [modality, seriesDescription, instances.length]),
    [['CT', 'Lung', 3]],
  );
  const series = seriesUid('orthanc/series');
  const received = await collect(archive.retrieveSeries(studyUid('orthanc'), series, never));
  assert.deepEqual(sorted(received), sorted(images.map(({ bytes }) => bytes)));
  const report = await archive.retrieveInstance(
    studyUid('orthanc'),
    own.object.seriesInstanceUid,
    own.object.sopInstanceUid,
    never,
  );
  assert.deepEqual(Buffer.from(report!), Buffer.from(own.bytes));
  assert.equal(await archive.retrieveInstance(studyUid('orthanc'), series, sopUid('none'), never), undefined);
  assert.equal(await archive.findStudy(studyUid('absent'), never), undefined);
});

test('WR-WEB-06 Orthanc: what it did not take is told apart from what it took', { skip: withoutOrthanc }, async () => {
  const good = part10File({ study: 'half', columns: 16 });
  const bad = { ...part10File({ study: 'half', instance: 'half/bad' }), bytes: Buffer.from('no DICOM') };
  const outcome = await archive.store([good, bad], never);
  assert.deepEqual(outcome.stored, [good.object.sopInstanceUid]);
  assert.deepEqual(
    outcome.failed.map(({ sopInstanceUid }) => sopInstanceUid),
    [bad.object.sopInstanceUid],
  );
});

const FOLDERS = ['mr-9-syntaxes', 'ct-head-ge-tilt', 'ct-14-syntaxes', 'syntaxes-small'];
for (const folder of FOLDERS) {
  const skip = withoutOrthanc !== false ? withoutOrthanc : withoutTestData;
  test(`WR-WEB-06 Orthanc: every transfer syntax of ${folder} comes as it was stored`, { skip }, async () => {
    const files = readdirSync(dataPath(folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.dcm'))
      .map((name) => readFileSync(join(dataPath(folder), name)));
    // One instance per UID: some folders hold one image in several syntaxes, and the last one stays.
    const sent = new Map<
      string,
      { readonly bytes: Buffer; readonly study: StudyInstanceUid; readonly series: SeriesInstanceUid }
    >();
    for (const bytes of files) {
      const response = await fetch(`${orthanc.url}/instances`, { method: 'POST', body: bytes });
      const identity = readIdentity(bytes);
      if (!response.ok || isSkipped(identity)) continue;
      const { sopInstanceUid, studyInstanceUid: study, seriesInstanceUid: series } = identity;
      sent.set(sopInstanceUid, { bytes, study, series });
    }
    assert.ok(sent.size > 0);
    const received = new Map<string, Buffer>();
    const all = new Map([...sent.values()].map(({ study, series }) => [series, study]));
    for (const [series, study] of all) {
      for (const bytes of await collect(archive.retrieveSeries(study, series, never))) {
        const identity = readIdentity(bytes);
        if (!isSkipped(identity)) received.set(identity.sopInstanceUid, bytes);
      }
    }
    assert.equal(received.size, sent.size);
    for (const [uid, { bytes }] of sent) assert.ok(received.get(uid)?.equals(bytes), `${uid} differs`);
  });
}
