/**
 * A ledger with a study in every state that the page tells apart, served by the real router: a phantom chest with its
 * real draft, SR, SEG and FHIR transaction. Nothing here comes from a patient.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import { part10Reader } from '../../adapters/part10/reader.ts';
import { instanceWriter } from '../../adapters/part10/writer.ts';
import { chestCt } from '../../adapters/phantom/chest-ct.ts';
import { TISSUE } from '../../adapters/phantom/raster.ts';
import { sqliteLedger } from '../../adapters/sqlite/ledger.ts';
import { reviewRouter } from '../../services/review/api.ts';
import type { StudyTransition } from '../../src/arrival/lifecycle.ts';
import type { ImageHeader, Study, StudyHeader } from '../../src/arrival/study.ts';
import type { Segment, Segmentation } from '../../src/assembly/segmentation.ts';
import { sliceVoxels, type Volume } from '../../src/assembly/volume.ts';
import { ANATOMICAL_STRUCTURE, LEFT, LUNG, RIGHT } from '../../src/codes.ts';
import { WetreadError } from '../../src/errors.ts';
import type { SegmentStatistics } from '../../src/inference/model-package.ts';
import type { Attempt, DocumentName, EncodedInstance, Ledger, RecordPatch } from '../../src/ports.ts';
import { draft } from '../../src/reporting/draft.ts';
import type { Report } from '../../src/reporting/report.ts';
import { viewOf } from '../../src/reporting/view.ts';
import { nameBasedUid, type StudyInstanceUid } from '../../src/uid.ts';
import { reportTransaction } from '../../src/writeback/fhir.ts';
import { segmentationObject } from '../../src/writeback/segmentation-object.ts';
import { structuredReport } from '../../src/writeback/structured-report.ts';
import {
  sampleEvidence,
  sampleFindings,
  sampleReport,
  sampleStudyHeader,
  sampleVolume,
} from '../support/sample-report.ts';

const SOFTWARE = { name: 'Wetread', version: '0.1.0' };
const SLICES = Number(process.env['FIXTURE_SLICES'] ?? 40);
const MATRIX = Number(process.env['FIXTURE_MATRIX'] ?? 256);

export interface ReviewFixture extends AsyncDisposable {
  readonly url: string;
  readonly ledger: Ledger;
  readonly volume: Volume;
  readonly report: Report;
  readonly studies: Readonly<Record<string, StudyInstanceUid>>;
  /** Moves the study that is being read to its end. */
  finishReading(): Promise<void>;
}

export async function reviewFixture(
  options: { readonly port?: number; readonly empty?: boolean } = {},
): Promise<ReviewFixture> {
  const ledger = sqliteLedger({
    file: ':memory:',
    clock: { now: () => new Date(), monotonicMs: () => performance.now() },
  });
  const chest = chestStudy();
  const studies: Record<string, StudyInstanceUid> = { filed: chest.volume.studyInstanceUid };
  let reading: Attempt | undefined;
  if (options.empty !== true) {
    for (const [name, ends] of Object.entries(ENDS)) {
      studies[name] = nameBasedUid<StudyInstanceUid>('page', name);
      await bring(ledger, studies[name], ends);
    }
    studies['held'] = nameBasedUid<StudyInstanceUid>('page', 'held');
    await bring(
      ledger,
      studies['held'],
      [['draft'], ['hold', { reason: { code: 'patient-mismatch', detail: 'birth date differs' } }]],
      chest,
    );
    studies['reading'] = nameBasedUid<StudyInstanceUid>('page', 'reading');
    reading = await bring(ledger, studies['reading'], []);
    await bring(ledger, chest.volume.studyInstanceUid, [['draft'], ['file', FILED]], chest);
  }
  const app = express();
  app.use(
    reviewRouter({
      ledger,
      findStudy: async (uid) =>
        uid === studies['parked']
          ? Promise.reject(new WetreadError('archive-unreachable', 'The archive did not answer'))
          : studyOf(uid, chest),
      retrieveInstance: async (_study, _series, sopInstanceUid) => new TextEncoder().encode(sopInstanceUid),
      reader: {
        read: (bytes) =>
          bytes.length > 64 ? part10Reader.read(bytes) : instanceOf(chest.volume, new TextDecoder().decode(bytes)),
      },
      decoder: {
        decode: async (instance) => {
          const k = chest.volume.slices.findIndex((s) => s.sopInstanceUid === instance.header.sopInstanceUid);
          const [, rows, columns] = chest.volume.shape;
          return { rows, columns, samplesPerPixel: 1, pixels: sliceVoxels(chest.volume, k) };
        },
        decodeInto: async () => undefined,
      },
      publicDirectory: join(import.meta.dirname, '..', '..', 'services', 'review', 'public'),
      fhirPath: '/fhir',
      log: { write: () => {} },
    }),
  );
  app.get('/fhir/DiagnosticReport', (_request, response) =>
    response.json({ resourceType: 'Bundle', type: 'searchset' }),
  );
  const server = createServer(app).listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ledger,
    volume: chest.volume,
    report: chest.report,
    studies,
    finishReading: async () => {
      await ledger.advance(reading!, 'refuse', {
        reason: { code: 'coverage-insufficient', detail: 'lungs touch the last slice' },
      });
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      ledger[Symbol.dispose]();
    },
  };
}

