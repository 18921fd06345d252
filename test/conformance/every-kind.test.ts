/**
 * What models of every kind say of a study, between systems that are not ours and before readers that are not ours. A chest
 * CT is read by outlines with and without parts, spheres and a language model, with one model that gives no result; two
 * radiographs by boxes, points, classes, a regression and likenesses. Takes a minute or two.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Bundle, FhirResource, Patient } from 'fhir/r4.js';
import { readDataSet, readInstance } from '../../adapters/part10/reader.ts';
import { dxFiles } from '../../adapters/phantom/dx-files.ts';
import { phantomStudy } from '../../adapters/phantom/phantom-study.ts';
import type { Report } from '../../contracts/generated/types.ts';
import { applyAffine } from '../../src/assembly/geometry.ts';
import type { Affine } from '../../src/assembly/volume.ts';
import { type DicomDataSet, itemsOf, numberOf, numbersOf, stringOf } from '../../src/dicom-json.ts';
import type { Finding } from '../../src/inference/findings.ts';
import type { DocumentName, StudyRecord } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { tagOf } from '../../src/writeback/data-set.ts';
import { trackingUid } from '../../src/writeback/identity.ts';
import { CHAT_TOKEN, type ChatServer, startChatServer } from '../support/chat-server.ts';
import {
  type CodeTriple,
  dcentvfy,
  dciodvfy,
  dsrdump,
  ENTITY_NOISE,
  highdicomPython,
  ONE_SIDED,
  runDcmqi,
  withoutDcmqi,
  withoutHighdicom,
  withoutTool,
} from '../support/dicom-tools.ts';
import { type FhirServer, startFhirServer } from '../support/fhir-server.ts';
import { fhirValidator, isKnownMessage } from '../support/fhir-validator.ts';
import { markedRadiograph, SIZE, writeMarkPackages } from '../support/marked-radiograph.ts';
import { copyPackage, editCard, seal } from '../support/model-package.ts';
import { heldIn, loadInto, type Orthanc, startOrthanc, storedIn, withoutOrthanc } from '../support/orthanc.ts';
import { TemporaryFolder } from '../support/phantom-studies.ts';
import { type RunningWetread, runWetread } from '../support/running-wetread.ts';
import { TEXT_MODEL, writeTextPackage } from '../support/text-package.ts';

const PORTS = { httpPort: 26300, dicomPort: 26301, fhir: 26302 };
const PATIENTS = 'urn:oid:2.999.7';
const EXAMPLES = join(import.meta.dirname, '..', '..', 'models', 'examples');
const OUTLINES = ['ct-lung-density', 'ct-body-composition'] as const;
const SPHERES = 'ct-nodule-candidates';
/** Reads no study of fewer slices than any has. */
const STRICT = 'ct-lung-strict';
const MARKS = ['dx-mark-fit', 'dx-mark-stretch', 'dx-point-fit'] as const;

const folder = new TemporaryFolder();
const validator = await fhirValidator();

/** A study, and what became of it. */
interface Case {
  readonly files: readonly Uint8Array[];
  readonly study: StudyInstanceUid;
  record: StudyRecord;
  report: Report;
  bundle: Bundle<FhirResource>;
  /** Names of the result files in the ledger and in {@link folder}, the SR first. */
  results: readonly DocumentName[];
}

let orthanc: Orthanc;
let record: FhirServer;
let running: RunningWetread;
let chat: ChatServer;
const cases = new Map<'chest' | 'radiographs', Case>();

const fileOf = (name: string, document: string): string => join(folder.path, `${name}-${document}`);

async function strictPackage(home: string): Promise<string> {
  copyPackage(home);
  editCard(home, (card) => {
    Object.assign(card, { name: STRICT });
    Object.assign(card.input.gate, { minimumSlices: 5000 });
  });
  rmSync(join(home, 'golden'), { recursive: true, force: true });
  await seal(home);
  return home;
}

