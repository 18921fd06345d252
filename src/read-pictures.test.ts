/** A language model on images that each stand on their own: which of them it is shown, how, and what is kept back. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chatCompletionsGenerator } from '../adapters/chat-completions/generator.ts';
import { type RadiographOptions, radiograph } from '../adapters/phantom/radiograph.ts';
import { encodePng } from '../adapters/rendering/png.ts';
import { CHAT_TOKEN, type ChatServer, type Misbehaviour, startChatServer } from '../test/support/chat-server.ts';
import { imageFrame, imageSet } from '../test/support/image-frames.ts';
import { packageOf } from '../test/support/model-card.ts';
import { random } from '../test/support/random.ts';
import { sampleStudyHeader, sampleVolume } from '../test/support/sample-report.ts';
import { PROMPT, radiographCard } from '../test/support/text-package.ts';
import type { ImageHeader } from './arrival/study.ts';
import type { ImageFrame } from './assembly/volume.ts';
import { type CardOf, reads } from './inference/model-package.ts';
import type { Reading } from './inference/reading.ts';
import type { SafeAttributes } from './log-events.ts';
import { readPictures } from './read-pictures.ts';
import { explain, isSkipped, type Skipped } from './reasons.ts';

let server: ChatServer;
before(async () => {
  server = await startChatServer();
});
after(() => server.close());

const study = sampleStudyHeader(sampleVolume());
const logged: [string, SafeAttributes][] = [];
const log = { write: (event: string, attributes: SafeAttributes) => logged.push([event, attributes]) };

interface Asking {
  readonly misbehave?: Misbehaviour;
  readonly remote?: boolean;
  readonly unmarkedImagesMayLeave?: boolean;
  readonly edit?: (card: CardOf<'pictures'>) => void;
}

async function read(
  images: readonly ImageFrame[],
  { misbehave, edit, remote = true, unmarkedImagesMayLeave = false }: Asking = {},
): Promise<Reading | Skipped> {
  const card = radiographCard();
  assert.ok(reads(card, 'pictures'));
  edit?.(card);
  server.misbehave = misbehave;
  const authorize = (): Promise<Record<string, string>> => Promise.resolve({ authorization: `Bearer ${CHAT_TOKEN}` });
  const place = { url: server.url, remote, unmarkedImagesMayLeave, timeoutMs: 10_000, authorize };
  const text = chatCompletionsGenerator({ servers: new Map([['pictures', place]]), encode: encodePng });
  const model = { ...packageOf(card), card, prompt: PROMPT };
  const set = imageSet(images, images[0]?.header.modality);
  try {
    return await readPictures({ text, log }, model, set, study, new AbortController().signal);
  } finally {
    await text.close();
  }
}

function chest(header: Partial<ImageHeader> = {}, options: RadiographOptions = {}): ImageFrame {
  const { rows, columns, pixels } = radiograph({ matrix: 128, ...options });
  return imageFrame([rows, columns], (row, column) => pixels[row * columns + column]!, {
    viewPosition: 'PA',
    ...header,
  });
}
const lateral = (header: Partial<ImageHeader> = {}): ImageFrame =>
  chest({ viewPosition: 'LL', ...header }, { view: 'lateral' });

async function refusal(images: readonly ImageFrame[], asking: Asking = {}): Promise<string> {
  const before = server.bodies.length;
  const reading = await read(images, asking);
  assert.ok(isSkipped(reading));
  assert.equal(server.bodies.length, before, 'nothing left');
  return explain(reading.skipped);
}

/** About the picture of that number. */
function saying(picture: number): Misbehaviour {
  const sentence = { text: 'Emphysema is seen.', label: 'low-attenuation', presence: 'present', picture };
  return { content: JSON.stringify({ evaluable: true, findings: [sentence], impression: [] }) };
}

test('WR-VLM-21 the views of a series go in one question, in the order of the card, and a finding is about the image that is named', async () => {
  const before = server.bodies.length;
  const reading = await read([lateral(), chest()], { misbehave: saying(2) });
  assert.ok(!isSkipped(reading));
  assert.equal(server.bodies.length, before + 1);
  const { prompt, pictures } = server.requests.at(-1)!;
  assert.match(prompt, /2 pictures, grey, numbered from 1; 1: frontal; 2: lateral\.\nThey are DX of the Chest/);
  assert.deepEqual(
    pictures.map(({ width, height, channels }) => [width, height, channels]),
    [
      [128, 128, 1],
      [128, 128, 1],
    ],
  );
  const { evidence, findings } = reading.findings;
  assert.deepEqual(
    evidence.map(({ sopInstanceUid }) => sopInstanceUid),
    ['1.2.3.4.2', '1.2.3.4.1'],
    'frontal first',
  );
  assert.deepEqual(
    findings.map(({ key, presence, measurements }) => [key, presence, measurements]),
    [['low-attenuation', 'present', []]],
  );
  assert.deepEqual(
    findings[0]!.evidence.map(({ sopInstanceUid }) => sopInstanceUid),
    ['1.2.3.4.1'],
    'picture 2',
  );
  assert.equal(reading.findings.algorithm.parameters['pictures'], '2');
});

