/** A phantom chest as a scanner sends it, the lungs that it was made of, and the documents that a reading would leave. */
import { ThreadedFrameDecoder } from '../../adapters/codecs/frame-decoder.ts';
import { part10Reader } from '../../adapters/part10/reader.ts';
import { instanceWriter } from '../../adapters/part10/writer.ts';
import { type ChestCt, chestCt } from '../../adapters/phantom/chest-ct.ts';
import { ctFiles } from '../../adapters/phantom/ct-files.ts';
import { TISSUE } from '../../adapters/phantom/raster.ts';
import type { Study } from '../../src/arrival/study.ts';
import type { Segment, Segmentation } from '../../src/assembly/segmentation.ts';
import { sliceVoxels, type Volume } from '../../src/assembly/volume.ts';
import { volumeBuilder } from '../../src/assembly/volume-builder.ts';
import { ANATOMICAL_STRUCTURE, LEFT, LUNG, RIGHT } from '../../src/codes.ts';
import type { SegmentStatistics } from '../../src/inference/model-package.ts';
import type { DocumentName, EncodedInstance } from '../../src/ports.ts';
import { isSkipped } from '../../src/reasons.ts';
import { draft } from '../../src/reporting/draft.ts';
import { embeddingDocument } from '../../src/reporting/embedding-document.ts';
import type { Report } from '../../src/reporting/report.ts';
import { viewOf, viewSetOf } from '../../src/reporting/view.ts';
import { reportTransaction } from '../../src/writeback/fhir.ts';
import { segmentationObject } from '../../src/writeback/segmentation-object.ts';
import { structuredReport } from '../../src/writeback/structured-report.ts';
import { lungCard } from './model-card.ts';
import { sampleEvidence, sampleFindings, sampleReport } from './sample-report.ts';

const SOFTWARE = { name: 'Wetread', version: '0.1.0' };
export const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

/** With a hostile description: it must be shown as text, never as markup. */
const IDENTITY = {
  study: 'chest study',
  series: 'axial',
  seriesNumber: 2,
  patientName: 'Müßiggang^Ägidius',
  patientId: 'SAMPLE-0001',
  accessionNumber: 'A-4711',
  studyDescription: 'CT Thorax <img src=x onerror=alert(1)>',
  seriesDescription: 'Thorax 1.0 B70f',
  bodyPartExamined: 'CHEST',
  imageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
  convolutionKernel: 'B70f',
  patientPosition: 'HFS',
};

