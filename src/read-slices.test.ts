import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chatCompletionsGenerator } from '../adapters/chat-completions/generator.ts';
import { encodePng } from '../adapters/rendering/png.ts';
import { CHAT_TOKEN, type ChatServer, type Misbehaviour, startChatServer } from '../test/support/chat-server.ts';
import { outline } from '../test/support/content-tree.ts';
import { packageOf } from '../test/support/model-card.ts';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../test/support/sample-report.ts';
import { PROMPT, textCard } from '../test/support/text-package.ts';
import type { StudyHeader } from './arrival/study.ts';
import type { Volume } from './assembly/volume.ts';
import { reads } from './inference/model-package.ts';
import type { Reading } from './inference/reading.ts';
import { makeDraft } from './make-draft.ts';
import { readSlices } from './read-slices.ts';
import { isSkipped, type Reason, type Skipped } from './reasons.ts';
import { reportText } from './reporting/draft.ts';

let server: ChatServer;
before(async () => {
  server = await startChatServer();
});
after(() => server.close());

const sample = sampleVolume({ spacing: [10, 20, 20] });
const provenance = sampleReport(sampleSegmentation(sample)).provenance;
const never = new AbortController().signal;

interface Asking {
  readonly header?: Partial<Volume['header']>;
  readonly study?: Partial<StudyHeader>;
  readonly remote?: boolean;
  /** The card takes images with burned-in text. */
  readonly accepts?: boolean;
}

async function read(
  misbehave?: Misbehaviour,
  { header, study, remote = true, accepts }: Asking = {},
): Promise<Reading | Skipped> {
  const card = textCard();
  assert.ok(reads(card, 'slices'));
  if (accepts === true) card.input.gate.burnedInText = 'accepted';
  server.misbehave = misbehave;
  const authorize = (): Promise<Record<string, string>> => Promise.resolve({ authorization: `Bearer ${CHAT_TOKEN}` });
  const servers = new Map([['pictures', { url: server.url, remote, timeoutMs: 10_000, authorize }]]);
  const generator = chatCompletionsGenerator({ servers, encode: encodePng });
  const volume = { ...sample, header: { ...sample.header, ...header } };
  const model = { ...packageOf(card), card, prompt: PROMPT };
  try {
    return await readSlices(
      { text: generator, log: { write: () => {} } },
      model,
      volume,
      sampleStudyHeader(volume, study),
      never,
    );
  } finally {
    await generator.close();
  }
}

/** What the server says in place of what it sees: sentences of the findings. */
function saying(...texts: readonly (string | object)[]): Misbehaviour {
  const findings = texts.map((text) => {
    return { picture: null, label: null, presence: null, ...(typeof text === 'string' ? { text } : text) };
  });
  return { content: JSON.stringify({ evaluable: true, findings, impression: [] }) };
}

async function reasonOf(reading: Promise<Reading | Skipped>): Promise<Reason> {
  const found = await reading;
  assert.ok(isSkipped(found));
  return found.skipped;
}

test('WR-VLM-08 images with burned-in text, or that the gate refuses, never leave', async () => {
  const before = server.bodies.length;
  assert.equal((await reasonOf(read(undefined, { header: { burnedInAnnotation: 'YES' } }))).code, 'burned-in-text');
  assert.equal((await reasonOf(read(undefined, { header: { bodyPartExamined: 'KNEE' } }))).code, 'wrong-body-part');
  const accepting = read(undefined, { header: { burnedInAnnotation: 'YES' }, accepts: true });
  assert.equal((await reasonOf(accepting)).code, 'burned-in-text', 'whatever the card accepts');
  assert.equal(server.bodies.length, before);
});

