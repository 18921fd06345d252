/** Outlines of images on their own as others read them: dicom3tools, dcmtk and highdicom on the SEGs and the SR. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { instanceWriter } from '../../adapters/part10/writer.ts';
import type { StudyHeader } from '../../src/arrival/study.ts';
import { itemsOf, numberOf, stringOf } from '../../src/dicom-json.ts';
import { makeDraft, type NamedObject } from '../../src/make-draft.ts';
import type { Report } from '../../src/reporting/report.ts';
import { tagOf } from '../../src/writeback/data-set.ts';
import { reportTransaction } from '../../src/writeback/fhir.ts';
import { itemsNamed } from '../support/content-tree.ts';
import { dciodvfy, dsrdump, highdicomPython, withoutHighdicom, withoutTool } from '../support/dicom-tools.ts';
import { fhirValidator, isKnownMessage } from '../support/fhir-validator.ts';
import { HEART, LUNGS, outlinedFrame, readOutlines, type Structures } from '../support/outlined-radiograph.ts';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../support/sample-report.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-image-outlines-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const path = (name: string): string => join(folder, name);
let objects: readonly NamedObject[];
let report: Report;
let study: StudyHeader;

/** Two images in one series: the second has no heart. */
before(async () => {
  ({ report, objects, study } = await drafted(path(''), { heart: HEART, lungs: LUNGS }, { lungs: LUNGS }));
});

async function drafted(
  into: string,
  ...shown: readonly Structures[]
): Promise<{ readonly report: Report; readonly objects: readonly NamedObject[]; readonly study: StudyHeader }> {
  const detector = { imagerPixelSpacing: [0.4, 0.5], patientOrientation: ['L', 'F'] } as const;
  const reading = await readOutlines(shown.map((structures) => outlinedFrame(structures, detector)));
  const volume = sampleVolume();
  const header = { ...sampleStudyHeader(volume), studyInstanceUid: reading.images.studyInstanceUid };
  const { provenance } = sampleReport(sampleSegmentation(volume));
  const made = makeDraft({ study: header, readings: [reading], unavailable: [] }, provenance);
  const writer = instanceWriter();
  mkdirSync(into, { recursive: true });
  for (const { name, object } of made.objects) writeFileSync(join(into, name), writer.write(object));
  return { ...made, study: header };
}

test('WR-SGI-08 every image has a SEG and the SR refers to each of its frames, with the image it is of', () => {
  assert.deepEqual(
    objects.map(({ name }) => name),
    ['seg.dcm', 'seg-dx-outline.2.dcm', 'sr.dcm'],
  );
  const [first, second, sr] = objects.map(({ object }) => object);
  assert.notEqual(first!.sopInstanceUid, second!.sopInstanceUid);
  assert.equal(first!.seriesInstanceUid, second!.seriesInstanceUid);
  const referenced = (name: string): unknown[] =>
    itemsNamed(sr!.dataSet, name).map((item) => {
      const [target] = itemsOf(item, tagOf('referencedSopSequence'));
      const [uid, frame] = [tagOf('referencedSopInstanceUid'), tagOf('referencedFrameNumber')];
      return [stringOf(target!, uid), numberOf(target!, frame)];
    });
  const [one, two] = [first!.sopInstanceUid, second!.sopInstanceUid];
  assert.deepEqual(referenced('Referenced Segmentation Frame'), [
    [one, 2],
    [one, 1],
    [two, 2],
    [two, 1],
  ]);
  const images = report.readings[0].evidence.map(({ sopInstanceUid }) => sopInstanceUid);
  assert.deepEqual(
    referenced('Source image for segmentation').map((target) => (target as string[])[0]),
    [images[0], images[0], images[1], images[1]],
  );
});

test('WR-SGI-08 without a frame of reference a SEG lies on its image pixel by pixel', () => {
  const { dataSet } = objects[1]!.object;
  for (const absent of ['frameOfReferenceUid', 'positionReferenceIndicator'] as const)
    assert.equal(dataSet[tagOf(absent)], undefined);
  assert.deepEqual(itemsOf(dataSet, tagOf('sharedFunctionalGroupsSequence')), [{}]);
  const frames = itemsOf(dataSet, tagOf('perFrameFunctionalGroupsSequence'));
  assert.equal(frames.length, 2, 'a segment without a pixel keeps its frame');
  for (const frame of frames) {
    const [derivation] = itemsOf(frame, tagOf('derivationImageSequence'));
    const [source] = itemsOf(derivation!, tagOf('sourceImageSequence'));
    assert.equal(stringOf(source!, tagOf('referencedSopInstanceUid')), report.readings[0].evidence[1]!.sopInstanceUid);
    assert.equal(frame[tagOf('planePositionSequence')], undefined);
  }
  assert.deepEqual(
    itemsOf(dataSet, tagOf('segmentSequence')).map((segment) => stringOf(segment, tagOf('trackingId'))),
    ['lungs-2', 'heart-2'],
  );
});

