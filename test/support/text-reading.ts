/** What a language model made of a series, without a server: sentences go through the guards as they do in a reading. */
import { type Images, isVolume } from '../../src/assembly/volume.ts';
import { referenceTo } from '../../src/inference/findings-from.ts';
import { textReading } from '../../src/inference/heads/text.ts';
import { imageReference } from '../../src/inference/images/image-findings.ts';
import type { TextOutput } from '../../src/inference/model-package.ts';
import type { Reading } from '../../src/inference/reading.ts';
import type { AnsweredSentence } from '../../src/inference/text-answer.ts';
import { isSkipped } from '../../src/reasons.ts';
import { packageOf } from './model-card.ts';
import { radiographCard, textCard } from './text-package.ts';

export function sampleTextReading(images: Images, sentences: readonly AnsweredSentence[]): Reading {
  const card = isVolume(images) ? textCard() : radiographCard();
  const model = packageOf(card);
  const [first, ...others] = isVolume(images)
    ? images.slices.map((_, k) => referenceTo(images, k))
    : images.images.map(imageReference);
  const shown = [first!, ...others];
  const context = { bodyPart: '816094009', identifiers: [], recommendations: 'flagged' } as const;
  const said = textReading(sentences, card.outputs[0] as TextOutput, shown, context);
  if (isSkipped(said)) throw new Error(said.skipped.detail);
  const findings: Reading['findings'] = {
    algorithm: { name: card.name, version: card.version, digest: model.digest, parameters: { provider: 'pictures' } },
    seriesInstanceUid: images.seriesInstanceUid,
    evidence: [first!, ...others],
    findings: [...said.findings],
  };
  return { model, images, findings, ...(said.text && { text: said.text }) };
}