test('WR-VLM-09 the text of the order goes to a server of the site, never to one outside', async () => {
  const requests = [{ reasonForTheRequestedProcedure: 'Cough; Mr Müßiggang smokes' }];
  assert.ok(!isSkipped(await read(undefined, { study: { requests }, remote: false })));
  assert.match(server.bodies.at(-1)!, /Müßiggang smokes/);
  assert.ok(!isSkipped(await read(undefined, { study: { requests }, remote: true })));
  assert.doesNotMatch(server.bodies.at(-1)!, /Cough|smokes/);
});

test('WR-VLM-06 a model that abstains, or answers what cannot be used, leaves the series unread, with the reason', async () => {
  assert.equal((await reasonOf(read({ content: null, refusal: 'no' }))).code, 'model-abstained');
  assert.equal((await reasonOf(read({ content: 'The lungs are clear.' }))).code, 'answer-unusable');
  assert.equal((await reasonOf(read({ content: '{"eval', finish: 'length' }))).code, 'answer-unusable');
  const both = read(saying('The uterus is normal.', 'Prepared by Dr. Meier.'), { header: { patientSex: 'M' } });
  assert.deepEqual(await reasonOf(both), {
    code: 'answer-unusable',
    detail: 'withheld: another sex (1), names or numbers of persons (1)',
  });
});

test('WR-TXT-04 what a reader must check stands behind the sentence, and how much was withheld is said', async () => {
  const reading = await read(
    saying('The lungs are clear.', 'A nodule of 8 mm is unchanged.', 'The uterus is normal.', 'Mr Müßiggang smokes.'),
    { header: { patientSex: 'M' } },
  );
  assert.ok(!isSkipped(reading));
  const { report } = makeDraft({ study: sampleStudyHeader(sample), readings: [reading], unavailable: [] }, provenance);
  assert.deepEqual(
    report.sections.find(({ key }) => key === 'findings')!.sentences.map(({ text, flags }) => [text, ...(flags ?? [])]),
    [
      ['Text generated by a language model (ct-chest-text 1.0.0) from pictures; nothing in it is measured.'],
      ['The lungs are clear.'],
      [
        'A nodule of 8 mm is unchanged. [Check: a comparison without an earlier study, a measurement]',
        'comparison',
        'measurement',
      ],
      ['2 generated sentences were withheld: another sex (1), names or numbers of persons (1).'],
    ],
  );
  assert.doesNotMatch(reportText(report), /smokes|uterus/);
});

test('WR-TXT-05 a number in a text becomes no measurement, in no output; text without a code is no statement on findings', async () => {
  const reading = await read(saying('A nodule of 8 mm.'));
  assert.ok(!isSkipped(reading));
  assert.deepEqual(reading.findings.findings, []);
  const { objects } = makeDraft({ study: sampleStudyHeader(sample), readings: [reading], unavailable: [] }, provenance);
  assert.deepEqual(
    objects.map(({ object }) => object.kind),
    ['sr'],
  );
  const lines = outline(objects[0]!.object.dataSet);
  assert.ok(
    lines.some((line) => line.includes('TEXT Finding = A nodule of 8 mm. [Check: a measurement]')),
    lines.join('\n'),
  );
  assert.deepEqual(
    lines.filter((line) => / NUM /.test(line) && !/Pixel|Spacing|Thickness|Orientation/i.test(line)),
    [],
  );
  assert.ok(lines.every((line) => !line.includes('CAD Processing and Findings Summary')));
});

test('WR-TXT-06 sentences that contradict each other leave their finding undetermined', async () => {
  const about = (text: string, presence: string): object => ({ text, presence, label: 'low-attenuation', picture: 2 });
  const reading = await read(saying(about('Emphysema is seen.', 'present'), about('No emphysema.', 'absent')));
  assert.ok(!isSkipped(reading));
  const [finding, ...others] = reading.findings.findings;
  assert.deepEqual([finding?.key, finding?.presence, others.length], ['low-attenuation', 'undetermined', 0]);
  assert.deepEqual(
    finding?.evidence.map(({ sopInstanceUid }) => sopInstanceUid),
    [sample.slices[1]!.sopInstanceUid],
  );
});