async function site(): Promise<object> {
  const { path } = folder;
  const tokenFile = join(path, 'token');
  folder.write({ token: CHAT_TOKEN });
  return {
    archive: { kind: 'dicomweb', url: `${orthanc.url}/dicom-web` },
    healthRecord: {
      kind: 'fhir',
      url: record.url,
      patientIdentifierSystem: PATIENTS,
      issuers: { 'WETREAD-PHANTOM': PATIENTS },
    },
    models: [
      join(EXAMPLES, OUTLINES[1]),
      join(EXAMPLES, SPHERES),
      await strictPackage(join(path, STRICT)),
      await writeTextPackage(path),
      ...(await writeMarkPackages(path)),
    ],
    inference: {
      servers: {
        pictures: { kind: 'openai', url: chat.url, remote: false, credentials: { kind: 'bearer', tokenFile } },
      },
    },
    rules: [
      {
        name: 'chests',
        when: { attribute: 'Modality', equals: 'CT' },
        readings: [...OUTLINES, SPHERES, STRICT, TEXT_MODEL].map((model) => ({ model })),
      },
      {
        name: 'radiographs',
        when: { attribute: 'Modality', equals: 'DX' },
        readings: MARKS.map((model) => ({ model })),
      },
    ],
  };
}

/** Loads a study, registers its patient, and waits for what becomes of it. */
async function readInto(name: 'chest' | 'radiographs', files: readonly Uint8Array[]): Promise<void> {
  const instance = readInstance(files[0]!);
  assert.ok(!isSkipped(instance));
  const { patientId, studyInstanceUid } = instance.study;
  const patient: Patient = { resourceType: 'Patient', identifier: [{ system: PATIENTS, value: patientId! }] };
  await record.create(patient);
  await loadInto(orthanc, files);
  await running.wetread.noticeStudy(studyInstanceUid);
  await running.wetread.whenFinal();
  const { ledger } = running.wetread.ports;
  const filed = await ledger.get(studyInstanceUid);
  assert.equal(filed?.state, 'filed', JSON.stringify(filed?.reason));
  const bytesOf = async (document: DocumentName): Promise<Uint8Array> =>
    (await ledger.document(studyInstanceUid, document)) ?? assert.fail(document);
  const json = async (document: DocumentName): Promise<unknown> =>
    JSON.parse(new TextDecoder().decode(await bytesOf(document)));
  const segs = name === 'chest' ? (['seg.dcm', `seg-${OUTLINES[1]}.dcm`] as const) : [];
  const results: readonly DocumentName[] = ['sr.dcm', ...segs];
  for (const document of results) folder.write({ [`${name}-${document}`]: await bytesOf(document) });
  cases.set(name, {
    files,
    study: studyInstanceUid,
    record: filed!,
    report: (await json('report.json')) as Report,
    bundle: (await json('bundle.json')) as Bundle<FhirResource>,
    results,
  });
}

const caseOf = (name: 'chest' | 'radiographs'): Case => cases.get(name) ?? assert.fail(name);

function dataSetOf(bytes: Uint8Array): DicomDataSet {
  const read = readDataSet(bytes);
  assert.ok(!isSkipped(read));
  return read.dataSet;
}

/** Every item below a data set, itself first. */
function* itemsBelow(dataSet: DicomDataSet): Generator<DicomDataSet> {
  yield dataSet;
  for (const tag of Object.keys(dataSet)) for (const item of itemsOf(dataSet, tag)) yield* itemsBelow(item);
}

const referencedBy = (dataSet: DicomDataSet): Set<string> =>
  new Set([...itemsBelow(dataSet)].flatMap((item) => stringOf(item, tagOf('referencedSopInstanceUid')) ?? []));

