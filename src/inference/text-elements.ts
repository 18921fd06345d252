/**
 * Elements of a BYTES tensor as they travel and as {@link Tensor} keeps them: of each its length in bytes, UINT32
 * little-endian, then the bytes. Texts are UTF-8, as graphs have them.
 */
import { WetreadError } from '../errors.ts';

const LENGTH_BYTES = 4;

export function textElements(texts: readonly string[]): Uint8Array {
  return byteElements(texts.map((text) => new TextEncoder().encode(text)));
}

export function byteElements(elements: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(elements.reduce((sum, element) => sum + LENGTH_BYTES + element.byteLength, 0));
  const view = new DataView(joined.buffer);
  let position = 0;
  for (const element of elements) {
    view.setUint32(position, element.byteLength, true);
    joined.set(element, position + LENGTH_BYTES);
    position += LENGTH_BYTES + element.byteLength;
  }
  return joined;
}

/** The texts in order. @throws WetreadError `request-invalid` where a length leads past the end, or bytes are no UTF-8 */
export function textsOf(data: Uint8Array): readonly string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const texts: string[] = [];
  let position = 0;
  while (position < data.byteLength) {
    const start = position + LENGTH_BYTES;
    if (start > data.byteLength) throw broken();
    const end = start + view.getUint32(position, true);
    if (end > data.byteLength) throw broken();
    texts.push(decoded(decoder, data.slice(start, end)));
    position = end;
  }
  return texts;
}

function decoded(decoder: InstanceType<typeof TextDecoder>, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new WetreadError('request-invalid', 'A BYTES element is not UTF-8', { cause });
  }
}

function broken(): WetreadError {
  return new WetreadError('request-invalid', 'A BYTES element ends after its tensor');
}