test('WR-SGI-09 dicom3tools finds no error in the SEGs nor in the SR', { skip: withoutTool('dciodvfy') }, () => {
  for (const { name, object } of objects) {
    const { errors, warnings, iod } = dciodvfy(path(name));
    assert.deepEqual(errors, [], name);
    assert.equal(iod, object.kind === 'sr' ? 'Comprehensive3DSR' : 'Segmentation');
    assert.deepEqual(
      warnings.filter((warning) => !/coding scheme|CodingScheme/i.test(warning)),
      [],
      name,
    );
  }
});

test('WR-SGI-09 dcmtk shows the method of a size beside it', { skip: withoutTool('dsrdump') }, () => {
  const { tree, complaints } = dsrdump(path('sr.dcm'));
  assert.deepEqual(complaints, []);
  assert.match(tree, /Measurement Method.*At the detector, not corrected for magnification/);
  assert.match(tree, /Heart.*=.*Absent/);
});

/** Pixels of a segment on its source image, as highdicom has them; and how it reads the planar groups of the SR. */
const READ = `
import json, sys
import highdicom as hd
seg_path, image, sr_path, masks = sys.argv[1:]
seg = hd.seg.segread(seg_path)
pixels = seg.get_pixels_by_source_instance([image])
pixels[0].astype("uint8").tofile(masks)
groups = hd.sr.srread(sr_path).content.get_planar_roi_measurement_groups()
print(json.dumps([
    [g.tracking_identifier, str(g.referenced_segmentation_frame.referenced_sop_instance_uid),
     [int(n) for n in g.referenced_segmentation_frame.referenced_frame_numbers]]
    for g in groups if g.referenced_segmentation_frame is not None
]))
`;

// highdicom 0.28.2 stops at an empty Measured Value Sequence, which is type 2 (PS3.3 C.18.1): what is absent has one.
test('WR-SGI-10 highdicom reads the masks of an image and the groups that refer to them', {
  skip: withoutHighdicom(),
}, async () => {
  const whole = path('whole');
  const { report: read, objects: written } = await drafted(whole, { heart: HEART, lungs: LUNGS });
  const image = read.readings[0].evidence[0].sopInstanceUid;
  const { stdout, stderr, status } = spawnSync(
    highdicomPython(),
    ['-c', READ, join(whole, 'seg.dcm'), image, join(whole, 'sr.dcm'), path('masks')],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  const seg = written[0]!.object.sopInstanceUid;
  assert.deepEqual(JSON.parse(stdout), [
    ['heart', seg, [2]],
    ['lungs', seg, [1]],
  ]);
  const masks = readFileSync(path('masks'));
  const [rows, columns] = [211, 301];
  assert.equal(masks.length, rows * columns * 2);
  const isIn = ({ minimum, maximum }: typeof HEART, row: number, column: number): boolean =>
    column >= minimum[0] && column < maximum[0] && row >= minimum[1] && row < maximum[1];
  for (let at = 0; at < rows * columns; at++) {
    const [row, column] = [Math.floor(at / columns), at % columns];
    const heart = isIn(HEART, row, column);
    const lung = LUNGS.some((one) => isIn(one, row, column));
    assert.deepEqual([masks[2 * at], masks[2 * at + 1]], [Number(lung), Number(heart)], `${row}, ${column}`);
  }
});

const validator = await fhirValidator();

test('WR-SGI-10 HAPI finds the transaction valid, methods of sizes included', {
  skip: typeof validator === 'string' && validator,
}, async () => {
  assert.ok(typeof validator !== 'string');
  const { software } = report.provenance;
  const bundle = reportTransaction({
    report,
    study,
    software,
    match: { patient: 'Patient/1' },
    objects: objects.map(({ object }) => object),
    draftStatus: 'preliminary',
  });
  assert.equal(JSON.stringify(bundle).match(/"code":"ATDETECTOR"/g)?.length, 10);
  const messages = await validator.validate({ bundle });
  assert.deepEqual(
    messages.filter((one) => ['ERROR', 'FATAL', 'WARNING'].includes(one.severity) && !isKnownMessage(one)),
    [],
  );
});