describe('models of every kind', { skip: withoutOrthanc }, () => {
  before(async () => {
    orthanc = await startOrthanc(PORTS);
    record = await startFhirServer(PORTS.fhir);
    chat = await startChatServer();
    running = await runWetread(await site());
    const nodules = { count: 3, smallestRadius: 4, largestRadius: 7 };
    await readInto('chest', [...phantomStudy({ seed: 11, matrix: 256, slices: 120, nodules })]);
    const mark = { minimum: [61, 143], maximum: [120, 301] } as const;
    await readInto('radiographs', [
      ...dxFiles([markedRadiograph(mark), markedRadiograph(undefined, 2)], { study: 'marks' }),
    ]);
  });
  after(async () => {
    await running?.[Symbol.asyncDispose]();
    chat?.close();
    await record?.[Symbol.asyncDispose]();
    await orthanc?.stop();
    await folder[Symbol.asyncDispose]();
  });

  test('WR-CNF-06 the drafts hold every kind of finding, and the model that gave none', () => {
    const { report } = caseOf('chest');
    const all = [...report.readings, ...caseOf('radiographs').report.readings].flatMap(({ findings }) => findings);
    const kinds = new Set(all.map(({ region }) => region?.kind));
    for (const kind of ['patient-sphere', 'patient-box', 'image-box', 'image-point', undefined] as const)
      assert.ok(kinds.has(kind), kind);
    for (const presence of ['present', 'absent', 'undetermined'] as const)
      assert.ok(
        all.some((finding) => finding.presence === presence),
        presence,
      );
    assert.ok(
      all.some(({ component }) => component !== undefined),
      'parts',
    );
    assert.ok(
      all.some(({ measurements }) => measurements.some(({ value }) => value === undefined)),
      'no value',
    );
    assert.deepEqual(
      report.unavailable.map(({ algorithm, reason }) => [algorithm.name, reason.code]),
      [[STRICT, 'too-few-slices']],
    );
    assert.ok(report.sections.some(({ sentences }) => sentences.some(({ generatedBy }) => generatedBy !== undefined)));
  });

  for (const name of ['chest', 'radiographs'] as const) {
    test(`WR-CNF-07 dciodvfy finds no error in SR and SEG (${name})`, { skip: withoutTool('dciodvfy') }, () => {
      const harmless = /<99WETREAD>|CodingSchemeUID|to build DICOMDIR/;
      for (const document of caseOf(name).results) {
        const { iod, errors, warnings } = dciodvfy(fileOf(name, document));
        assert.equal(iod, document === 'sr.dcm' ? 'Comprehensive3DSR' : 'Segmentation');
        assert.deepEqual(errors, [], document);
        assert.deepEqual(
          warnings.filter((warning) => !harmless.test(warning)),
          [],
          document,
        );
      }
    });

    test(`WR-CNF-07 dcentvfy finds images and results to agree on every entity (${name})`, {
      skip: withoutTool('dcentvfy'),
    }, () => {
      const { files, results } = caseOf(name);
      // Every file is compared with every other, so a part of the images stands for all.
      const images = files.filter((_, at) => at % Math.ceil(files.length / 8) === 0);
      for (const [at, bytes] of images.entries()) folder.write({ [`${name}-image-${at}.dcm`]: bytes });
      const paths = [...images.keys()].map((at) => fileOf(name, `image-${at}.dcm`));
      const complaints = dcentvfy([...paths, ...results.map((document) => fileOf(name, document))]);
      const ours = complaints.filter((line) => results.some((document) => line.includes(document)));
      assert.deepEqual(
        ours.filter((line) => !ENTITY_NOISE.test(line) && !ONE_SIDED.test(line)),
        [],
      );
    });

    test(`WR-CNF-07 dcmtk reads the whole tree (${name})`, { skip: withoutTool('dsrdump') }, () => {
      const { report } = caseOf(name);
      const { tree, complaints } = dsrdump(fileOf(name, 'sr.dcm'));
      assert.deepEqual(complaints, []);
      for (const { key } of report.readings.flatMap(({ findings }) => findings))
        assert.ok(tree.includes(`"${key}"`), key);
    });

    test(`WR-CNF-08 Orthanc holds one SR and a SEG for each model that outlines, and gives the same bytes back (${name})`, async () => {
      const { study, results, files } = caseOf(name);
      const held = await heldIn(orthanc, study);
      assert.equal(held.length, files.length + results.length);
      const ofModality = (modality: string): readonly DicomDataSet[] =>
        held.filter((one) => stringOf(one, '00080060') === modality);
      const seriesOf = (modality: string): Set<string | undefined> =>
        new Set(ofModality(modality).map((one) => stringOf(one, '0020000E')));
      assert.deepEqual([seriesOf('SR').size, ofModality('SR').length], [1, 1]);
      assert.equal(seriesOf('SEG').size, results.length - 1, 'each a series of its own');
      const { ledger } = running.wetread.ports;
      for (const document of results) {
        const ours = (await ledger.document(study, document))!;
        const uid = stringOf(dataSetOf(ours), '00080018');
        const found = held.find((one) => stringOf(one, '00080018') === uid);
        assert.ok(found, document);
        assert.ok((await storedIn(orthanc, found)).equals(ours), document);
      }
    });

    test(`WR-CNF-09 whatever a result refers to is in the archive, and in its evidence (${name})`, async () => {
      const { study, results } = caseOf(name);
      const held = new Set((await heldIn(orthanc, study)).map((one) => stringOf(one, '00080018')));
      for (const document of results) {
        const dataSet = dataSetOf((await running.wetread.ports.ledger.document(study, document))!);
        const referenced = referencedBy(dataSet);
        assert.ok(referenced.size > 0);
        for (const uid of referenced) assert.ok(held.has(uid), `${document} refers to ${uid}`);
        if (document !== 'sr.dcm') continue;
        const { '0040A730': tree, '0040A375': evidence } = dataSet;
        const [inTree, inEvidence] = [tree, evidence].map((element) => referencedBy({ '0040A730': element! }));
        for (const uid of inTree!) assert.ok(inEvidence!.has(uid), `${uid} is evidence`);
        assert.equal(inEvidence!.size, held.size - 1, 'every image that was read, and the SEGs');
      }
    });

    test(`WR-CNF-10 highdicom reads every group as the report has it (${name})`, { skip: withoutHighdicom() }, () => {
      const { report } = caseOf(name);
      const read = readFindings(name, caseOf(name));
      const stated = report.readings.flatMap(({ algorithm, findings }) =>
        findings.map((finding) => ({ algorithm, finding })),
      );
      assert.equal(read.sr.groups.length, stated.length);
      assert.equal(new Set(read.sr.groups.map((group) => group.trackingUid)).size, stated.length);
      assert.ok(read.sr.survives && read.segs.every((seg) => seg.survives), 'pydicom reads what it writes');
      const values = stated.flatMap(({ finding }) => finding.measurements.map(({ value }) => value));
      assert.equal(read.sr.withoutValue, values.filter((value) => value === undefined).length);
      for (const { algorithm, finding } of stated) {
        const uid = trackingUid(report, algorithm, finding.key);
        const group = read.sr.groups.find((one) => one.trackingUid === uid) ?? assert.fail(finding.key);
        assert.equal(group.algorithm, algorithm.name);
        assertGroup(group, finding);
        const seg = read.segs.find(({ sopInstanceUid }) => sopInstanceUid === group.segmentation);
        if (finding.segmentNumber === undefined) continue;
        const segment = seg?.segments.find(({ number }) => number === finding.segmentNumber);
        assert.equal(segment?.trackingUid, uid, 'SR and SEG name the region alike');
      }
    });
  }

  for (const name of ['chest', 'radiographs'] as const) {
    test(`WR-CNF-17 dcmqi reads every group with its algorithm and its values (${name})`, {
      skip: withoutDcmqi(),
    }, () => {
      const { report } = caseOf(name);
      const path = fileOf(name, 'groups.json');
      runDcmqi('tid1500reader', '--inputDICOM', fileOf(name, 'sr.dcm'), '--outputMetadata', path);
      const { Measurements: groups } = JSON.parse(readFileSync(path, 'utf8')) as {
        Measurements: readonly SlicerGroup[];
      };
      const read = groups.map((group) => [
        group.measurementAlgorithmIdentification.AlgorithmName,
        group.TrackingIdentifier,
        group.ReferencedSegment,
        ...group.measurementItems.map(({ value }) => (value === '' ? undefined : Number(value))),
      ]);
      const stated = report.readings.flatMap(({ algorithm, findings }) =>
        findings.map(({ key, segmentNumber, measurements, probability }) => {
          const values = [
            ...measurements.map(({ value }) => value),
            ...(probability === undefined ? [] : [probability]),
          ];
          return [algorithm.name, key, segmentNumber, ...values];
        }),
      );
      assert.deepEqual(read, stated);
    });
  }

  test('WR-CNF-17 dcmqi makes images of the SEGs that have as many voxels', {
    skip: withoutDcmqi() || withoutHighdicom(),
  }, () => {
    const { segs } = readFindings('chest', caseOf('chest'));
    const names = caseOf('chest').results.filter((document) => document !== 'sr.dcm');
    for (const [at, document] of names.entries()) {
      const into = fileOf('chest', `${document}-images`);
      mkdirSync(into);
      runDcmqi('segimage2itkimage', '--inputDICOM', fileOf('chest', document), '--outputDirectory', into);
      const images = readdirSync(into).filter((file) => file.endsWith('.nrrd'));
      const voxels = images.map((file) => voxelsOf(readFileSync(join(into, file))));
      const expected = segs[at]!.segments.map((segment) => segment.voxels);
      assert.deepEqual(
        voxels.toSorted((a, b) => a - b),
        expected.toSorted((a, b) => a - b),
        document,
      );
    }
  });

  test('WR-CNF-11 the voxels of every segment are the volume that the report states', {
    skip: withoutHighdicom(),
  }, () => {
    const { report, files } = caseOf('chest');
    const { segs, sr } = readFindings('chest', caseOf('chest'));
    const milliliters = milliliterOf(dataSetOf(files[0]!), dataSetOf(files[1]!));
    let compared = 0;
    for (const { algorithm, findings } of report.readings)
      for (const finding of findings) {
        const volume = finding.measurements.find(({ key }) => key === 'volume')?.value;
        if (finding.segmentNumber === undefined || volume === undefined) continue;
        const group = sr.groups.find(({ trackingUid: uid }) => uid === trackingUid(report, algorithm, finding.key))!;
        const seg = segs.find(({ sopInstanceUid }) => sopInstanceUid === group.segmentation);
        const { voxels } = seg!.segments.find(({ number }) => number === finding.segmentNumber)!;
        assert.ok(
          Math.abs(voxels * milliliters - volume) <= 1,
          `${finding.key}: ${voxels * milliliters} ml, ${volume} ml`,
        );
        compared += 1;
      }
    assert.ok(compared >= 4, `${compared} segments`);
  });

  test('WR-CNF-12 every coordinate lies inside the image, or inside the volume, that it is of', {
    skip: withoutHighdicom(),
  }, () => {
    const chest = caseOf('chest');
    const inside = boundsOf(chest.files.map(dataSetOf));
    const { sr } = readFindings('chest', chest);
    const located = sr.groups.flatMap(({ region }) => region ?? []);
    assert.ok(located.length >= 4, `${located.length} regions`);
    for (const { points, frameOfReference } of located) {
      assert.equal(frameOfReference, inside.frameOfReferenceUid);
      for (const point of points.flat())
        for (const [axis, place] of point.entries())
          assert.ok(place >= inside.low[axis]! - 0.01 && place <= inside.high[axis]! + 0.01, `${point.join(' ')}`);
    }
    const { sr: films } = readFindings('radiographs', caseOf('radiographs'));
    const [rows, columns] = SIZE;
    const marks = films.groups.flatMap(({ region }) => region ?? []);
    assert.equal(marks.length, MARKS.length);
    for (const [column, row] of marks.flatMap(({ points }) => points.flat()) as [number, number][])
      assert.ok(column >= 0 && column <= columns && row >= 0 && row <= rows, `${column} ${row}`);
  });

  test('WR-CNF-13 HAPI finds both transactions valid', {
    skip: typeof validator === 'string' && validator,
  }, async () => {
    assert.ok(typeof validator !== 'string');
    const bundles = Object.fromEntries([...cases].map(([name, { bundle }]) => [name, bundle]));
    const messages = await validator.validate(bundles);
    assert.deepEqual(
      messages.filter((one) => one.severity !== 'INFORMATION' && !isKnownMessage(one)),
      [],
    );
    for (const name of cases.keys())
      assert.ok(
        messages.some((one) => one.name === name),
        `${name} was looked at`,
      );
  });

  test('WR-CNF-14 a FHIR server that is not ours holds every resource of both transactions', async () => {
    for (const type of ['Device', 'ImagingStudy', 'Observation', 'DiagnosticReport', 'Provenance'] as const) {
      const sent = [...cases.values()].flatMap(({ bundle }) =>
        (bundle.entry ?? []).filter(({ resource }) => resource?.resourceType === type),
      );
      assert.equal((await record.all(type)).length, sent.length, type);
    }
  });
});

