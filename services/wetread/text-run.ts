/** Asks the server of a language model once, with a picture of ours: does it answer, and by the schema? */
import { WetreadError } from '../../src/errors.ts';
import type { ModelPackage } from '../../src/inference/model-package.ts';
import type { Picture } from '../../src/inference/pictures.ts';
import { filledPrompt } from '../../src/inference/prompt.ts';
import { answerSchema, sentencesOf } from '../../src/inference/text-answer.ts';
import type { TextGenerator } from '../../src/ports.ts';
import { explain, isSkipped } from '../../src/reasons.ts';
import type { GoldenResult } from './golden-run.ts';

/** Undefined where the package asks no server of this kind. That the model abstains from such a picture is an answer. */
export async function askOnce(
  generator: TextGenerator,
  { card, prompt: template = '' }: Pick<ModelPackage, 'card' | 'prompt'>,
  signal: AbortSignal,
): Promise<GoldenResult | undefined> {
  const { name, version, runtime, input, outputs, intendedUse } = card;
  const output = outputs.find((one) => one.kind === 'text');
  if (
    runtime.kind !== 'chat-completions' ||
    (input.kind !== 'slices' && input.kind !== 'pictures') ||
    output === undefined
  )
    return undefined;
  const { server, model, maximumTokens, temperature, seed } = runtime;
  const about = { model: name, version, case: 'one picture, asked of the server', outputs: [] };
  const header = { modality: intendedUse[0].modality };
  const facts = { card, header, study: { requests: [] }, pictures: '1 picture, a test', withFreeText: false };
  const question = { server, model, maximumTokens, temperature, seed, pictureSize: input.size };
  try {
    const schema = answerSchema(output, 1);
    const pictures = [ramp(input.kind === 'slices' && input.windows.length > 1 ? 3 : 1)];
    const answer = await generator.generate(
      { ...question, prompt: filledPrompt(template, facts), pictures, schema },
      signal,
    );
    const sentences = sentencesOf(answer, output, 1);
    const unusable = isSkipped(sentences) && sentences.skipped.code === 'answer-unusable';
    return { ...about, holds: !unusable, provider: server, ...(unusable && { fault: explain(sentences.skipped) }) };
  } catch (cause) {
    if (signal.aborted) throw cause;
    const { code, message } = WetreadError.from(cause);
    return { ...about, holds: false, fault: `${message} [${code}]` };
  }
}

/** From black to white. */
function ramp(channels: 1 | 3): Picture {
  const [width, height] = [64, 64];
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (Math.floor(i / channels) % width) * 4);
  return { width, height, channels, data };
}
