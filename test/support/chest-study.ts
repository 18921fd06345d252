/** A phantom chest with the lungs that it was made of, and the real documents that a reading of it would leave. */
import { instanceWriter } from '../../adapters/part10/writer.ts';
import { chestCt } from '../../adapters/phantom/chest-ct.ts';
import { TISSUE } from '../../adapters/phantom/raster.ts';
import type { StudyHeader } from '../../src/arrival/study.ts';
import type { Segment, Segmentation } from '../../src/assembly/segmentation.ts';
import { sliceVoxels, type Volume } from '../../src/assembly/volume.ts';
import { ANATOMICAL_STRUCTURE, LEFT, LUNG, RIGHT } from '../../src/codes.ts';
import type { SegmentStatistics } from '../../src/inference/model-package.ts';
import type { DocumentName } from '../../src/ports.ts';
import { draft } from '../../src/reporting/draft.ts';
import type { Report } from '../../src/reporting/report.ts';
import { viewOf } from '../../src/reporting/view.ts';
import { reportTransaction } from '../../src/writeback/fhir.ts';
import { segmentationObject } from '../../src/writeback/segmentation-object.ts';
import { structuredReport } from '../../src/writeback/structured-report.ts';
import { sampleEvidence, sampleFindings, sampleReport, sampleStudyHeader, sampleVolume } from './sample-report.ts';

const SOFTWARE = { name: 'Wetread', version: '0.1.0' };
const SLICES = Number(process.env['FIXTURE_SLICES'] ?? 30);
const MATRIX = Number(process.env['FIXTURE_MATRIX'] ?? 192);
export const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

export interface ChestStudy {
  readonly volume: Volume;
  readonly report: Report;
  readonly documents: Readonly<Record<DocumentName, Uint8Array>>;
}

/** The phantom as a volume with the lungs that it was made of. */
export function chestStudy(): ChestStudy {
  const ct = chestCt({ slices: SLICES, matrix: MATRIX, sliceSpacing: 300 / SLICES, emphysema: 0.08, noise: 14 });
  const base = sampleVolume({
    name: 'page',
    shape: [SLICES, MATRIX, MATRIX],
    spacing: [300 / SLICES, ct.geometry.pixelSpacing[0], ct.geometry.pixelSpacing[1]],
    origin: ct.geometry.imagePositionPatient(0),
  });
  const volume: Volume = {
    ...base,
    slices: base.slices.map((slice) => ({ ...slice, intercept: 0 })),
    header: {
      ...base.header,
      convolutionKernel: 'B70f',
      frames: [{ ...base.header.frames[0]!, rescaleIntercept: 0, sliceThickness: 1 }],
    },
  };
  const bytesPerSlice = Math.ceil((MATRIX * MATRIX) / 8);
  const segments = [
    {
      number: 1,
      key: 'lung-right',
      label: 'Right lung',
      laterality: RIGHT,
      color: [255, 160, 64] as const,
      tissue: TISSUE.rightLung,
    },
    {
      number: 2,
      key: 'lung-left',
      label: 'Left lung',
      laterality: LEFT,
      color: [88, 190, 255] as const,
      tissue: TISSUE.leftLung,
    },
  ].map((s) => ({ ...s, category: ANATOMICAL_STRUCTURE, type: LUNG, bits: new Uint8Array(SLICES * bytesPerSlice) }));
  for (let k = 0; k < SLICES; k += 1) {
    const { voxels, tissues } = ct.slice(k);
    sliceVoxels(volume, k).set(voxels);
    for (const { bits, tissue } of segments)
      for (let i = 0; i < tissues.length; i += 1)
        if (tissues[i] === tissue) bits[k * bytesPerSlice + (i >> 3)]! |= 1 << (i & 7);
  }
  const segmentation: Segmentation = { volume, bytesPerSlice, segments };
  return documentsOf(segmentation);
}

