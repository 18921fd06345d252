/**
 * The whole of Wetread between systems that are not ours: Orthanc as the PACS, Medplum as the health record; what comes
 * out is judged by dicom3tools, dcmtk, highdicom and HAPI. Takes a minute or two: it reads a real chest CT where there
 * is one, and waits for retries.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Bundle, DiagnosticReport, Observation, Patient, Provenance } from 'fhir/r4.js';
import { ThreadedFrameDecoder } from '../../adapters/codecs/frame-decoder.ts';
import { readDataSet, readIdentity, readInstance } from '../../adapters/part10/reader.ts';
import type { Report, Summary } from '../../contracts/generated/types.ts';
import { validateSummary } from '../../contracts/generated/validators.js';
import { isFinal } from '../../src/arrival/lifecycle.ts';
import { type DicomDataSet, itemsOf, stringOf } from '../../src/dicom-json.ts';
import type { DocumentName, StudyRecord } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import {
  dcentvfy,
  dciodvfy,
  dsrdump,
  ENTITY_NOISE,
  ONE_SIDED,
  type ReadOutputs,
  readWithHighdicom,
  withoutHighdicom,
  withoutTool,
} from '../support/dicom-tools.ts';
import { type FhirServer, startFhirServer } from '../support/fhir-server.ts';
import { type FhirValidator, fhirValidator, isKnownMessage } from '../support/fhir-validator.ts';
import { heldIn, loadInto, type Orthanc, startOrthanc, storedIn, withoutOrthanc } from '../support/orthanc.ts';
import { smallChest, TemporaryFolder } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';
import { dataPath, testData } from '../support/test-data.ts';

const foundValidator = await fhirValidator();
const withoutValidator = typeof foundValidator === 'string' ? foundValidator : false;
if (withoutValidator !== false) process.stderr.write(`\n*** ${withoutValidator}: its tests are skipped ***\n`);
const validator = foundValidator as FhirValidator;

const PORTS = { http: 24800, dicom: 24801, proxy: 24802, fhir: 24803 };
const PATIENTS = 'urn:oid:2.999.7';
const ORTHANC = { httpPort: PORTS.http, dicomPort: PORTS.dicom };

/** A chest as scanners make it where the test data is there, a synthetic one elsewhere. */
function chest(): readonly Uint8Array[] {
  if (testData === undefined) return smallChest();
  const folder = dataPath('ct-chest-nlst', 'ct');
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name)));
}

function studyOf(files: readonly Uint8Array[]): StudyInstanceUid {
  const identity = readIdentity(files[0]!);
  assert.ok(!isSkipped(identity));
  return identity.studyInstanceUid;
}

/** The patient of the images as a health record would have it. */
function patientOf(files: readonly Uint8Array[], changes: Partial<Patient> = {}): Patient {
  const instance = readInstance(files[0]!);
  assert.ok(!isSkipped(instance));
  const { patientId, patientBirthDate } = instance.study;
  assert.ok(patientId);
  const birthDate = patientBirthDate?.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');
  return {
    resourceType: 'Patient',
    identifier: [{ system: PATIENTS, value: patientId }],
    ...(birthDate === undefined || birthDate === '' ? {} : { birthDate }),
    ...changes,
  };
}

/** Changes that Orthanc has recorded of a kind: what it thinks is new. */
async function changes(orthanc: Orthanc, type: string): Promise<number> {
  const answer = (await (await fetch(`${orthanc.url}/changes?limit=100000`)).json()) as {
    Changes: { ChangeType: string }[];
  };
  return answer.Changes.filter((change) => change.ChangeType === type).length;
}

function configOf(archiveUrl: string, fhirUrl: string): object {
  return {
    archive: { kind: 'dicomweb', url: `${archiveUrl}/dicom-web` },
    healthRecord: {
      kind: 'fhir',
      url: fhirUrl,
      patientIdentifierSystem: PATIENTS,
      issuers: { 'WETREAD-PHANTOM': PATIENTS },
    },
  };
}

/** Waits until the study is in a final state, whichever. */
async function ended(running: RunningWetread, study: StudyInstanceUid): Promise<StudyRecord> {
  await running.wetread.whenFinal();
  const record = await running.wetread.ports.ledger.get(study);
  assert.ok(record !== undefined && isFinal(record.state));
  return record;
}

