import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Contour, contoursOf } from './contours.ts';

function contours(...picture: readonly string[]): readonly Contour[] {
  return contoursOf(picture.length, picture[0]!.length, (row, column) => picture[row]![column] === '#');
}

/** Even-odd filling of pixel centres: the mask that the outlines enclose. */
function filled(rows: number, columns: number, outlines: readonly Contour[]): boolean[] {
  return Array.from({ length: rows * columns }, (_, i) => {
    const [x, y] = [(i % columns) + 0.5, Math.floor(i / columns) + 0.5];
    let crossings = 0;
    for (const { points } of outlines) {
      for (let p = 0; p < points.length; p += 2) {
        const [x0, y0] = [points[p]!, points[p + 1]!];
        const [x1, y1] = [points[(p + 2) % points.length]!, points[(p + 3) % points.length]!];
        if (x0 === x1 && x0 > x && y0 > y !== y1 > y) crossings += 1;
      }
    }
    return crossings % 2 === 1;
  });
}

test('a rectangle has four corners', () => {
  const [only, ...others] = contours('....', '.##.', '.##.', '....');
  assert.equal(others.length, 0);
  assert.equal(only!.hole, false);
  assert.equal(only!.points.length, 8);
  assert.deepEqual(
    new Set([...Array(4).keys()].map((i) => only!.points.slice(2 * i, 2 * i + 2).join())),
    new Set(['1,1', '3,1', '3,3', '1,3']),
  );
});

test('a hole is told apart; pixels that touch at a corner stay apart', () => {
  assert.deepEqual(
    contours('###', '#.#', '###').map((c) => c.hole),
    [false, true],
  );
  assert.equal(contours('#.', '.#').length, 2);
  assert.equal(contours('####', '#.##', '##.#', '####').filter((c) => c.hole).length, 1);
});

test('an empty mask has no outline, a full one that of the image', () => {
  assert.equal(contours('...', '...').length, 0);
  assert.deepEqual(contours('##', '##')[0]!.points.length, 8);
});

test('WR-PAGE-02 outlines enclose exactly the mask, for random masks', () => {
  let seed = 7;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  for (let run = 0; run < 200; run += 1) {
    const [rows, columns, share] = [1 + Math.floor(random() * 9), 1 + Math.floor(random() * 9), random()];
    const mask = Array.from({ length: rows * columns }, () => random() < share);
    const outlines = contoursOf(rows, columns, (row, column) => mask[row * columns + column]!);
    assert.deepEqual(filled(rows, columns, outlines), mask);
  }
});
