/**
 * SR and SEG before readers and validators that are not ours: dicom3tools, dcmtk, highdicom with pydicom.
 * Slow for its size, because each case starts several programs.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { part10Reader } from '../../adapters/part10/reader.ts';
import { instanceWriter } from '../../adapters/part10/writer.ts';
import type { StudyHeader } from '../../src/arrival/study.ts';
import type { Segmentation } from '../../src/assembly/segmentation.ts';
import type { Volume } from '../../src/assembly/volume.ts';
import { type Code, code, HOUNSFIELD_UNIT, LEFT, LUNG } from '../../src/codes.ts';
import { itemsOf, numbersOf } from '../../src/dicom-json.ts';
import type { Finding } from '../../src/inference/findings.ts';
import { isSkipped } from '../../src/reasons.ts';
import type { Report } from '../../src/reporting/report.ts';
import type { DicomObject } from '../../src/writeback/artifact.ts';
import { tagOf } from '../../src/writeback/data-set.ts';
import * as identity from '../../src/writeback/identity.ts';
import { framesOf } from '../../src/writeback/seg/frames.ts';
import { segmentationObject } from '../../src/writeback/segmentation-object.ts';
import { structuredReport } from '../../src/writeback/structured-report.ts';
import {
  dcentvfy,
  dciodvfy,
  dsrdump,
  ENTITY_NOISE,
  ONE_SIDED,
  type ReadGroup,
  readWithHighdicom,
  withoutHighdicom,
  withoutTool,
} from '../support/dicom-tools.ts';
import {
  OBLIQUE,
  sampleReport,
  sampleSegmentation,
  sampleStudyHeader,
  sampleVolume,
} from '../support/sample-report.ts';
import { sourceImages } from '../support/source-images.ts';
import { dataPath, withoutTestData } from '../support/test-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-outputs-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Case {
  readonly name: string;
  readonly volume: Volume;
  readonly segmentation: Segmentation;
  readonly study: StudyHeader;
  readonly report: Report;
  readonly sr: DicomObject;
  readonly seg: DicomObject;
  readonly srPath: string;
  readonly segPath: string;
}

function makeCase(
  name: string,
  volume: Volume,
  changes: { readonly study?: StudyHeader; readonly findings?: readonly Finding[] } = {},
): Case {
  const segmentation = sampleSegmentation(volume);
  const study = changes.study ?? sampleStudyHeader(volume);
  const sample = sampleReport(segmentation);
  const findings = [...sample.readings[0].findings, ...(changes.findings ?? [])];
  const report: Report = { ...sample, readings: [{ ...sample.readings[0], findings }] };
  const software = { name: 'Wetread', version: '0.1.0', deployment: 'test' };
  const seg = segmentationObject({ report, study, software, segmentation, findings: report.readings[0] });
  const sr = structuredReport({
    report,
    study,
    software,
    sources: [{ images: volume, segmentations: [{ object: seg }] }],
  });
  const writer = instanceWriter();
  const [srPath, segPath] = [join(folder, `${name}-sr.dcm`), join(folder, `${name}-seg.dcm`)];
  writeFileSync(srPath, writer.write(sr));
  writeFileSync(segPath, writer.write(seg));
  return { name, volume, segmentation, study, report, sr, seg, srPath, segPath };
}

const bare = sampleVolume({ name: 'bare' });
const nodule: Finding = {
  key: 'nodule-1',
  category: code('49755003', 'SCT', 'Morphologically Abnormal Structure'),
  concept: code('27925004', 'SCT', 'Nodule'),
  site: LUNG,
  laterality: LEFT,
  presence: 'present',
  probability: 0.875,
  measurements: [],
  evidence: [],
};
const pneumothorax: Finding = {
  ...nodule,
  key: 'pneumothorax',
  concept: code('36118008', 'SCT', 'Pneumothorax'),
  presence: 'absent',
  probability: 0.01,
};
const unmeasured: Finding = {
  ...nodule,
  measurements: [
    {
      key: 'density',
      concept: code('112031', 'DCM', 'Attenuation Coefficient'),
      qualifier: code('114008', 'DCM', 'Calculation failure'),
      unit: HOUNSFIELD_UNIT,
    },
  ],
};

const MILLIMETER = code('mm', 'UCUM', 'millimeter');
const NO_UNITS = code('1', 'UCUM', 'no units');
/** What is looked for in a segment, its largest part, a regressed number without a value, and a likeness. */
function partsOf(volume: Volume): readonly Finding[] {
  const { presence: _, probability: __, ...located } = nodule;
  const size = (key: string, value: number, concept: Code): Finding['measurements'][number] => {
    return { key, concept, unit: MILLIMETER, value };
  };
  return [
    {
      ...located,
      key: 'nodules',
      presence: 'present',
      segmentNumber: 2,
      measurements: [{ key: 'count', concept: code('246205007', 'SCT', 'Quantity'), unit: NO_UNITS, value: 1 }],
    },
    {
      ...located,
      component: { number: 1, segmentNumbers: [2] },
      region: {
        kind: 'patient-box',
        frameOfReferenceUid: volume.frameOfReferenceUid,
        center: [10, -20, 30],
        edges: [
          [0, 0, 12],
          [0, 8, 0],
          [9, 0, 0],
        ],
      },
      measurements: [
        size('diameter', 14.2, code('81827009', 'SCT', 'Diameter')),
        size('long-axis', 12, code('103339001', 'SCT', 'Long axis')),
        size('short-axis', 8, code('103340004', 'SCT', 'Short axis')),
        ...unmeasured.measurements.map((one) => ({
          ...one,
          derivation: code('386136009', 'SCT', 'Standard Deviation'),
          qualifier: code('114009', 'DCM', 'Value out of range'),
        })),
      ],
    },
    {
      ...located,
      key: 'like-a-nodule',
      presence: 'undetermined',
      measurements: [
        {
          key: 'similarity',
          concept: code('COSSIM', '99WETREAD', 'Cosine similarity to reference'),
          unit: NO_UNITS,
          value: 0.62,
        },
      ],
    },
  ];
}
const withParts = sampleVolume({ name: 'parts' });