/** Filed without a fault on the way. */
async function filedAtOnce(running: RunningWetread, study: StudyInstanceUid): Promise<StudyRecord> {
  const record = await ended(running, study);
  const steps = (await running.wetread.ports.ledger.history(study)).filter(({ reason }) => reason !== undefined);
  assert.deepEqual([record.state, record.attempts], ['filed', 1], JSON.stringify(steps));
  return record;
}

async function documentOf(running: RunningWetread, study: StudyInstanceUid, name: DocumentName): Promise<Buffer> {
  const bytes = await running.wetread.ports.ledger.document(study, name);
  assert.ok(bytes, name);
  return Buffer.from(bytes);
}

/** What of Wetread the record holds. */
async function filedIn(record: FhirServer): Promise<readonly string[]> {
  const types = ['DiagnosticReport', 'Observation', 'Provenance', 'Device', 'ImagingStudy'] as const;
  const found = await Promise.all(types.map((type) => record.all(type)));
  return found.flat().map(({ resourceType }) => resourceType);
}

describe('a study in Orthanc, a patient in a FHIR server', { skip: withoutOrthanc }, () => {
  const files = withoutOrthanc === false ? chest() : [];
  let orthanc: Orthanc;
  let record: FhirServer;
  let running: RunningWetread;
  let study: StudyInstanceUid;
  let patient: Patient & { id: string };

  before(async () => {
    orthanc = await startOrthanc(ORTHANC);
    await loadInto(orthanc, files);
    record = await startFhirServer(PORTS.fhir);
    patient = await record.create(patientOf(files));
    running = await runWetread(configOf(orthanc.url, record.url));
    study = studyOf(files);
    await running.wetread.noticeStudy(study);
    await filedAtOnce(running, study);
  });
  after(async () => {
    await running?.[Symbol.asyncDispose]();
    await record?.[Symbol.asyncDispose]();
    await orthanc?.stop();
  });

  test('WR-CON-02 SR and SEG are stored in Orthanc, found by QIDO-RS and retrieved byte for byte', async () => {
    for (const [modality, name] of [
      ['SR', 'sr.dcm'],
      ['SEG', 'seg.dcm'],
    ] as const) {
      const found = await heldIn(orthanc, study, `Modality=${modality}`);
      assert.equal(found.length, 1, modality);
      assert.ok((await storedIn(orthanc, found[0]!)).equals(await documentOf(running, study, name)), modality);
    }
    assert.equal((await heldIn(orthanc, study)).length, files.length + 2);
  });

  test('WR-CON-03 the record holds a preliminary report of that patient, and no patient of ours', async () => {
    const reports = await record.all<DiagnosticReport>('DiagnosticReport');
    assert.equal(reports.length, 1);
    assert.equal(reports[0]?.status, 'preliminary');
    assert.equal(reports[0]?.subject?.reference, `Patient/${patient.id}`);
    assert.equal((await record.all('Patient')).length, 1);
    const report = JSON.parse((await documentOf(running, study, 'report.json')).toString()) as Report;
    const observations = await record.all<Observation>('Observation');
    const values = observations.flatMap((o) => (o.valueQuantity?.value === undefined ? [] : [o.valueQuantity.value]));
    const measured = report.readings[0].findings.flatMap((f) => f.measurements.map((m) => m.value));
    assert.deepEqual(values.map((v) => v.toFixed(3)).sort(), measured.map((v) => v!.toFixed(3)).sort());
  });

  test('WR-CON-04 a second notice reads the images again, not our results, and writes nothing new', async () => {
    const before = {
      sr: await documentOf(running, study, 'sr.dcm'),
      seg: await documentOf(running, study, 'seg.dcm'),
      instances: await changes(orthanc, 'NewInstance'),
      report: (await record.all<DiagnosticReport>('DiagnosticReport'))[0]?.meta?.versionId,
      provenance: (await record.all<Provenance>('Provenance')).length,
    };
    await running.wetread.noticeStudy(study);
    const again = await filedAtOnce(running, study);
    assert.deepEqual(again.notRead, [], 'our own series are no series of the study');
    assert.ok((await documentOf(running, study, 'sr.dcm')).equals(before.sr));
    assert.ok((await documentOf(running, study, 'seg.dcm')).equals(before.seg));
    assert.equal((await heldIn(orthanc, study)).length, files.length + 2);
    assert.equal((await record.all<DiagnosticReport>('DiagnosticReport'))[0]?.meta?.versionId, before.report);
    assert.equal((await record.all('Provenance')).length, before.provenance);
  });

  describe('its results before readers that are not ours', () => {
    const folder = new TemporaryFolder();
    const path = (name: string): string => join(folder.path, name);
    let report: Report;
    before(async () => {
      report = JSON.parse((await documentOf(running, study, 'report.json')).toString()) as Report;
      for (const [modality, name] of [
        ['SR', 'sr.dcm'],
        ['SEG', 'seg.dcm'],
      ] as const) {
        const [found] = await heldIn(orthanc, study, `Modality=${modality}`);
        folder.write({ [name]: await storedIn(orthanc, found!) });
      }
    });
    after(() => folder[Symbol.asyncDispose]());

    test('WR-CON-05 dciodvfy finds no error', { skip: withoutTool('dciodvfy') }, () => {
      for (const [name, iod] of [
        ['sr.dcm', 'Comprehensive3DSR'],
        ['seg.dcm', 'Segmentation'],
      ] as const) {
        const verdict = dciodvfy(path(name));
        assert.equal(verdict.iod, iod);
        assert.deepEqual(verdict.errors, [], name);
      }
    });

    test('WR-CON-05 dcentvfy finds images and results to be of one patient, study and frame of reference', {
      skip: withoutTool('dcentvfy'),
    }, () => {
      // Every file is compared with every other, so a part of the images stands for all.
      const images = files.filter((_, i) => i % Math.ceil(files.length / 12) === 0);
      const names = images.map((bytes, i) => {
        folder.write({ [`image-${i}.dcm`]: bytes });
        return path(`image-${i}.dcm`);
      });
      const complaints = dcentvfy([...names, path('sr.dcm'), path('seg.dcm')]);
      const ours = complaints.filter((line) => /sr\.dcm|seg\.dcm/.test(line));
      assert.deepEqual(
        ours.filter((line) => !ENTITY_NOISE.test(line) && !ONE_SIDED.test(line)),
        [],
      );
    });

    test('WR-CON-05 dcmtk reads the whole tree', { skip: withoutTool('dsrdump') }, () => {
      const { tree, complaints } = dsrdump(path('sr.dcm'));
      assert.deepEqual(complaints, []);
      for (const { key } of report.readings[0].findings) assert.ok(tree.includes(`"${key}"`), key);
    });

    test('WR-CON-06 highdicom finds the lungs where the images show them, and the values of the report', {
      skip: withoutHighdicom(),
    }, async () => {
      const images = await imagesOf(files);
      const sopInstanceUids = images.map(({ sopInstanceUid }) => sopInstanceUid);
      const read = readWithHighdicom({
        seg: path('seg.dcm'),
        sr: path('sr.dcm'),
        masks: path('masks'),
        sopInstanceUids,
      });
      const masks = readFileSync(path('masks'));
      for (const [index, key] of ['lung-right', 'lung-left'].entries()) {
        const measured = measure(images, masks, index);
        const value = valuesOf(report, key);
        assert.ok(Math.abs(measured.milliliters / value['volume']! - 1) < 1e-3, `${key}: ${measured.milliliters} ml`);
        assert.ok(Math.abs(measured.mean - value['mean-density']!) < 0.5, `${key}: ${measured.mean} HU`);
        assert.equal(Math.sign(measured.x - measured.bodyX), key === 'lung-right' ? -1 : 1, `${key} lies on its side`);
      }
      assertMeasurements(read, report);
    });

    test('WR-CON-07 HAPI finds the transaction and what the record made of it valid', {
      skip: withoutValidator,
    }, async () => {
      const bundle = JSON.parse((await documentOf(running, study, 'bundle.json')).toString()) as Bundle;
      const [filed] = await record.all<DiagnosticReport>('DiagnosticReport');
      const [provenance] = await record.all<Provenance>('Provenance');
      const messages = await validator.validate({ bundle, filed: filed!, provenance: provenance! });
      const against = messages.filter((m) => ['ERROR', 'FATAL', 'WARNING'].includes(m.severity) && !isKnownMessage(m));
      assert.deepEqual(against, []);
    });
  });

  test('WR-CON-08 a report that a human has signed is left alone', async () => {
    const [filed] = await record.all<DiagnosticReport>('DiagnosticReport');
    const signed: DiagnosticReport = { ...filed!, status: 'final', resultsInterpreter: [{ display: 'Dr Example' }] };
    await record.update(signed);
    const [before] = await record.all<DiagnosticReport>('DiagnosticReport');
    await running.wetread.noticeStudy(study);
    const { state, reason } = await ended(running, study);
    assert.deepEqual([state, reason?.code], ['held', 'human-edited']);
    assert.deepEqual(await record.all<DiagnosticReport>('DiagnosticReport'), [before]);
    assert.equal((await heldIn(orthanc, study)).length, files.length + 2);
  });
});

