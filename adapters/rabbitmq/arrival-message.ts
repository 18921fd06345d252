/** From the bytes of a message to hints: nothing that a sender can send throws. */
import type { ConsumeMessage } from 'amqplib';
import { validateStudyArrived } from '../../contracts/generated/validators.js';
import {
  hintOfArrival,
  hintsOfForeign,
  type MessageMapping,
  parseTraceparent,
} from '../../src/arrival/message-mapping.ts';
import type { StudyHint } from '../../src/arrival/study-event.ts';
import { isSkipped, reason, type Skipped } from '../../src/reasons.ts';

/** Room for a list of the files of the largest study; whatever is larger is not parsed. */
const MOST_BYTES = 8 * 1024 * 1024;

/**
 * @param mapping for messages of another system; Wetread's own contract where undefined
 * @returns a hint for each study that the message names, none where it is passed over, or why it cannot be read
 */
export function readArrival(
  { content, properties }: Pick<ConsumeMessage, 'content' | 'properties'>,
  mapping: MessageMapping | undefined,
): readonly StudyHint[] | Skipped {
  if (content.length > MOST_BYTES) return { skipped: reason('message-too-large', `${content.length} bytes`) };
  const message = parseJson(content);
  if (isSkipped(message)) return message;
  const hints = mapping === undefined ? readOwn(message.json) : hintsOfForeign(message.json, mapping);
  const traceparent = parseTraceparent(
    (properties.headers as Readonly<Record<string, unknown>> | undefined)?.['traceparent'],
  );
  if (isSkipped(hints) || traceparent === undefined) return hints;
  return hints.map((hint) => ({ ...hint, traceparent }));
}

function readOwn(message: unknown): readonly StudyHint[] | Skipped {
  if (validateStudyArrived(message)) return [hintOfArrival(message)];
  // The place in the message is named, never what stands there.
  const [error] = validateStudyArrived.errors ?? [];
  const where = error?.instancePath || 'the message';
  return { skipped: reason('message-invalid', `${where} ${error?.message ?? ''}`) };
}

function parseJson(content: Uint8Array): { readonly json: unknown } | Skipped {
  try {
    return { json: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content)) as unknown };
  } catch {
    return { skipped: reason('message-invalid', 'not JSON in UTF-8') };
  }
}