/** What tid1500reader prints of a group. */
interface SlicerGroup {
  readonly TrackingIdentifier: string;
  readonly ReferencedSegment?: number;
  readonly measurementAlgorithmIdentification: { readonly AlgorithmName: string };
  readonly measurementItems: readonly { readonly value: string }[];
}

/** How many voxels of a compressed NRRD of 16 bits are not 0. */
function voxelsOf(file: Buffer): number {
  const data = gunzipSync(file.subarray(file.indexOf('\n\n') + 2));
  return new Int16Array(data.buffer, data.byteOffset, data.length / 2).reduce(
    (sum, value) => sum + (value === 0 ? 0 : 1),
    0,
  );
}

interface ReadGroup {
  readonly kind: 'planar' | 'volumetric' | 'image';
  readonly trackingId: string;
  readonly trackingUid: string;
  readonly algorithm: string;
  readonly finding: CodeTriple | null;
  readonly evaluations: readonly (readonly [CodeTriple, CodeTriple])[];
  readonly numbers: readonly (readonly [CodeTriple, number, CodeTriple])[];
  readonly region: {
    readonly graphicTypes: readonly string[];
    readonly points: readonly (readonly (readonly number[])[])[];
    readonly frameOfReference: string | null;
    readonly image: string | null;
  } | null;
  readonly segment: number | null;
  readonly segmentation: string | null;
}

