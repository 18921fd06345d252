/**
 * The wire format of Protocol Buffers, read without a schema: fields of a message, one after the other. Bytes are views,
 * so that a walk over a large model touches its structure and not its weights.
 */
import { WetreadError } from '../../src/errors.ts';

export interface Field {
  readonly number: number;
  /** A whole number; beyond 2^53 it is no longer exact, negative ones are near 2^64. Zero for fields of bytes. */
  readonly value: number;
  /** Bytes of strings, messages and packed lists; empty for numbers. */
  readonly bytes: Uint8Array;
}

const NOTHING = new Uint8Array();
const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;
const LONGEST_VARINT = 10;

/** @throws WetreadError `package-invalid` where the bytes are not a message. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  const position = { at: 0 };
  while (position.at < message.length) {
    const tag = varint(message, position);
    const number = Math.floor(tag / 8);
    const type = tag % 8;
    if (type === VARINT) yield { number, value: varint(message, position), bytes: NOTHING };
    else yield { number, value: 0, bytes: take(message, position, lengthOf(type, message, position)) };
  }
}

function lengthOf(type: number, message: Uint8Array, position: { at: number }): number {
  if (type === LENGTH_DELIMITED) return varint(message, position);
  if (type === FIXED_64) return 8;
  if (type === FIXED_32) return 4;
  throw notAMessage();
}

function take(message: Uint8Array, position: { at: number }, length: number): Uint8Array {
  const end = position.at + length;
  if (end > message.length) throw notAMessage();
  const bytes = message.subarray(position.at, end);
  position.at = end;
  return bytes;
}

function varint(message: Uint8Array, position: { at: number }): number {
  let value = 0;
  for (let i = 0; i < LONGEST_VARINT; i++) {
    const byte = message[position.at++];
    if (byte === undefined) throw notAMessage();
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return value;
  }
  throw notAMessage();
}

/** Numbers of a repeated field, packed or one by one. */
export function numbersOf({ value, bytes }: Field): readonly number[] {
  if (bytes.length === 0) return [value];
  const position = { at: 0 };
  const numbers: number[] = [];
  while (position.at < bytes.length) numbers.push(varint(bytes, position));
  return numbers;
}

export function textOf({ bytes }: Field): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function notAMessage(): WetreadError {
  return new WetreadError('package-invalid', 'is not an ONNX file');
}