describe('a study whose patient the record does not know at first', { skip: withoutOrthanc }, () => {
  test('WR-CON-09 held while nobody matches, and nothing of ours leaves; filed when the patient is there', async () => {
    await using orthanc = await startOrthanc(ORTHANC);
    await using record = await startFhirServer(PORTS.fhir);
    await using running = await runWetread(configOf(orthanc.url, record.url));
    const files = smallChest();
    const study = studyOf(files);
    await loadInto(orthanc, files);
    await running.wetread.noticeStudy(study);
    const unmatched = await ended(running, study);
    assert.deepEqual([unmatched.state, unmatched.reason?.code], ['held', 'patient-unmatched']);

    const stranger = await record.create(patientOf(files, { birthDate: '1931-07-09' }));
    const replayed = async (): Promise<StudyRecord> => {
      await running.wetread.ports.ledger.move(study, 'replay');
      return ended(running, study);
    };
    const mismatch = await replayed();
    assert.deepEqual([mismatch.state, mismatch.reason?.code], ['held', 'patient-mismatch']);
    assert.doesNotMatch(JSON.stringify(mismatch.reason), /1931|\d{8}/, 'which differs, not what');
    assert.equal((await heldIn(orthanc, study)).length, files.length, 'nothing of ours in the PACS');
    assert.deepEqual(await filedIn(record), [], 'nothing of ours in the record');

    await record.update({ ...stranger, ...patientOf(files) });
    const filed = await replayed();
    assert.equal(filed.state, 'filed', JSON.stringify(filed.reason));
    assert.equal((await heldIn(orthanc, study)).length, files.length + 2);
  });
});