test('WR-VLM-22 a view that the card requires must be there; other views are left out, and the draft says so', async () => {
  assert.match(await refusal([lateral()]), /The view is not one.*: no image is frontal/);
  assert.match(await refusal([chest({ viewPosition: 'OBLIQUE' })]), /View Position is none that the model is shown/);
  const reading = await read([chest(), chest({ viewPosition: 'RLD' }), chest({ viewPosition: ' ap ' })]);
  assert.ok(!isSkipped(reading));
  assert.equal(reading.findings.evidence.length, 2);
  assert.match(reading.findings.notes!.join(), /^1 of 3 images were not read: The view is not one/);
  const any = await read([chest({ viewPosition: 'OBLIQUE', imageLaterality: 'L' })], {
    edit: ({ input }) => delete input.views,
  });
  assert.ok(!isSkipped(any));
  assert.match(
    server.requests.at(-1)!.prompt,
    /1 picture, grey, numbered from 1; 1: left side\./,
    'no word of the header',
  );
});

test('WR-VLM-21 a sentence is held to the side of the picture that it names', async () => {
  const say = (text: string, picture: number | null): object => ({ text, picture, label: null, presence: null });
  const findings = [
    say('The left side is clear.', 1),
    say('No opacity on the left.', 2),
    say('The right side is clear.', null),
  ];
  const misbehave = { content: JSON.stringify({ evaluable: true, findings, impression: [] }) };
  const sides = [chest({ imageLaterality: 'R' }), chest({ imageLaterality: 'L' })];
  const reading = await read(sides, { misbehave });
  assert.ok(!isSkipped(reading));
  assert.match(server.requests.at(-1)!.prompt, /1: frontal, right side; 2: frontal, left side/);
  assert.deepEqual(
    reading.text?.sentences.map(({ flags }) => flags),
    [['laterality'], [], []],
  );
});

test('WR-VLM-24 what may carry text never leaves: not where it is marked, nor unmarked ultrasound unless the site says so', async () => {
  const local = { remote: false };
  const accepts = { edit: ({ input }: CardOf<'pictures'>) => Object.assign(input.gate, { burnedInText: 'accepted' }) };
  for (const asking of [{}, local, accepts, { ...local, ...accepts }])
    assert.match(await refusal([chest({ burnedInAnnotation: 'YES' })], asking), /^Text is burned into the images/);
  const sound = chest({ modality: 'US' });
  assert.match(await refusal([sound]), /: perhaps, as images of US often carry text and these do not say/);
  for (const asking of [local, { unmarkedImagesMayLeave: true }]) assert.ok(!isSkipped(await read([sound], asking)));
  assert.ok(!isSkipped(await read([chest({ modality: 'US', burnedInAnnotation: 'NO' })])));
  const one = await read([chest(), lateral({ burnedInAnnotation: 'YES' })]);
  assert.ok(!isSkipped(one));
  assert.equal(server.requests.at(-1)!.pictures.length, 1, 'the others of the series may go');
});

test('WR-VLM-25 what the gate refuses is never shown', async () => {
  const draw = random(3);
  const noise = imageFrame([128, 128], () => Math.floor(4096 * draw.next()), { viewPosition: 'PA' });
  assert.match(await refusal([noise]), /neighbouring pixels correlate/);
  assert.match(
    await refusal([imageFrame([128, 128], () => 9, { viewPosition: 'PA' })]),
    /Every pixel has the same value/,
  );
  assert.match(await refusal([chest({ bodyPartExamined: 'KNEE' })]), /KNEE/);
  assert.match(await refusal([chest({ modality: 'MG' })]), /MG/);
  assert.match(await refusal(Array.from({ length: 5 }, () => chest())), /5 images in the series, limit 4/);
});

test('WR-VLM-28 every answer is told to the log with its tokens, also one that cannot be used', async () => {
  logged.length = 0;
  await read([chest()]);
  await read([chest()], { misbehave: { content: 'Clear lungs.' } });
  const about = { studyInstanceUid: '1.2.3', model: 'dx-chest-text', modelVersion: '1.0.0', provider: 'pictures' };
  const answered = { ...about, promptTokens: 356, completionTokens: 42 };
  assert.deepEqual(logged, [
    ['text-answered', answered],
    ['text-answered', answered],
  ]);
});
