/** The answer of a chat completions server: what the model wrote, how it ended, what it cost. */
import { WetreadError } from '../../src/errors.ts';
import type { TextAnswer } from '../../src/inference/text-generation.ts';

/** @throws WetreadError `inference-failed` where it is no answer of the protocol: that is a fault of the server, not of the model */
export function answerOf(text: string): TextAnswer {
  const body = record(parsed(text));
  const [choice] = Array.isArray(body?.['choices']) ? (body['choices'] as readonly unknown[]) : [];
  const message = record(record(choice)?.['message']);
  if (body === undefined || message === undefined)
    throw new WetreadError(
      'inference-failed',
      'The server of the model gave no answer of the chat completions protocol',
    );
  const { content, refusal } = message;
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = record(body['usage']) ?? {};
  const { model, system_fingerprint: fingerprint } = body;
  return {
    content: typeof content === 'string' ? content : '',
    end: endOf(record(choice)?.['finish_reason'], refusal),
    model: typeof model === 'string' ? shown(model) : 'unknown',
    ...(typeof fingerprint === 'string' && { fingerprint: shown(fingerprint) }),
    ...(isCount(promptTokens) && { promptTokens }),
    ...(isCount(completionTokens) && { completionTokens }),
  };
}

/** `GET /v1/models`: ids. @throws WetreadError `inference-failed` */
export function modelsOf(text: string): readonly string[] {
  const data = record(parsed(text))?.['data'];
  if (!Array.isArray(data))
    throw new WetreadError('inference-failed', 'The server of the model lists no models of the protocol');
  return (data as readonly unknown[]).flatMap((one) => {
    const id = record(one)?.['id'];
    return typeof id === 'string' ? id : [];
  });
}

function endOf(finishReason: unknown, refusal: unknown): TextAnswer['end'] {
  if (finishReason === 'content_filter' || (typeof refusal === 'string' && refusal !== '')) return 'refused';
  return finishReason === 'length' ? 'truncated' : 'complete';
}

/** It becomes a parameter of the algorithm in every output. */
function shown(name: string): string {
  return name.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 64);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