export interface ChestStudy {
  readonly study: Study;
  readonly volume: Volume;
  readonly report: Report;
  /** Part 10 by SOP Instance UID. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly documents: Readonly<Record<DocumentName, Uint8Array>>;
}

export async function chestStudy(slices = 30, matrix = 192): Promise<ChestStudy> {
  const ct = chestCt({ slices, matrix, sliceSpacing: 300 / slices, sliceThickness: 1, emphysema: 0.08, noise: 14 });
  const files = new Map<string, Uint8Array>();
  const instances: EncodedInstance[] = [];
  for (const bytes of ctFiles(ct, IDENTITY)) {
    const instance = part10Reader.read(bytes);
    if (isSkipped(instance)) throw new Error(instance.skipped.code);
    files.set(instance.header.sopInstanceUid, bytes);
    instances.push(instance);
  }
  const study = studyOf(instances);
  const volume = await assembled(study, instances);
  return { study, volume, files, ...documentsOf(study, segmentationOf(volume, ct)) };
}

function studyOf(instances: readonly EncodedInstance[]): Study {
  const { header, study } = instances[0]!;
  const { seriesInstanceUid, modality, seriesDescription } = header;
  const references = instances.map(({ header: { sopInstanceUid, sopClassUid } }) => ({ sopInstanceUid, sopClassUid }));
  return {
    header: study,
    series: [{ seriesInstanceUid, modality, seriesDescription: seriesDescription!, instances: references }],
  };
}

async function assembled(study: Study, instances: readonly EncodedInstance[]): Promise<Volume> {
  await using decoder = new ThreadedFrameDecoder();
  const builder = volumeBuilder(
    study.series[0]!,
    (byteLength) => new SharedArrayBuffer(byteLength),
    () => {},
  );
  for (const instance of instances) {
    const placed = builder.place(instance);
    if (isSkipped(placed)) throw new Error(placed.skipped.code);
    for (const { frameIndex, target } of placed.placements) {
      await decoder.decodeInto(instance, frameIndex, target, new AbortController().signal);
    }
  }
  const { volume, skipped } = builder.finish();
  if (volume === undefined) throw new Error(skipped?.code);
  return volume;
}

/** What a perfect model would outline: the lungs as painted, without vessels and airways. */
function segmentationOf(volume: Volume, ct: ChestCt): Segmentation {
  const [slices, rows, columns] = volume.shape;
  const bytesPerSlice = Math.ceil((rows * columns) / 8);
  const common = { category: ANATOMICAL_STRUCTURE, type: LUNG };
  const mask = (tissue: number): Uint8Array => {
    const bits = new Uint8Array(slices * bytesPerSlice);
    for (let k = 0; k < slices; k += 1)
      for (const [i, painted] of ct.slice(k).tissues.entries())
        if (painted === tissue) bits[k * bytesPerSlice + (i >> 3)]! |= 1 << (i & 7);
    return bits;
  };
  const segments: Segment[] = [
    {
      ...common,
      number: 1,
      key: 'lung-right',
      label: 'Right lung',
      laterality: RIGHT,
      color: [255, 160, 64],
      bits: mask(TISSUE.rightLung),
    },
    {
      ...common,
      number: 2,
      key: 'lung-left',
      label: 'Left lung',
      laterality: LEFT,
      color: [88, 190, 255],
      bits: mask(TISSUE.leftLung),
    },
  ];
  return { source: volume, bytesPerSlice, segments };
}

function documentsOf({ header }: Study, segmentation: Segmentation): Pick<ChestStudy, 'report' | 'documents'> {
  const { source: volume } = segmentation;
  const statistics = segmentation.segments.map((segment) => statisticsOf(segmentation, segment));
  const slices = sampleEvidence(volume);
  const findings = sampleFindings(segmentation).map((finding) => {
    const largest = statistics.find((s) => s.segmentNumber === finding.segmentNumber)?.largestSlice;
    return largest === undefined ? finding : { ...finding, evidence: [slices[largest]!] };
  });
  const sample = sampleReport(segmentation);
  const report = draft({
    study: header,
    readings: [
      {
        images: volume,
        findings: { ...sample.readings[0], findings },
        model: {
          card: {
            ...lungCard(),
            caveats: [
              'Inspiration level is unknown; shallow inspiration raises lung density.',
              'Not validated under 18 years.',
            ],
          },
        },
      },
    ],
    provenance: sample.provenance,
  });
  const common = { report, study: header, software: SOFTWARE };
  const seg = segmentationObject({ ...common, segmentation, findings: report.readings[0] });
  const sr = structuredReport({
    ...common,
    sources: [{ images: volume, segmentations: [{ object: seg }] }],
  });
  const writer = instanceWriter();
  const bundle = reportTransaction({
    ...common,
    match: { patient: 'Patient/1' },
    objects: [seg, sr],
    draftStatus: 'preliminary',
  });
  const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  return {
    report,
    documents: {
      'report.json': json(report),
      'view.json': json(
        viewSetOf([{ view: viewOf(volume, lungCard(), { segmentation, statistics }), segmentation: 'seg.dcm' }]),
      ),
      'seg.dcm': writer.write(seg).slice(),
      'sr.dcm': writer.write(sr).slice(),
      'bundle.json': json(bundle),
      'trace.json': json(TRACE),
      'embedding.json': json(
        embeddingDocument(report.studyInstanceUid, [{ findings: report.readings[0], embeddings: [VECTOR] }])!,
      ),
    },
  };
}

function statisticsOf({ source: volume, bytesPerSlice }: Segmentation, { number, bits }: Segment): SegmentStatistics {
  const [slices, rows, columns] = volume.shape;
  const histogram = new Uint32Array(1200);
  const areas = Array.from({ length: slices }, () => 0);
  for (let k = 0; k < slices; k += 1) {
    const voxels = sliceVoxels(volume, k);
    for (let i = 0; i < rows * columns; i += 1) {
      if (((bits[k * bytesPerSlice + (i >> 3)]! >> (i & 7)) & 1) === 0) continue;
      areas[k]! += 1;
      histogram[Math.min(Math.max(voxels[i]!, 0), 1199)]! += 1;
    }
  }
  return {
    segmentNumber: number,
    voxels: areas.reduce((a, b) => a + b, 0),
    sum: 0,
    sumOfSquares: 0,
    histogramLow: -1024,
    histogram,
    largestSlice: areas.indexOf(Math.max(...areas)),
    firstSlice: areas.findIndex((a) => a > 0),
    lastSlice: areas.findLastIndex((a) => a > 0),
  };
}

/** Of no model: a study may have a vector, and this one is small. */
const VECTOR = { tensor: 'embedding', vector: [0.6, 0.8] };

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
  const assembly = span('wetread.assembly', root.spanId, 95, 2335, { slices: 30 });
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
