/** One language model, asked once about pictures: the only place from which pictures leave. */
import type { ImageHeader, StudyHeader } from './arrival/study.ts';
import type { Images } from './assembly/volume.ts';
import { WetreadError } from './errors.ts';
import type { InstanceReference } from './inference/findings.ts';
import { mayCarryText } from './inference/gate/picture.ts';
import type { GuardContext } from './inference/guards/guard.ts';
import { textReading } from './inference/heads/text.ts';
import type { CardOf, ModelPackage, TextOutput } from './inference/model-package.ts';
import type { Picture } from './inference/pictures.ts';
import { filledPrompt } from './inference/prompt.ts';
import type { Reading } from './inference/reading.ts';
import { answerSchema, sentencesOf } from './inference/text-answer.ts';
import type { TextAnswer, TextRequest } from './inference/text-generation.ts';
import type { Ports, TextGenerator } from './ports.ts';
import { isSkipped, type Reason, type Skipped } from './reasons.ts';

export type PicturesModel = ModelPackage & { readonly card: CardOf<'slices' | 'pictures'> };

/** What a model is shown of a series. */
export interface ShownPictures {
  readonly images: Images;
  /** Of what is shown: gates have seen that it fits. */
  readonly header: ImageHeader;
  /** Image Laterality (0020,0062) of each picture, in their order. */
  readonly lateralities: readonly (string | undefined)[];
  /** What each picture shows, in the order of the pictures. */
  readonly references: readonly [InstanceReference, ...InstanceReference[]];
  /** One at a time: each is sent before the next is made. */
  readonly pictures: Iterable<Picture>;
  /** What they are, in words of the card and of closed vocabularies. */
  readonly description: string;
  /** What must be known beside the findings. */
  readonly notes: readonly string[];
}

/** Why an image must not be shown to the model's server, whatever its card accepts. */
export function keptBack(
  header: ImageHeader,
  { card: { runtime } }: PicturesModel,
  text: TextGenerator,
): Reason | undefined {
  return mayCarryText(header, text.takesUnmarked(chatRuntime(runtime).server));
}

/**
 * Ask, hold the answer to its schema, guard every sentence.
 * @param shown of which nothing is {@link keptBack}
 * @param study whose words are kept from the draft: no model was given them
 */
export async function askAboutPictures(
  { text, log }: Pick<Ports, 'text' | 'log'>,
  model: PicturesModel,
  shown: ShownPictures,
  study: StudyHeader,
  signal: AbortSignal,
): Promise<Reading | Skipped> {
  const { card } = model;
  const { images, references, notes } = shown;
  const { name, version } = card;
  const output = card.outputs.find((one) => one.kind === 'text');
  if (output === undefined) throw new WetreadError('internal', 'A card of pictures was loaded without a text');
  const request = textRequest(text, model, output, shown, study);
  const answer = await text.generate(request, signal);
  log.write('text-answered', {
    studyInstanceUid: images.studyInstanceUid,
    model: name,
    modelVersion: version,
    provider: request.server,
    ...tokensOf(answer),
  });

  const sentences = sentencesOf(answer, output, references.length);
  if (isSkipped(sentences)) return sentences;
  const said = textReading(sentences, output, references, guardContext(card, output, shown, study));
  if (isSkipped(said)) return said;
  const findings: Reading['findings'] = {
    algorithm: { name, version, digest: model.digest, parameters: parametersOf(request, answer, references.length) },
    seriesInstanceUid: images.seriesInstanceUid,
    evidence: [...references],
    findings: [...said.findings],
    ...(notes.length === 0 ? {} : { notes: [...notes] }),
  };
  return { model, images, findings, ...(said.text && { text: said.text }) };
}

function textRequest(
  generator: TextGenerator,
  { card, prompt: template }: PicturesModel,
  output: TextOutput,
  { header, pictures, references, description }: ShownPictures,
  study: StudyHeader,
): TextRequest {
  const { runtime, input } = card;
  const { server, model, maximumTokens, temperature, seed } = chatRuntime(runtime);
  if (template === undefined) throw new WetreadError('internal', 'A card of pictures was loaded without its prompt');
  const withFreeText = !generator.isRemote(server);
  return {
    server,
    model,
    prompt: filledPrompt(template, { card, header, study, pictures: description, withFreeText }),
    pictures,
    pictureSize: input.size,
    schema: answerSchema(output, references.length),
    maximumTokens,
    temperature,
    seed,
  };
}

type Runtime = ModelPackage['card']['runtime'];

function chatRuntime(runtime: Runtime): Extract<Runtime, { kind: 'chat-completions' }> {
  if (runtime.kind === 'chat-completions') return runtime;
  throw new WetreadError('internal', 'A card of pictures was loaded without the server that is shown them');
}

function guardContext(
  { intendedUse }: ModelPackage['card'],
  { recommendations }: TextOutput,
  { header, lateralities }: ShownPictures,
  study: StudyHeader,
): GuardContext {
  const { patientName, patientId, accessionNumber, referringPhysicianName, studyId, requests } = study;
  const orders = requests.flatMap((one) => [one.accessionNumber, one.placerOrderNumber, one.fillerOrderNumber]);
  const known = [patientName, patientId, accessionNumber, referringPhysicianName, studyId, ...orders];
  return {
    patientSex: header.patientSex,
    laterality: new Set(lateralities).size === 1 ? lateralities[0] : undefined,
    pictureLateralities: lateralities,
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

function tokensOf({
  promptTokens,
  completionTokens,
}: TextAnswer): Pick<TextAnswer, 'promptTokens' | 'completionTokens'> {
  return {
    ...(promptTokens !== undefined && { promptTokens }),
    ...(completionTokens !== undefined && { completionTokens }),
  };
}
