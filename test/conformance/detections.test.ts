/** Located findings before readers and validators that are not ours: dicom3tools and highdicom. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { instanceWriter } from '../../adapters/part10/writer.ts';
import { code, LEFT, LUNG, MILLIMETER, REGION_SIZE } from '../../src/codes.ts';
import type { Finding, Region } from '../../src/inference/findings.ts';
import type { Report } from '../../src/reporting/report.ts';
import { structuredReport } from '../../src/writeback/structured-report.ts';
import { dciodvfy, highdicomPython, withoutHighdicom, withoutTool } from '../support/dicom-tools.ts';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../support/sample-report.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-detections-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const volume = sampleVolume();
const { frameOfReferenceUid } = volume;
const { sopInstanceUid, sopClassUid } = volume.slices[2]!;
const image = { sopInstanceUid, sopClassUid };
const edges: readonly [number, number, number][] = [
  [0, 0, 12],
  [0, 10, 0],
  [8, 0, 0],
];
const regions: readonly Region[] = [
  { kind: 'image-point', image, point: [3.5, 2.25] },
  { kind: 'image-box', image, minimum: [1, 2], maximum: [4.5, 6] },
  { kind: 'patient-point', frameOfReferenceUid, center: [10, -20, -1170] },
  { kind: 'patient-box', frameOfReferenceUid, center: [10, -20, -1170], edges: [edges[0]!, edges[1]!, edges[2]!] },
  { kind: 'patient-sphere', frameOfReferenceUid, center: [10, -20, -1170], radiusMm: 4 },
];
const nodule = {
  category: code('49755003', 'SCT', 'Morphologically Abnormal Structure'),
  concept: code('27925004', 'SCT', 'Nodule'),
  site: LUNG,
  laterality: LEFT,
};
const detections = regions.map(
  (region, at): Finding => ({
    key: `nodule-${at + 1}`,
    ...nodule,
    presence: 'present',
    probability: 0.875,
    region,
    measurements: [{ key: 'region-size', concept: REGION_SIZE, unit: MILLIMETER, value: 12 }],
    evidence: [image],
  }),
);
const absent: Finding = { key: 'mass', ...nodule, presence: 'absent', measurements: [], evidence: [] };

function writtenReport(): string {
  const sample = sampleReport(sampleSegmentation(volume));
  const report: Report = { ...sample, readings: [{ ...sample.readings[0], findings: [...detections, absent] }] };
  const software = { name: 'Wetread', version: '0.1.0' };
  const study = sampleStudyHeader(volume);
  const path = join(folder, 'sr.dcm');
  writeFileSync(
    path,
    instanceWriter().write(structuredReport({ report, study, software, sources: [{ images: volume }] })),
  );
  return path;
}

test('WR-DET-06 dciodvfy finds no error in an SR of points, boxes and spheres', {
  skip: withoutTool('dciodvfy'),
}, () => {
  const { iod, errors, warnings } = dciodvfy(writtenReport());
  assert.equal(iod, 'Comprehensive3DSR');
  assert.deepEqual(errors, []);
  assert.deepEqual(
    warnings.filter((warning) => !/<99WETREAD>|CodingSchemeUID|to build DICOMDIR/.test(warning)),
    [],
  );
});

interface ReadRegion {
  readonly trackingId: string;
  readonly graphicTypes: readonly string[];
  readonly points: readonly (readonly (readonly number[])[])[];
  readonly frameOfReference: string | null;
  readonly image: string | null;
}

/** What highdicom makes of the regions, group by group. */
const READ_REGIONS = `
import json, sys, highdicom as hd
content = hd.sr.srread(sys.argv[1]).content
def of(group, roi):
    items = [roi] if not isinstance(roi, (list, hd.sr.VolumeSurface)) else roi
    if isinstance(roi, hd.sr.VolumeSurface):
        data = roi.graphic_data if isinstance(roi.graphic_data, list) else [roi.graphic_data]
        return dict(graphicTypes=[roi.graphic_type.value] * len(data), points=[d.reshape(-1, 3).tolist() for d in data],
                    frameOfReference=str(roi.frame_of_reference_uid), image=None)
    return dict(graphicTypes=[i.graphic_type.value for i in items], points=[i.value.tolist() for i in items],
                frameOfReference=None, image=items[0].ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
groups = content.get_planar_roi_measurement_groups() + content.get_volumetric_roi_measurement_groups()
json.dump([dict(trackingId=g.tracking_identifier, **of(g, g.roi)) for g in groups], sys.stdout)
`;

test('WR-DET-06 highdicom reads every region where it was written', { skip: withoutHighdicom() }, () => {
  const { stdout, stderr, status } = spawnSync(highdicomPython(), ['-c', READ_REGIONS, writtenReport()], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const read = JSON.parse(stdout) as readonly ReadRegion[];
  const [point, box, ...inPatient] = read;
  const [place, cuboid, sphere] = inPatient;
  assert.deepEqual([point?.trackingId, point?.graphicTypes, point?.points], ['nodule-1', ['POINT'], [[[3.5, 2.25]]]]);
  const corners = [
    [1, 2],
    [4.5, 2],
    [4.5, 6],
    [1, 6],
    [1, 2],
  ];
  assert.deepEqual([box?.graphicTypes, box?.points, box?.image], [['POLYLINE'], [corners], image.sopInstanceUid]);
  assert.deepEqual([place?.graphicTypes, place?.points], [['POINT'], [[[10, -20, -1170]]]]);
  assert.deepEqual(
    cuboid?.graphicTypes,
    Array.from({ length: 6 }, () => 'POLYGON'),
  );
  const every = cuboid!.points.flat();
  const extent = [0, 1, 2]
    .map((axis) => every.map((each) => each[axis]!))
    .map((all) => [Math.min(...all), Math.max(...all)]);
  assert.deepEqual(extent, [
    [6, 14],
    [-25, -15],
    [-1176, -1164],
  ]);
  assert.deepEqual(sphere?.graphicTypes, ['ELLIPSOID']);
  assert.deepEqual(sphere?.points[0]?.slice(0, 2), [
    [6, -20, -1170],
    [14, -20, -1170],
  ]);
  for (const each of inPatient) assert.equal(each.frameOfReference, frameOfReferenceUid);
});
