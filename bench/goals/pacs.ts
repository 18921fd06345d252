/** G1 and G2 once more, and G5, from a real PACS: Orthanc sends as fast as it can, which is what a site gets. */

import { sendByStow } from '../../services/wetread/cli/send.ts';
import { startOrthanc, withoutOrthanc } from '../../test/support/orthanc.ts';
import { type Context, unanswered } from '../harness/context.ts';
import { type Sample, timed } from '../harness/processor-time.ts';
import type { Line, Question } from '../harness/verdict.ts';
import { curlMissing, startCurl } from '../native/curl.ts';
import { requestsMissing, startRequests } from '../native/requests.ts';
import { Product } from '../product.ts';
import { inputFault, referenceInput, volumeFault } from '../reference.ts';

const CURL = 'curl to /dev/null, from Orthanc';
const MEMCPY = 'memcpy of the pixels';
const VOLUME = 'Orthanc to volume';
const INPUT = 'Orthanc to model input';
const PYTHON = 'requests, pydicom and numpy to volume';
const PORT = 25_350;

type Samples = Readonly<Record<string, Sample>>;

const overLimit = (line: string) => (samples: Samples) =>
  samples[line]!.wallMs / (samples[CURL]!.wallMs + samples[MEMCPY]!.wallMs);

const RETRIEVE: readonly Question[] = [
  {
    goal: 'G1',
    title: 'from Orthanc: bytes to sorted INT16 volume / (curl + memcpy)',
    target: { kind: 'at-most', value: 1.3 },
    unit: 'ratio',
    measure: overLimit(VOLUME),
  },
  {
    goal: 'G2',
    title: 'from Orthanc: bytes to model input / (curl + memcpy)',
    target: { kind: 'at-most', value: 1.6 },
    unit: 'ratio',
    measure: overLimit(INPUT),
  },
];

const PEER: readonly Question[] = [
  {
    goal: 'G5',
    title: 'retrieve to volume / requests + pydicom, wall',
    target: { kind: 'at-most', value: 1 / 3.5 },
    unit: 'ratio',
    measure: (samples) => samples[VOLUME]!.wallMs / samples[PYTHON]!.wallMs,
  },
  {
    goal: 'G5',
    title: 'retrieve to volume / requests + pydicom, CPU',
    target: { kind: 'at-most', value: 1 / 5 },
    unit: 'ratio',
    measure: (samples) => samples[VOLUME]!.cpuMs / samples[PYTHON]!.cpuMs,
  },
];

export async function pacs({ bench, size, replay }: Context): Promise<void> {
  const missing = withoutOrthanc === false ? curlMissing() : withoutOrthanc;
  if (missing !== undefined) return leave(bench, RETRIEVE, 'limit-missing', missing);
  await using stack = new AsyncDisposableStack();
  const orthanc = stack.use(await startOrthanc({ httpPort: PORT, dicomPort: PORT + 1 }));
  const url = `${orthanc.url}/dicom-web`;
  const { failed } = await sendByStow(`${url}/studies`, replay.phantom.files(), () => {});
  if (failed > 0) throw new Error('Orthanc does not take the study');
  const product = stack.use(new Product());
  const { studyInstanceUid, series } = replay.phantom;
  const archive = await Product.archive(url, studyInstanceUid);
  const read = () => product.volume(archive, studyInstanceUid, series);
  const volume = await read();
  const fault =
    volumeFault(volume, replay.phantom) ?? inputFault(await product.input(volume), referenceInput(replay.phantom));
  product.release(volume);
  if (fault !== undefined) return leave(bench, RETRIEVE, 'unequal', fault);

  const seriesUrl = `${url}/studies/${studyInstanceUid}/series/${series.seriesInstanceUid}`;
  const curl = stack.use(await startCurl(seriesUrl));
  const pixelBytes = size.slices * size.matrix ** 2 * 2;
  const readInput = async (): Promise<void> => {
    const volume = await read();
    await product.input(volume);
    product.release(volume);
  };
  const lines: Line[] = [
    { name: CURL, role: 'limit', run: () => curl.run() },
    { name: MEMCPY, role: 'limit', run: () => timed(async () => bench.gate.copy(pixelBytes)) },
    { name: VOLUME, role: 'product', run: () => timed(async () => product.release(await read())) },
    { name: INPUT, role: 'product', run: () => timed(readInput) },
  ];
  const withoutPython = requestsMissing();
  if (withoutPython !== undefined) {
    leave(bench, PEER, 'limit-missing', withoutPython);
    await bench.compare(RETRIEVE, lines);
    return;
  }
  const requests = stack.use(await startRequests(seriesUrl));
  await bench.compare([...RETRIEVE, ...PEER], [...lines, { name: PYTHON, role: 'limit', run: () => requests.run() }]);
}

function leave(
  bench: Context['bench'],
  questions: readonly Question[],
  verdict: 'limit-missing' | 'unequal',
  note: string,
): void {
  for (const question of questions) bench.add(unanswered(question, verdict, note));
}