type End = readonly [StudyTransition, RecordPatch?];

const TIMINGS = { arrival: 92, assembly: 2240, inference: 3810, reporting: 64, writeback: 188 };
const SERIES_ASIDE = nameBasedUid('page', 'series aside');
const FILED: RecordPatch = {
  timingsMs: TIMINGS,
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  notRead: [
    { seriesInstanceUid: SERIES_ASIDE, count: 2, reason: { code: 'localizer' } },
    {
      seriesInstanceUid: nameBasedUid('page', 'thick'),
      count: 44,
      reason: { code: 'slice-too-thick', detail: '5.0 mm, the model allows 3.0 mm' },
    },
  ],
};

const ENDS: Readonly<Record<string, readonly End[]>> = {
  'not-selected': [['select-none', { reason: { code: 'no-model-selected' }, timingsMs: { arrival: 40 } }]],
  'not-evaluable': [
    [
      'refuse',
      {
        reason: { code: 'slices-missing', detail: 'gap of 10.0 mm after slice 41' },
        timingsMs: { arrival: 71, assembly: 1804 },
        traceId: 'a3ce929d0e0e47364bf92f3577b34da6',
        notRead: [
          {
            seriesInstanceUid: SERIES_ASIDE,
            count: 118,
            reason: { code: 'slices-missing', detail: 'gap of 10.0 mm after slice 41' },
          },
        ],
      },
    ],
  ],
  failed: [
    [
      'fail',
      {
        reason: { code: 'inference-unreachable' },
        retryAt: new Date(Date.now() + 110_000).toISOString(),
        timingsMs: TIMINGS,
      },
    ],
  ],
  parked: [['park', { reason: { code: 'archive-unreachable' } }]],
};

interface Chest {
  readonly volume: Volume;
  readonly report: Report;
  readonly documents: Readonly<Record<DocumentName, Uint8Array>>;
}

async function bring(ledger: Ledger, uid: StudyInstanceUid, ends: readonly End[], chest?: Chest): Promise<Attempt> {
  const now = new Date().toISOString();
  await ledger.notice({ source: 'stow', studyInstanceUid: uid, receivedAt: now }, now);
  const attempt = await ledger.claim('page', 60_000);
  if (attempt === undefined) throw new Error('The study could not be claimed');
  for (const [name, bytes] of Object.entries(chest?.documents ?? {})) {
    if (ends.some(([transition]) => transition === 'hold') && name === 'bundle.json') continue;
    await ledger.saveDocument(attempt, name as DocumentName, bytes);
  }
  for (const [transition, patch] of ends) await ledger.advance(attempt, transition, patch);
  return attempt;
}

/** The phantom as a volume with the lungs that it was made of. */
function chestStudy(): Chest {
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

function documentsOf(segmentation: Segmentation): Chest {
  const { volume } = segmentation;
  const statistics = segmentation.segments.map((segment) => statisticsOf(segmentation, segment));
  const slices = sampleEvidence(volume);
  const findings = sampleFindings(segmentation).map((finding) => {
    const largest = statistics.find((s) => s.segmentNumber === finding.segmentNumber)?.largestSlice;
    return largest === undefined ? finding : { ...finding, evidence: [slices[largest]!] };
  });
  const sample = sampleReport(segmentation);
  const study = header(volume.studyInstanceUid);
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

function header(studyInstanceUid: StudyInstanceUid): StudyHeader {
  return {
    ...sampleStudyHeader(sampleVolume(), {}),
    studyInstanceUid,
    // A hostile header: shown as text, never as markup.
    studyDescription: 'CT Thorax <img src=x onerror=alert(1)>',
  };
}

function studyOf(uid: StudyInstanceUid, chest: Chest): Study {
  const series = {
    seriesInstanceUid: chest.volume.seriesInstanceUid,
    modality: 'CT',
    seriesDescription: 'Thorax 1.0 B70f',
    instances: [],
  };
  return {
    header: header(uid),
    series: [series, { ...series, seriesInstanceUid: SERIES_ASIDE, seriesDescription: 'Topogram' }],
  } as unknown as Study;
}

function instanceOf(volume: Volume, sopInstanceUid: string): EncodedInstance {
  const imageHeader: ImageHeader = { ...volume.header, sopInstanceUid: sopInstanceUid as never };
  return { header: imageHeader } as EncodedInstance;
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
    traceId: FILED.traceId,
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