describe('a study that goes on growing', { skip: withoutOrthanc }, () => {
  test('WR-CON-10 late images give a new draft that names the one it replaces; the record keeps one report', async () => {
    await using orthanc = await startOrthanc(ORTHANC);
    await using record = await startFhirServer(PORTS.fhir);
    await using running = await runWetread(configOf(orthanc.url, record.url));
    const files = smallChest();
    const study = studyOf(files);
    await record.create(patientOf(files));
    await loadInto(orthanc, files.slice(0, -1));
    await running.wetread.noticeStudy(study);
    await filedAtOnce(running, study);
    const first = await documentOf(running, study, 'sr.dcm');

    await loadInto(orthanc, files.slice(-1));
    await running.wetread.noticeStudy(study);
    await filedAtOnce(running, study);
    const second = await documentOf(running, study, 'sr.dcm');
    const [old, replacing] = [first, second].map((bytes) => {
      const read = readDataSet(bytes);
      assert.ok(!isSkipped(read));
      return read.dataSet;
    }) as [DicomDataSet, DicomDataSet];
    const predecessor = itemsOf(itemsOf(itemsOf(replacing, '0040A360')[0]!, '00081115')[0]!, '00081199')[0]!;
    assert.equal(stringOf(predecessor, '00081155'), stringOf(old, '00080018'));
    assert.equal(stringOf(replacing, '0020000E'), stringOf(old, '0020000E'), 'both in one series');
    const reports = await heldIn(orthanc, study, 'Modality=SR');
    assert.equal(reports.length, 2);
    const [report, ...others] = await record.all<DiagnosticReport>('DiagnosticReport');
    assert.equal(others.length, 0);
    assert.ok(report?.identifier?.some(({ value }) => value === `urn:oid:${stringOf(replacing, '00080018')}`));
    if (withoutTool('dciodvfy') !== false) return;
    await using folder = new TemporaryFolder();
    folder.write({ 'sr.dcm': second });
    assert.deepEqual(dciodvfy(join(folder.path, 'sr.dcm')).errors, []);
  });
});