/** Frames that do not end on bytes, oblique and tilted planes, three scripts, empty patients, a normal CT's slices. */
const cases: readonly Case[] = [
  makeCase('axial', sampleVolume({ name: 'axial' })),
  makeCase('oblique', sampleVolume({ name: 'oblique', orientation: OBLIQUE, shape: [7, 11, 13] })),
  makeCase('tilted', sampleVolume({ name: 'tilted', shear: 3 })),
  makeCase('bare', bare, { study: { studyInstanceUid: bare.studyInstanceUid, requests: [] } }),
  makeCase('findings', sampleVolume({ name: 'findings' }), { findings: [nodule, pneumothorax] }),
  makeCase('unmeasured', sampleVolume({ name: 'unmeasured' }), { findings: [unmeasured] }),
  makeCase('parts', withParts, { findings: partsOf(withParts) }),
  makeCase('long', sampleVolume({ name: 'long', shape: [120, 64, 64], spacing: [1.25, 0.7, 0.7] })),
];

/** dicom3tools knows neither private designators nor their UIDs, whatever identifies them; a study without ID is legal. */
const HARMLESS = [
  /CodingSchemeDesignator\(0008,0102\)\[1\]> - Unrecognized defined term = <99WETREAD>$/,
  /CodingSchemeUID\(0008,010c\)\[1\]> - Unrecognized defined term = <2\.25\.\d+>$/,
  /Missing attribute or value that would be needed to build DICOMDIR$/,
];

const withoutDciodvfy = withoutTool('dciodvfy');
for (const each of cases) {
  test(`WR-SR-14 dciodvfy finds no error in the SR (${each.name})`, { skip: withoutDciodvfy }, () => {
    const { iod, errors, warnings } = dciodvfy(each.srPath);
    assert.equal(iod, 'Comprehensive3DSR');
    assert.deepEqual(errors, []);
    assert.deepEqual(
      warnings.filter((warning) => !HARMLESS.some((pattern) => pattern.test(warning))),
      [],
    );
  });

  test(`WR-SEG-09 dciodvfy finds no error in the SEG (${each.name})`, { skip: withoutDciodvfy }, () => {
    const { iod, errors, warnings } = dciodvfy(each.segPath);
    assert.equal(iod, 'Segmentation');
    assert.deepEqual(errors, []);
    assert.deepEqual(
      warnings.filter((warning) => !HARMLESS.some((pattern) => pattern.test(warning))),
      [],
    );
  });
}

