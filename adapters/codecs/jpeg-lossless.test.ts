import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PixelHeader } from '../../src/arrival/pixel-header.ts';
import { explain, isSkipped } from '../../src/reasons.ts';
import { random } from '../../test/support/random.ts';
import { createCodec } from './jpeg-lossless.ts';

interface Picture {
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  readonly bits: number;
  readonly selection: number;
  readonly pointTransform?: number;
  /** Lines between restart markers. */
  readonly restartLines?: number;
}

/** T.81 table H.1, written down apart from the decoder: neighbours as `[left, above, corner]`. */
const PREDICTORS: readonly ((left: number, above: number, corner: number) => number)[] = [
  () => 0,
  (left) => left,
  (_, above) => above,
  (_, __, corner) => corner,
  (left, above, corner) => left + above - corner,
  (left, above, corner) => left + ((above - corner) >> 1),
  (left, above, corner) => above + ((left - corner) >> 1),
  (left, above) => (left + above) >> 1,
];

/** Encodes with one Huffman table that gives each of the 17 categories a code of five bits. */
function encode(picture: Picture, pixels: Uint16Array): Uint8Array {
  const { rows, columns, components, bits, selection, pointTransform = 0, restartLines = 0 } = picture;
  const u16 = (value: number): number[] => [value >> 8, value & 255];
  const ids = Array.from({ length: components }, (_, i) => i + 1);
  const counts = Array.from({ length: 16 }, (_, i) => (i === 4 ? 17 : 0));
  return Uint8Array.from([
    ...[0xff, 0xd8, 0xff, 0xc3, ...u16(8 + 3 * components), bits, ...u16(rows), ...u16(columns), components],
    ...ids.flatMap((id) => [id, 0x11, 0]),
    ...[0xff, 0xc4, ...u16(19 + 17), 0, ...counts, ...Array.from({ length: 17 }, (_, i) => i)],
    ...(restartLines > 0 ? [0xff, 0xdd, 0, 4, ...u16(restartLines * columns)] : []),
    ...[0xff, 0xda, ...u16(6 + 2 * components), components, ...ids.flatMap((id) => [id, 0])],
    ...[selection, 0, pointTransform],
    ...scan(picture, pixels),
    ...[0xff, 0xd9],
  ]);
}

function scan(picture: Picture, pixels: Uint16Array): number[] {
  const { rows, columns, components, bits, selection, pointTransform = 0, restartLines = 0 } = picture;
  const bytes: number[] = [];
  let pending = '';
  const flush = (): void => {
    while (pending.length > 0) {
      const byte = Number.parseInt(pending.slice(0, 8).padEnd(8, '1'), 2);
      bytes.push(byte, ...(byte === 0xff ? [0] : []));
      pending = pending.slice(8);
    }
  };
  for (let row = 0; row < rows; row += 1) {
    const isFirst = restartLines > 0 ? row % restartLines === 0 : row === 0;
    if (isFirst && row > 0) {
      flush();
      bytes.push(0xff, 0xd0 + ((row / restartLines - 1) % 8));
    }
    for (let column = 0; column < columns; column += 1) {
      for (let component = 0; component < components; component += 1) {
        const at = (y: number, x: number): number =>
          pixels[(y * columns + x) * components + component]! >> pointTransform;
        const predicted = isFirst
          ? column === 0
            ? 1 << (bits - pointTransform - 1)
            : at(row, column - 1)
          : column === 0
            ? at(row - 1, column)
            : PREDICTORS[selection]!(at(row, column - 1), at(row - 1, column), at(row - 1, column - 1));
        pending += code(((at(row, column) - predicted) << 16) >> 16);
      }
    }
  }
  flush();
  return bytes;
}

/** Category in five bits, then the difference (T.81 F.1.2.1 and H.1.2.2). */
function code(difference: number): string {
  if (difference === -0x8000) return (16).toString(2).padStart(5, '0');
  const size = difference === 0 ? 0 : 32 - Math.clz32(Math.abs(difference));
  const value = difference < 0 ? difference + (1 << size) - 1 : difference;
  return size.toString(2).padStart(5, '0') + (size === 0 ? '' : value.toString(2).padStart(size, '0'));
}

function headerOf({ rows, columns, components, bits }: Picture): PixelHeader {
  return {
    rows,
    columns,
    numberOfFrames: 1,
    samplesPerPixel: components,
    photometricInterpretation: components === 3 ? 'RGB' : 'MONOCHROME2',
    planarConfiguration: 0,
    bitsAllocated: bits > 8 ? 16 : 8,
    bitsStored: bits,
    highBit: bits - 1,
    pixelRepresentation: 0,
  };
}

const codec = await createCodec();

function roundTrip(picture: Picture, seed: number): void {
  const numbers = random(seed);
  const { rows, columns, components, bits, pointTransform = 0 } = picture;
  const pixels = Uint16Array.from(
    { length: rows * columns * components },
    () => (numbers.integer(0, (1 << bits) - 1) >> pointTransform) << pointTransform,
  );
  const decoded = codec(encode(picture, pixels), headerOf(picture));
  if (isSkipped(decoded)) assert.fail(`${JSON.stringify(picture)}: ${explain(decoded.skipped)}`);
  assert.deepEqual([...decoded.samples], [...pixels], `${JSON.stringify(picture)}, seed ${seed}`);
}

test('WR-PIX-50 lossless JPEG of every selection value, depth and number of components', () => {
  for (const selection of [1, 2, 3, 4, 5, 6, 7]) {
    for (const bits of [2, 8, 12, 16]) {
      for (const components of [1, 3]) {
        roundTrip({ rows: 9, columns: 7, components, bits, selection }, selection * 100 + bits + components);
      }
    }
  }
});

test('WR-PIX-50 lossless JPEG with restart markers and with a point transform', () => {
  for (const selection of [1, 4, 7]) {
    roundTrip({ rows: 12, columns: 5, components: 1, bits: 16, selection, restartLines: 2 }, selection);
    roundTrip({ rows: 6, columns: 5, components: 3, bits: 8, selection, restartLines: 1 }, selection);
    roundTrip({ rows: 6, columns: 5, components: 1, bits: 12, selection, pointTransform: 3 }, selection);
  }
});

test('WR-PIX-50 lossless JPEG that ends anywhere before its last pixel is refused', () => {
  const picture = { rows: 4, columns: 4, components: 1, bits: 12, selection: 1 };
  const stream = encode(
    picture,
    Uint16Array.from({ length: 16 }, (_, i) => i * 200),
  );
  const complete = Array.from({ length: stream.length }, (_, end) => end).filter(
    (end) => !isSkipped(codec(stream.subarray(0, end), headerOf(picture))),
  );
  // Only the marker at the end may be missing: every pixel is there without it.
  assert.deepEqual(complete, [stream.length - 2, stream.length - 1]);
});

test('WR-PIX-50 processes that are not lossless are refused under the syntax of lossless JPEG', () => {
  const picture = { rows: 4, columns: 4, components: 1, bits: 8, selection: 1 };
  const stream = encode(picture, new Uint16Array(16));
  for (const [at, value] of [
    [3, 0xc1],
    [3, 0xc7],
    [13, 0x22],
  ] as const) {
    const changed = stream.slice();
    changed[at] = value;
    assert.ok(isSkipped(codec(changed, headerOf(picture))), `byte ${at}`);
  }
});
