/** G12: what is written back: SR and FHIR built and encoded; the SEG, which carries voxels, beside it. */
import { instanceWriter } from '../../adapters/part10/writer.ts';
import { software } from '../../services/wetread/version.ts';
import type { StudyHeader } from '../../src/arrival/study.ts';
import type { DicomObject } from '../../src/writeback/artifact.ts';
import { reportTransaction } from '../../src/writeback/fhir.ts';
import { segmentationObject } from '../../src/writeback/segmentation-object.ts';
import { structuredReport } from '../../src/writeback/structured-report.ts';
import { type Context, unanswered } from '../harness/context.ts';
import { type Sample, timed } from '../harness/processor-time.ts';
import { median } from '../harness/statistics.ts';
import type { Question } from '../harness/verdict.ts';
import { never, Product } from '../product.ts';
import { lungModel, read, reportOf } from '../reading.ts';
import { startService } from './inference.ts';

const REPORT = 'SR and FHIR transaction, built and encoded';
const SEG = 'SEG, built and encoded';
/** One is over in milliseconds: a round takes the median of as many. */
const REPETITIONS = 15;

const wall = (line: string) => (samples: Readonly<Record<string, Sample>>) => samples[line]!.wallMs;
const QUESTIONS: readonly Question[] = [
  { goal: 'G12', title: 'SR + FHIR', target: { kind: 'at-most', value: 5 }, unit: 'ms', measure: wall(REPORT) },
  { goal: 'G12', title: 'SEG of both lungs', target: { kind: 'none' }, unit: 'ms', measure: wall(SEG) },
];

export async function writeBack({ bench, replay }: Context): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const product = stack.use(new Product());
  const service = stack.adopt(startService(), (child) => child.close());
  const model = await lungModel();
  const { studyInstanceUid, series } = replay.phantom;
  const archive = await Product.archive(replay.url, studyInstanceUid);
  const volume = await product.volume(archive, studyInstanceUid, series);
  const study = (await archive.findStudy(studyInstanceUid, never))!.header;
  const { segmentation, findings } = await read(product, model, volume, service.engine);
  await service.close();
  const report = reportOf(model, volume, findings, study);
  const writer = instanceWriter();
  const common = { report, study, software };
  const seg = (): DicomObject => segmentationObject({ ...common, segmentation, findings });
  const encodedSeg = seg();
  const reportAndRecord = (): readonly Uint8Array[] => {
    const sr = structuredReport({ ...common, sources: [{ images: volume, segmentations: [{ object: encodedSeg }] }] });
    return [writer.write(sr), transaction(common, [encodedSeg, sr])];
  };
  if (Buffer.compare(Buffer.concat(reportAndRecord()), Buffer.concat(reportAndRecord())) !== 0) {
    for (const question of QUESTIONS) bench.add(unanswered(question, 'unequal', 'the same work gives other bytes'));
    return;
  }
  await bench.compare(QUESTIONS, [
    { name: REPORT, role: 'product', run: () => repeated(reportAndRecord) },
    { name: SEG, role: 'product', run: () => repeated(() => writer.write(seg())) },
  ]);
}

function transaction(
  common: {
    readonly report: ReturnType<typeof reportOf>;
    readonly study: StudyHeader;
    readonly software: typeof software;
  },
  objects: readonly DicomObject[],
): Uint8Array {
  const bundle = reportTransaction({
    ...common,
    objects,
    match: { patient: 'Patient/1', serviceRequest: 'ServiceRequest/1' },
    draftStatus: 'preliminary',
    modalities: new Map(common.report.readings.map(({ seriesInstanceUid }) => [seriesInstanceUid, 'CT'])),
    numberOfSeries: 1,
    numberOfInstances: 300,
  });
  return new TextEncoder().encode(JSON.stringify(bundle));
}

async function repeated(work: () => unknown): Promise<Sample> {
  const samples: Sample[] = [];
  for (let k = 0; k < REPETITIONS; k++) samples.push(await timed(async () => work()));
  return { wallMs: median(samples.map((s) => s.wallMs)), cpuMs: median(samples.map((s) => s.cpuMs)) };
}