test('WR-MND-03 dciodvfy finds no error in SR and SEG of an enhanced image, whose frames they name', {
  skip: withoutDciodvfy,
}, () => {
  const volume = sampleVolume({ name: 'enhanced' });
  const sopInstanceUid = volume.slices[0]!.sopInstanceUid;
  const sopClassUid = '1.2.840.10008.5.1.4.1.1.2.1';
  const slices = volume.slices.map((slice, k) => ({ ...slice, sopInstanceUid, sopClassUid, frameNumber: k + 1 }));
  const header = { ...volume.header, sopInstanceUid, sopClassUid, numberOfFrames: slices.length };
  const { srPath, segPath, seg, segmentation } = makeCase('enhanced', { ...volume, slices, header });
  assert.deepEqual([...dciodvfy(srPath).errors, ...dciodvfy(segPath).errors], []);
  const named = itemsOf(seg.dataSet, tagOf('perFrameFunctionalGroupsSequence'))
    .flatMap((group) => itemsOf(group, tagOf('derivationImageSequence')))
    .flatMap((derivation) => itemsOf(derivation, tagOf('sourceImageSequence')))
    .flatMap((source) => numbersOf(source, tagOf('referencedFrameNumber')));
  assert.deepEqual(
    named,
    framesOf(segmentation).map(({ slice }) => slice + 1),
  );
});

test('WR-SR-14 dciodvfy would find an error', { skip: withoutDciodvfy }, () => {
  const { sr } = cases[0]!;
  const { '0040A491': _, ...dataSet } = sr.dataSet;
  const path = join(folder, 'without-completion-flag.dcm');
  writeFileSync(path, instanceWriter().write({ ...sr, dataSet }));
  assert.match(dciodvfy(path).errors.join('\n'), /CompletionFlag/);
});

const withoutDcentvfy = withoutTool('dcentvfy');
for (const each of cases) {
  test(`WR-SR-15 images, SR and SEG agree on every entity (${each.name})`, { skip: withoutDcentvfy }, () => {
    const images = sourceImages(each.volume, each.study).map((bytes, k) => {
      const path = join(folder, `${each.name}-${k}.dcm`);
      writeFileSync(path, bytes);
      return path;
    });
    const complaints = dcentvfy([...images, each.srPath, each.segPath]);
    assert.deepEqual(
      complaints.filter((line) => !ENTITY_NOISE.test(line)),
      [],
    );
  });
}

test('WR-SR-15 dcentvfy would find another patient', { skip: withoutDcentvfy }, () => {
  const { volume, study, srPath } = cases[0]!;
  const path = join(folder, 'other-patient.dcm');
  writeFileSync(path, sourceImages(volume, { ...study, patientName: 'Other' })[0]!);
  assert.match(dcentvfy([path, srPath]).join('\n'), /PatientName/);
});

/** The planes of real images without their voxels: where SR and SEG have to fit. */
function planesOfImages(files: readonly string[]): { readonly volume: Volume; readonly study: StudyHeader } {
  const read = files.map((path) => part10Reader.read(readFileSync(path)));
  const images = read.flatMap((each) => (isSkipped(each) ? [] : [each]));
  const { header, study } = images[0]!;
  const { imageOrientationPatient: orientation, pixelSpacing } = header.frames[0]!;
  const [rx, ry, rz, cx, cy, cz] = orientation!;
  const normal = [ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx];
  const along = (position: readonly number[]): number => normal.reduce((sum, n, axis) => sum + n * position[axis]!, 0);
  const slices = images
    .map(({ header: { sopInstanceUid, sopClassUid, frames } }, slot) => {
      const imagePositionPatient = frames[0]!.imagePositionPatient!;
      return { sopInstanceUid, sopClassUid, imagePositionPatient, slot, frameNumber: 1, slope: 1, intercept: -1024 };
    })
    .sort((a, b) => along(a.imagePositionPatient) - along(b.imagePositionPatient));
  const spacing = along(slices[1]!.imagePositionPatient) - along(slices[0]!.imagePositionPatient);
  const sample = sampleVolume({
    shape: [slices.length, header.rows, header.columns],
    spacing: [spacing, ...pixelSpacing!],
    orientation: orientation!,
    origin: slices[0]!.imagePositionPatient,
  });
  const { studyInstanceUid, seriesInstanceUid, frameOfReferenceUid } = header;
  const uids = { studyInstanceUid, seriesInstanceUid, frameOfReferenceUid: frameOfReferenceUid! };
  return { volume: { ...sample, ...uids, slices, header }, study };
}