describe('a PACS that dies', { skip: withoutOrthanc }, () => {
  test('WR-CON-11 Orthanc is killed in the middle of a retrieve and comes back: filed in the end', async () => {
    await using orthanc = await startOrthanc(ORTHANC);
    await using record = await startFhirServer(PORTS.fhir);
    await using between = await cutAfter(PORTS.http, PORTS.proxy, 1 << 20, () => orthanc.kill());
    await using running = await runWetread(configOf(`http://127.0.0.1:${PORTS.proxy}`, record.url));
    const files = smallChest();
    const study = studyOf(files);
    await record.create(patientOf(files));
    await loadInto(orthanc, files);
    await running.wetread.noticeStudy(study);
    const failed = await running.reached('failed');
    assert.match(failed.reason?.code ?? '', /^archive-(truncated|unreachable)$/);
    assert.equal(between.cuts, 1, 'killed while images came');
    await orthanc.restart();
    const filed = await ended(running, study);
    assert.equal(filed.state, 'filed', JSON.stringify(filed.reason));
    assert.ok(filed.attempts > 1);
    assert.equal((await heldIn(orthanc, study)).length, files.length + 2);
  });
});

describe('Orthanc as a sender', { skip: withoutOrthanc }, () => {
  test('WR-CON-12 a study that Orthanc pushes by STOW-RS ends in a filed draft', async () => {
    await using running = await runWetread();
    await using orthanc = await startOrthanc({ ...ORTHANC, servers: { wetread: `${running.wetread.url}/dicom-web/` } });
    const files = smallChest();
    const resource = await loadInto(orthanc, files);
    const pushed = await fetch(`${orthanc.url}/dicom-web/servers/wetread/stow`, {
      method: 'POST',
      body: JSON.stringify({ Resources: [resource], Synchronous: true }),
    });
    assert.ok(pushed.ok, `${pushed.status} ${await pushed.text()}`);
    const filed = await running.reached('filed');
    assert.equal(filed.studyInstanceUid, studyOf(files));
    assert.equal(filed.source, 'stow');
    assert.deepEqual(filed.notRead, []);
  });
});

describe('the command line against a PACS', { skip: withoutOrthanc }, () => {
  test('WR-CON-13 wetread read --study UID --config FILE --out DIR', async () => {
    await using orthanc = await startOrthanc(ORTHANC);
    await using record = await startFhirServer(PORTS.fhir);
    await using folder = new TemporaryFolder();
    const files = smallChest();
    const study = studyOf(files);
    await record.create(patientOf(files));
    await loadInto(orthanc, files);
    const [config, out] = [join(folder.path, 'site.json'), join(folder.path, 'out')];
    writeFileSync(config, JSON.stringify({ version: 1, ...configOf(orthanc.url, record.url) }));
    const unknown = '2.25.329800735698586629295641978511506172918';
    const command = ['read', '--study', study, '--study', unknown, '--config', config, '--out', out];
    const main = join(import.meta.dirname, '..', '..', 'services', 'wetread', 'main.ts');
    const run = (): Promise<unknown> => promisify(execFile)(process.execPath, [main, ...command], { timeout: 120_000 });
    await run();
    const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Summary;
    assert.ok(validateSummary(structuredClone(summary)), JSON.stringify(validateSummary.errors));
    assert.deepEqual(
      Object.fromEntries(summary.studies.map((row) => [row.studyInstanceUid, [row.state, row.reason?.code]])),
      { [study]: ['filed', undefined], [unknown]: ['not-selected', 'study-not-found'] },
    );
    assert.deepEqual(readdirSync(join(out, study)).sort(), [
      'bundle.json',
      'report.json',
      'seg.dcm',
      'sr.dcm',
      'trace.json',
    ]);
    const [sr] = await heldIn(orthanc, study, 'Modality=SR');
    const first = await storedIn(orthanc, sr!);
    assert.ok(first.equals(readFileSync(join(out, study, 'sr.dcm'))));
    const [filed] = await record.all<DiagnosticReport>('DiagnosticReport');

    // The ledger of a command is gone when it ends; what it did is known from the archive.
    await run();
    assert.ok(readFileSync(join(out, study, 'sr.dcm')).equals(first), 'the same bytes under the same UID');
    assert.equal((await heldIn(orthanc, study)).length, files.length + 2);
    assert.ok((await storedIn(orthanc, sr!)).equals(first));
    assert.deepEqual(await record.all<DiagnosticReport>('DiagnosticReport'), [filed]);
  });
});