/** What read_findings.py prints. */
interface ReadResults {
  readonly sr: { readonly survives: boolean; readonly withoutValue: number; readonly groups: readonly ReadGroup[] };
  readonly segs: readonly {
    readonly survives: boolean;
    readonly sopInstanceUid: string;
    readonly segments: readonly { readonly number: number; readonly trackingUid: string; readonly voxels: number }[];
  }[];
}

const readings = new Map<string, ReadResults>();

/** The results of a case, read once: highdicom takes seconds to start. */
function readFindings(name: string, { results }: Case): ReadResults {
  const read = readings.get(name) ?? readByHighdicom(results.map((document) => fileOf(name, document)));
  readings.set(name, read);
  return read;
}

/** @param paths the SR first */
function readByHighdicom(paths: readonly string[]): ReadResults {
  const script = join(import.meta.dirname, '..', 'support', 'read_findings.py');
  const { stdout, stderr, status } = spawnSync(highdicomPython(), [script, ...paths], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as ReadResults;
}

const ANSWERS = { present: 'Present', absent: 'Absent', undetermined: 'Undetermined' } as const;
const GRAPHIC_TYPES = {
  'image-point': ['POINT'],
  'image-box': ['POLYLINE'],
  'patient-point': ['POINT'],
  'patient-sphere': ['ELLIPSOID'],
  'patient-box': ['POLYGON', 'POLYGON', 'POLYGON', 'POLYGON', 'POLYGON', 'POLYGON'],
} as const;

function assertGroup(group: ReadGroup, finding: Finding): void {
  const { region, presence, concept, segmentNumber, measurements, probability } = finding;
  const isOnImage = region !== undefined && 'image' in region;
  const isVolumetric = segmentNumber !== undefined || region !== undefined;
  assert.equal(group.kind, isOnImage ? 'planar' : isVolumetric ? 'volumetric' : 'image', finding.key);
  assert.equal(group.trackingId, finding.key);
  const isFound = presence === undefined || presence === 'present';
  assert.equal(group.finding?.[0], isFound ? concept.value : undefined, finding.key);
  const answer = group.evaluations.find(([name]) => name[0] === concept.value)?.[1][2];
  assert.equal(answer, presence && ANSWERS[presence], finding.key);
  const numbers = [...measurements.flatMap(({ value }) => value ?? []), probability ?? []].flat();
  assert.deepEqual(
    group.numbers.map(([, value]) => value),
    numbers,
    finding.key,
  );
  assert.equal(group.segment, segmentNumber ?? null);
  assert.deepEqual(group.region?.graphicTypes, region && GRAPHIC_TYPES[region.kind]);
  if (isOnImage) assert.equal(group.region?.image, region.image.sopInstanceUid);
}

type Point = readonly [number, number, number];

const positionOf = (image: DicomDataSet): Point => numbersOf(image, '00200032') as unknown as Point;

/** Of one voxel of an axial series of equal distances. */
function milliliterOf(first: DicomDataSet, second: DicomDataSet): number {
  const [down, across] = numbersOf(first, '00280030') as [number, number];
  return (down * across * Math.abs(positionOf(second)[2] - positionOf(first)[2])) / 1000;
}

/** The outer faces of an axial series: voxels reach half a step beyond their centres. */
function boundsOf(images: readonly DicomDataSet[]): { frameOfReferenceUid: string; low: Point; high: Point } {
  const sorted = images.toSorted((a, b) => positionOf(a)[2] - positionOf(b)[2]);
  const [first, second] = sorted as [DicomDataSet, DicomDataSet];
  const [down, across] = numbersOf(first, '00280030') as [number, number];
  const step = positionOf(second)[2] - positionOf(first)[2];
  const [x, y, z] = positionOf(first);
  const affine: Affine = [0, 0, across, x, 0, down, 0, y, step, 0, 0, z, 0, 0, 0, 1];
  const [rows, columns] = [numberOf(first, '00280010')!, numberOf(first, '00280011')!];
  return {
    frameOfReferenceUid: stringOf(first, '00200052')!,
    low: applyAffine(affine, [-0.5, -0.5, -0.5]),
    high: applyAffine(affine, [sorted.length - 0.5, rows - 0.5, columns - 0.5]),
  };
}