for (const series of ['ct-chest-nlst/ct', 'ct-head-ge-tilt']) {
  test(`WR-SR-15 results agree with a real study (${series})`, { skip: withoutTestData || withoutDcentvfy }, () => {
    // Ten images: dcentvfy compares every file with every other.
    const files = readdirSync(dataPath(series))
      .filter((name) => name.endsWith('.dcm'))
      .sort()
      .slice(0, 10)
      .map((name) => join(dataPath(series), name));
    const { volume, study } = planesOfImages(files);
    const { srPath, segPath } = makeCase(series.replace('/', '-'), volume, { study });
    for (const path of [srPath, segPath]) assert.deepEqual(dciodvfy(path).errors, []);
    const ours = [basename(srPath), basename(segPath)];
    const complaints = dcentvfy([...files, srPath, segPath]).filter((line) => ours.some((name) => line.includes(name)));
    assert.deepEqual(
      complaints.filter((line) => !ENTITY_NOISE.test(line) && !ONE_SIDED.test(line)),
      [],
    );
  });
}

const withoutDsrdump = withoutTool('dsrdump');
for (const each of cases) {
  test(`WR-SR-16 dcmtk reads the whole tree (${each.name})`, { skip: withoutDsrdump }, () => {
    const { tree, complaints } = dsrdump(each.srPath);
    assert.deepEqual(complaints, []);
    assert.match(tree, /^Comprehensive 3D SR Document/);
    assert.match(tree, /Verification Flag {3}: UNVERIFIED/);
    for (const finding of each.report.readings[0].findings) assert.ok(tree.includes(`"${finding.key}"`), finding.key);
    if (each.study.patientName !== undefined) assert.ok(tree.includes(each.study.patientName));
  });
}

/** What a finding should read back as; presence is a name of its own beside what highdicom counts as evaluation. */
function assertGroup(group: ReadGroup, each: Case, finding: Finding): void {
  const { report } = each;
  const triple = (c: { value: string; scheme: string; meaning: string }): string[] => [c.value, c.scheme, c.meaning];
  assert.equal(group.trackingId, finding.key);
  assert.equal(group.trackingUid, identity.trackingUid(report, report.readings[0].algorithm, finding.key));
  assert.deepEqual(group.category, triple(finding.category));
  assert.deepEqual(group.finding, finding.presence === 'absent' ? null : triple(finding.concept));
  assert.deepEqual(group.site, finding.site && triple(finding.site));
  assert.deepEqual(group.laterality, finding.laterality && triple(finding.laterality));
  const numbers = finding.measurements.map((m) => [triple(m.concept), m.value, triple(m.unit)]);
  if (finding.probability !== undefined)
    numbers.push([['122157', 'DCM', 'Probability'], finding.probability, ['1', 'UCUM', 'no units']]);
  assert.deepEqual(
    group.measurements.map((m) => [m.name, m.value, m.unit]),
    numbers,
  );
  const answer = finding.presence === 'absent' ? 'Absent' : 'Present';
  const presence = group.evaluations.find(([name]) => name[0] === finding.concept.value);
  assert.equal(presence?.[1][2], finding.presence === undefined ? undefined : answer);
}

/** The value of a bit mask at `[slice, row, column]`. */
function inMask(
  { source: volume, bytesPerSlice, segments }: Segmentation,
  segment: number,
  index: readonly number[],
): number {
  const [k, row, column] = index as [number, number, number];
  const i = row * volume.shape[2] + column;
  return (segments[segment - 1]!.bits[k * bytesPerSlice + (i >> 3)]! >> (i & 7)) & 1;
}

