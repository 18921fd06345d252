/** One language model on the slices of one series: the only place from which pictures leave. */
import type { StudyHeader } from './arrival/study.ts';
import type { Volume } from './assembly/volume.ts';
import { WetreadError } from './errors.ts';
import { referenceTo } from './inference/findings-from.ts';
import { gateVolume } from './inference/gate/gate-volume.ts';
import type { GuardContext } from './inference/guards/guard.ts';
import { textReading } from './inference/heads/text.ts';
import type { CardOf, ModelPackage, TextOutput } from './inference/model-package.ts';
import { type Picture, picturedSlices, pictureOf } from './inference/pictures.ts';
import { filledPrompt } from './inference/prompt.ts';
import type { Reading } from './inference/reading.ts';
import { answerSchema, sentencesOf } from './inference/text-answer.ts';
import type { TextAnswer, TextRequest } from './inference/text-generation.ts';
import type { TextGenerator } from './ports.ts';
import { isSkipped, reason, type Skipped } from './reasons.ts';

type SlicesModel = ModelPackage & { readonly card: CardOf<'slices'> };

/**
 * Gate, choose the slices, ask, hold the answer to its schema, guard every sentence.
 * @param study whose words are kept from the draft: no model was given them
 */
export async function readSlices(
  generator: TextGenerator,
  model: SlicesModel,
  images: Volume,
  study: StudyHeader,
  signal: AbortSignal,
): Promise<Reading | Skipped> {
  const { card } = model;
  const output = card.outputs.find((one) => one.kind === 'text');
  if (output === undefined) throw new WetreadError('internal', 'A card of pictures was loaded without a text');
  const refused = gateVolume(images, card, card.input);
  if (refused !== undefined) return refused;
  // Whatever the card accepts: text in the pixels may be the patient's name.
  if (images.header.burnedInAnnotation === 'YES') return { skipped: reason('burned-in-text') };
  const shown = picturedSlices(images, card.input);
  if (isSkipped(shown)) return shown;

  const request = textRequest(generator, model, output, images, shown, study);
  const answer = await generator.generate(request, signal);

  const sentences = sentencesOf(answer, output, shown.length);
  if (isSkipped(sentences)) return sentences;
  const said = textReading(sentences, output, images, shown, guardContext(card, output, images, study));
  if (isSkipped(said)) return said;
  const { name, version } = card;
  const [first = 0, ...others] = shown.toSorted((a, b) => a - b);
  const findings: Reading['findings'] = {
    algorithm: { name, version, digest: model.digest, parameters: parametersOf(request, answer, shown.length) },
    seriesInstanceUid: images.seriesInstanceUid,
    evidence: [referenceTo(images, first), ...others.map((k) => referenceTo(images, k))],
    findings: [...said.findings],
  };
  return { model, images, findings, ...(said.text && { text: said.text }) };
}

function textRequest(
  generator: TextGenerator,
  { card, prompt: template }: SlicesModel,
  output: TextOutput,
  images: Volume,
  shown: readonly number[],
  study: StudyHeader,
): TextRequest {
  const { runtime, input } = card;
  if (runtime.kind !== 'chat-completions' || template === undefined)
    throw new WetreadError('internal', 'A card of pictures was loaded without its prompt');
  const { server, model, maximumTokens, temperature, seed } = runtime;
  const withFreeText = !generator.isRemote(server);
  const pictures = picturesText(input, shown.length);
  return {
    server,
    model,
    prompt: filledPrompt(template, { card, header: images.header, study, pictures, withFreeText }),
    pictures: pictured(images, shown, input),
    pictureSize: input.size,
    schema: answerSchema(output, shown.length),
    maximumTokens,
    temperature,
    seed,
  };
}

/** One at a time: each is sent before the next is made. */
function* pictured(images: Volume, shown: readonly number[], input: CardOf<'slices'>['input']): Generator<Picture> {
  for (const k of shown) yield pictureOf(images, k, input);
}

/** `24 pictures, feet to head, 1 to 24; red: lung, -1350 to 150 HU`. */
function picturesText({ windows, units }: CardOf<'slices'>['input'], count: number): string {
  const channels = windows.length === 1 ? ['grey'] : ['red', 'green', 'blue'];
  const shades = windows.map(({ meaning, low, high }, at) => `${channels[at]}: ${meaning}, ${low} to ${high} ${units}`);
  return `${count} pictures, axial, from the feet to the head, numbered from 1; ${shades.join('; ')}`;
}

function guardContext(
  { intendedUse }: ModelPackage['card'],
  { recommendations }: TextOutput,
  { header }: Volume,
  study: StudyHeader,
): GuardContext {
  const { patientName, patientId, accessionNumber, referringPhysicianName, studyId, requests } = study;
  const orders = requests.flatMap((one) => [one.accessionNumber, one.placerOrderNumber, one.fillerOrderNumber]);
  const known = [patientName, patientId, accessionNumber, referringPhysicianName, studyId, ...orders];
  return {
    patientSex: header.patientSex,
    laterality: header.imageLaterality,
    bodyPart: intendedUse.find(({ modality }) => modality === header.modality)?.bodyPart.value,
    identifiers: known.filter((one) => one !== undefined),
    recommendations,
  };
}

/** What the text depends on (safety R4), and what it cost (R21). */
function parametersOf(request: TextRequest, answer: TextAnswer, pictures: number): Record<string, string> {
  const { fingerprint, promptTokens, completionTokens } = answer;
  return {
    provider: request.server,
    'served-model': answer.model,
    temperature: `${request.temperature}`,
    seed: `${request.seed}`,
    'maximum-tokens': `${request.maximumTokens}`,
    pictures: `${pictures}`,
    ...(fingerprint !== undefined && { 'system-fingerprint': fingerprint }),
    ...(promptTokens !== undefined && { 'prompt-tokens': `${promptTokens}` }),
    ...(completionTokens !== undefined && { 'completion-tokens': `${completionTokens}` }),
  };
}
