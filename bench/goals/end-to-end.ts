/** G11: from the last image that a real PACS takes to a draft that PACS and EHR can read, with a model that costs nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sendByStow } from '../../services/wetread/cli/send.ts';
import { writeNullModel } from '../../test/support/null-model.ts';
import { startOrthanc, withoutOrthanc } from '../../test/support/orthanc.ts';
import { datedToday } from '../../test/support/phantom-studies.ts';
import { runWetread } from '../../test/support/running-wetread.ts';
import { type Context, unanswered } from '../harness/context.ts';
import { timed } from '../harness/processor-time.ts';
import type { Question } from '../harness/verdict.ts';
import { startCurl } from '../native/curl.ts';
import { renamed } from '../study/renamed.ts';

const PORT = 25_370;
const QUIET_SECONDS = 2;
const CURL = 'curl of the study, from Orthanc';
const DRAFT = 'last image stored to SR and DiagnosticReport';

const QUESTION: Question = {
  goal: 'G11',
  title: `last image in Orthanc to SR and DiagnosticReport / (quiet period of ${QUIET_SECONDS} s + 3 × curl)`,
  target: { kind: 'at-most', value: 1 },
  unit: 'ratio',
  measure: (samples) => samples[DRAFT]!.wallMs / (1000 * QUIET_SECONDS + 3 * samples[CURL]!.wallMs),
};

export async function endToEnd({ bench, replay }: Context): Promise<void> {
  if (withoutOrthanc !== false) return bench.add(unanswered(QUESTION, 'limit-missing', withoutOrthanc));
  await using stack = new AsyncDisposableStack();
  const orthanc = stack.use(await startOrthanc({ httpPort: PORT, dicomPort: PORT + 1 }));
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'wetread-bench-')), (path) =>
    rmSync(path, { recursive: true }),
  );
  const url = `${orthanc.url}/dicom-web`;
  const wetread = stack.use(
    await runWetread({
      bundledModels: false,
      models: [await writeNullModel(folder)],
      archive: { kind: 'dicomweb', url, polling: { changes: 'orthanc', intervalSeconds: 0.5 } },
      completeness: { quietSeconds: QUIET_SECONDS },
    }),
  );
  const { series, studyInstanceUid } = replay.phantom;
  const files = datedToday([...replay.phantom.files()]);
  const store = (copy: number) => sendByStow(`${url}/studies`, renamed(files, copy), () => {});
  await store(999);
  await filed(wetread, 1);
  const [first] = await wetread.wetread.ports.ledger.list();
  const seriesUrl = `${url}/studies/${first!.studyInstanceUid}/series/${renamedUid(series.seriesInstanceUid, 999)}`;
  if (first!.studyInstanceUid !== renamedUid(studyInstanceUid, 999)) throw new Error('another study was read');
  const curl = stack.use(await startCurl(seriesUrl));
  let copy = 0;
  await bench.compare(
    [QUESTION],
    [
      { name: CURL, role: 'limit', run: () => curl.run() },
      {
        name: DRAFT,
        role: 'product',
        run: async () => {
          copy += 1;
          await store(copy);
          return timed(() => filed(wetread, copy + 1));
        },
      },
    ],
  );
}

function renamedUid(uid: string, copy: number): string {
  return `${uid.slice(0, 15)}${String(copy).padStart(3, '0')}${uid.slice(18)}`;
}

/** Resolves when so many studies are filed: SR and DiagnosticReport have been read back by then. */
async function filed({ wetread }: Awaited<ReturnType<typeof runWetread>>, count: number): Promise<void> {
  for (;;) {
    const records = await wetread.ports.ledger.list();
    if (records.filter(({ state }) => state === 'filed').length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