const noHighdicom = withoutHighdicom();
// highdicom 0.28.2 stops at an empty Measured Value Sequence, which is type 2 (PS3.3 C.18.1): both have one.
for (const each of cases.filter(({ name }) => name !== 'unmeasured' && name !== 'parts')) {
  test(`WR-SR-17 WR-SEG-10 highdicom reads values and masks back (${each.name})`, { skip: noHighdicom }, () => {
    const { volume, segmentation, report } = each;
    const masks = join(folder, `${each.name}.masks`);
    const sopInstanceUids = volume.slices.map((slice) => slice.sopInstanceUid);
    const { seg, sr } = readWithHighdicom({ seg: each.segPath, sr: each.srPath, masks, sopInstanceUids });

    const [slices, rows, columns] = volume.shape;
    const voxels = readFileSync(masks);
    assert.equal(voxels.length, 2 * slices * rows * columns);
    for (let at = 0; at < voxels.length; at += 1) {
      const segment = Math.floor(at / (slices * rows * columns)) + 1;
      const index = [Math.floor(at / (rows * columns)) % slices, Math.floor(at / columns) % rows, at % columns];
      if (voxels[at] !== inMask(segmentation, segment, index)) assert.fail(`segment ${segment} at ${index.join()}`);
    }
    for (const frame of seg.frames) {
      const slice = volume.slices.find(({ sopInstanceUid }) => sopInstanceUid === frame.source);
      for (const [axis, value] of frame.position.entries())
        assert.ok(Math.abs(value - slice!.imagePositionPatient[axis]!) < 1e-9);
    }
    assert.equal(seg.frameOfReference, volume.frameOfReferenceUid);
    if (seg.volume !== null) assertInPlace(each, seg.volume, readFileSync(`${masks}.volume`));
    else assert.equal(each.name, 'tilted', 'only sheared planes are no volume to highdicom');

    assert.equal(sr.verification, 'UNVERIFIED');
    assert.deepEqual(
      sr.observers.map((o) => o.type[2]),
      ['Device'],
    );
    const segmented = report.readings[0].findings.filter((f) => f.segmentNumber !== undefined);
    const others = report.readings[0].findings.filter((f) => f.segmentNumber === undefined);
    assert.equal(sr.volumetric.length, segmented.length);
    assert.equal(sr.image.length, others.length);
    for (const [i, finding] of segmented.entries()) {
      const group = sr.volumetric[i]!;
      assertGroup(group, each, finding);
      assert.equal(group.segment, finding.segmentNumber);
      assert.equal(group.segmentation, each.seg.sopInstanceUid);
      assert.equal(group.sourceSeries, volume.seriesInstanceUid);
      assert.equal(seg.segments[i]!.trackingUid, group.trackingUid, 'SR and SEG name the region alike');
    }
    for (const [i, finding] of others.entries()) assertGroup(sr.image[i]!, each, finding);
    assert.equal(sr.patientName, each.study.patientName ?? '');
  });
}

/** Every voxel of highdicom's volume, taken to the patient by its affine, meets the same value in our masks. */
function assertInPlace(
  { volume, segmentation }: Case,
  read: { readonly affine: readonly (readonly number[])[]; readonly shape: readonly number[] },
  voxels: Uint8Array,
): void {
  const [slices, rows, columns] = read.shape as [number, number, number];
  const origin = volume.slices[0]!.imagePositionPatient;
  const axes = [0, 1, 2].map((column) => [0, 4, 8].map((row) => volume.affine[row + column]!));
  let on = 0;
  for (let at = 0; at < slices * rows * columns; at += 1) {
    const index = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
    const point = read.affine
      .slice(0, 3)
      .map((row) => row[0]! * index[0]! + row[1]! * index[1]! + row[2]! * index[2]! + row[3]!);
    const offset = point.map((value, axis) => value - origin[axis]!);
    // The axes are perpendicular here, so the index is the projection on each.
    const ours = axes.map((axis) => {
      const length = axis.reduce((sum, a) => sum + a * a, 0);
      return axis.reduce((sum, a, i) => sum + a * offset[i]!, 0) / length;
    });
    for (const value of ours) assert.ok(Math.abs(value - Math.round(value)) < 1e-6, 'voxels meet voxels');
    const expected = inMask(segmentation, 1, ours.map(Math.round));
    if (voxels[at] !== expected) assert.fail(`voxel ${index.join()}`);
    on += expected;
  }
  const bits = segmentation.segments[0]!.bits;
  const total = bits.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
  assert.equal(on, total, 'the whole segment lies in the volume');
}