function documentsOf(segmentation: Segmentation): ChestStudy {
  const { volume } = segmentation;
  const statistics = segmentation.segments.map((segment) => statisticsOf(segmentation, segment));
  const slices = sampleEvidence(volume);
  const findings = sampleFindings(segmentation).map((finding) => {
    const largest = statistics.find((s) => s.segmentNumber === finding.segmentNumber)?.largestSlice;
    return largest === undefined ? finding : { ...finding, evidence: [slices[largest]!] };
  });
  const sample = sampleReport(segmentation);
  const study = chestHeader(volume);
  const report = draft({
    study,
    volume,
    findings: { ...sample.findings, findings },
    cardCaveats: [
      'Inspiration level is unknown; shallow inspiration raises lung density.',
      'Not validated under 18 years.',
    ],
    provenance: sample.provenance,
  });
  const common = { report, study, software: SOFTWARE };
  const seg = segmentationObject({ ...common, segmentation });
  const sr = structuredReport({ ...common, volume, segmentation: seg });
  const writer = instanceWriter();
  const bundle = reportTransaction({
    ...common,
    match: { patient: 'Patient/1' },
    objects: [seg, sr],
    draftStatus: 'preliminary',
  });
  const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  return {
    volume,
    report,
    documents: {
      'report.json': json(report),
      'view.json': json(viewOf(volume, segmentation, statistics)),
      'seg.dcm': writer.write(seg).slice(),
      'sr.dcm': writer.write(sr).slice(),
      'bundle.json': json(bundle),
      'trace.json': json(TRACE),
    },
  };
}

function statisticsOf({ volume, bytesPerSlice }: Segmentation, { number, bits }: Segment): SegmentStatistics {
  const [slices, rows, columns] = volume.shape;
  const histogram = new Uint32Array(1200);
  const areas = Array.from({ length: slices }, () => 0);
  for (let k = 0; k < slices; k += 1) {
    const voxels = sliceVoxels(volume, k);
    for (let i = 0; i < rows * columns; i += 1) {
      if (((bits[k * bytesPerSlice + (i >> 3)]! >> (i & 7)) & 1) === 0) continue;
      areas[k]! += 1;
      histogram[Math.min(Math.max(voxels[i]! + 1024, 0), 1199)]! += 1;
    }
  }
  return {
    segmentNumber: number,
    voxels: areas.reduce((a, b) => a + b, 0),
    sum: 0,
    histogramLow: -1024,
    histogram,
    largestSlice: areas.indexOf(Math.max(...areas)),
    firstSlice: areas.findIndex((a) => a > 0),
    lastSlice: areas.findLastIndex((a) => a > 0),
  };
}

/** With a hostile description: it must be shown as text, never as markup. */
export function chestHeader({ studyInstanceUid }: Pick<Volume, 'studyInstanceUid'>): StudyHeader {
  return {
    ...sampleStudyHeader(sampleVolume()),
    studyInstanceUid,
    studyDescription: 'CT Thorax <img src=x onerror=alert(1)>',
  };
}

const MILLISECOND = 1_000_000n;
let nextSpan = 1;
function span(
  name: string,
  parentSpanId: string | undefined,
  startMs: number,
  endMs: number,
  attributes: object = {},
): { readonly spanId: string } {
  const start = 1_790_000_000_000n * MILLISECOND;
  const made = {
    traceId: TRACE_ID,
    spanId: (nextSpan++).toString(16).padStart(16, '0'),
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    startTimeUnixNano: String(start + BigInt(startMs) * MILLISECOND),
    endTimeUnixNano: String(start + BigInt(endMs) * MILLISECOND),
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: { intValue: String(value) } })),
  };
  return made;
}

const TRACE = (() => {
  const root = span('wetread.read', undefined, 0, 6400);
  const assembly = span('wetread.assembly', root.spanId, 95, 2335, { slices: SLICES });
  const inference = span('wetread.inference', root.spanId, 2336, 6146);
  const http = span('inference.http', inference.spanId, 2800, 5700);
  const spans = [
    root,
    span('wetread.arrival', root.spanId, 1, 93),
    assembly,
    span('retrieve', assembly.spanId, 96, 2200),
    inference,
    span('resample', inference.spanId, 2340, 2795),
    http,
    span('wetread.reporting', root.spanId, 6147, 6211),
    span('wetread.writeback', root.spanId, 6212, 6400),
  ];
  const other = span('inference.run', http.spanId, 2850, 5650);
  const resource = (name: string): object => ({ attributes: [{ key: 'service.name', value: { stringValue: name } }] });
  return {
    resourceSpans: [
      { resource: resource('wetread'), scopeSpans: [{ spans }] },
      { resource: resource('wetread-inference'), scopeSpans: [{ spans: [other] }] },
    ],
  };
})();