interface Image {
  readonly sopInstanceUid: string;
  readonly position: readonly number[];
  readonly spacing: readonly [number, number];
  readonly rows: number;
  readonly columns: number;
  /** HU. */
  readonly values: Float64Array;
}

/** The images in order of their numbers, decoded, as HU. */
async function imagesOf(files: readonly Uint8Array[]): Promise<readonly Image[]> {
  await using decoder = new ThreadedFrameDecoder();
  const signal = new AbortController().signal;
  const images: Image[] = [];
  for (const bytes of files) {
    const instance = readInstance(bytes);
    assert.ok(!isSkipped(instance));
    const frame = await decoder.decode(instance, 0, signal);
    assert.ok(!isSkipped(frame));
    const { rescaleSlope, rescaleIntercept, imagePositionPatient, pixelSpacing } = instance.header.frames[0]!;
    images.push({
      sopInstanceUid: instance.header.sopInstanceUid,
      position: imagePositionPatient!,
      spacing: pixelSpacing!,
      rows: frame.rows,
      columns: frame.columns,
      values: Float64Array.from(frame.pixels, (value) => value * rescaleSlope + rescaleIntercept),
    });
  }
  return images.sort((a, b) => a.position[2]! - b.position[2]!);
}

/** Volume, mean and place of a segment, from the masks of highdicom and the images, axial as they are. */
function measure(
  images: readonly Image[],
  masks: Uint8Array,
  segment: number,
): { readonly milliliters: number; readonly mean: number; readonly x: number; readonly bodyX: number } {
  const { rows, columns, spacing, position } = images[0]!;
  const size = rows * columns;
  const thickness = Math.abs(images[1]!.position[2]! - position[2]!);
  let [count, sum, across, body, bodyAcross] = [0, 0, 0, 0, 0];
  for (const [k, { values }] of images.entries()) {
    const offset = (segment * images.length + k) * size;
    for (let i = 0; i < size; i++) {
      const x = position[0]! + (i % columns) * spacing[1];
      if (values[i]! > -200) {
        body += 1;
        bodyAcross += x;
      }
      if (masks[offset + i] !== 1) continue;
      count += 1;
      sum += values[i]!;
      across += x;
    }
  }
  const milliliters = (count * spacing[0] * spacing[1] * thickness) / 1000;
  return { milliliters, mean: sum / count, x: across / count, bodyX: bodyAcross / body };
}

function valuesOf(report: Report, finding: string): Readonly<Record<string, number | undefined>> {
  const found = report.readings[0].findings.find(({ key }) => key === finding);
  return Object.fromEntries((found?.measurements ?? []).map(({ key, value }) => [key, value]));
}

/** Every number of the report is in the SR, as highdicom reads it. */
function assertMeasurements({ sr }: ReadOutputs, report: Report): void {
  assert.equal(sr.verification, 'UNVERIFIED');
  for (const finding of report.readings[0].findings) {
    const group = [...sr.volumetric, ...sr.image].find(({ trackingId }) => trackingId === finding.key);
    assert.deepEqual(
      group?.measurements.map(({ value, unit }) => [value, unit[0]]),
      finding.measurements.map(({ value, unit }) => [value, unit.value]),
      finding.key,
    );
  }
}

interface Cut extends AsyncDisposable {
  readonly cuts: number;
}

/** A TCP relay that calls `then` once, when a server's answer has grown beyond so many bytes. */
async function cutAfter(to: number, port: number, bytes: number, then: () => void): Promise<Cut> {
  const state = { cuts: 0 };
  const sockets = new Set<Socket>();
  const relay = createServer((client) => {
    const server = connect(to, '127.0.0.1');
    let seen = 0;
    server.on('data', (chunk: Buffer) => {
      seen += chunk.length;
      if (seen < bytes || state.cuts > 0) return;
      state.cuts += 1;
      then();
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => relay.listen(port, '127.0.0.1', resolve));
  return Object.assign(state, {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => relay.close(resolve));
    },
  });
}
