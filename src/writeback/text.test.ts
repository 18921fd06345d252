import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WetreadError } from '../errors.ts';
import { decimalString, dicomTime, instantOf, line, paragraph } from './text.ts';

test('WR-SR-10 one line: no control characters, no separator, cut by characters so that the cut is seen', () => {
  assert.equal(line('a\tb\r\nc\u0000d\\e '), 'a b c d/e');
  assert.equal(line('ä'.repeat(64), 64), 'ä'.repeat(64));
  assert.equal(line('ä'.repeat(65), 64), `${'ä'.repeat(61)}...`);
  assert.equal(line('🫁'.repeat(64), 64), '🫁'.repeat(64));
  assert.equal(line('\u001b$B\u0085x'), '$B x');
});

test('WR-SR-10 text: CR LF between lines, a backslash stays, other control characters go', () => {
  assert.equal(paragraph('one\ntwo\r\nthree\rfour  '), 'one\r\ntwo\r\nthree\r\nfour');
  assert.equal(paragraph('a\\b\tc\u0000\u001b'), 'a\\b c');
});

test('WR-SR-06 DS: at most 16 characters, as near as they allow', () => {
  const examples: readonly (readonly [number, string])[] = [
    [0, '0'],
    [-0, '0'],
    [1 / 3, '0.33333333333333'],
    [-2 / 3, '-0.6666666666667'],
    [-873.1428571428571, '-873.14285714286'],
    [123456789012345680, '1.2345678901e+17'],
    [1 / 8100000, '1.2345679012e-7'],
    [-(10 ** -300) / 3, '-3.333333e-301'],
    [0.1, '0.1'],
    [5e-324, '5e-324'],
  ];
  for (const [value, expected] of examples) {
    const text = decimalString(value);
    assert.ok(text.length <= 16, text);
    assert.match(text, /^[+-]?(\d+\.?\d*|\.\d+)([Ee][+-]?\d+)?$/);
    assert.ok(Math.abs(Number(text) - value) <= Math.abs(Number(expected) - value), `${text} for ${value}`);
  }
  for (let i = 0; i < 20_000; i += 1) {
    const value = (((i * 2654435761) % 4294967296) / 65536 - 32768) * 10 ** ((i % 41) - 20);
    const text = decimalString(value);
    assert.ok(text.length <= 16);
    assert.ok(Math.abs(Number(text) - value) <= Math.abs(value) * 1e-8, `${text} for ${value}`);
    assert.equal(Number(decimalString(Number(text))), Number(text));
  }
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(
      () => decimalString(value),
      (error) => error instanceof WetreadError && error.code === 'internal',
    );
});

test('WR-SR-08 times: in the zone of the images, else as written; DT always says its offset', () => {
  assert.deepEqual(dicomTime('2026-03-14T23:09:26.535Z', '+0100'), {
    date: '20260315',
    time: '000926.535000',
    dateTime: '20260315000926.535000+0100',
  });
  assert.deepEqual(dicomTime('2026-03-14T15:09:26Z'), {
    date: '20260314',
    time: '150926.000000',
    dateTime: '20260314150926.000000+0000',
  });
  assert.equal(dicomTime('2026-03-14T15:09:26.535-03:30').dateTime, '20260314150926.535000-0330');
  assert.equal(dicomTime('2026-03-14T01:00:00Z', '-0330').dateTime, '20260313213000.000000-0330');
  assert.throws(() => dicomTime('yesterday'), WetreadError);
});

test('WR-CON-04 DA and TM lead back to the instant that they were made of', () => {
  for (const offset of ['+0000', '-0800', '+0545', undefined])
    for (const instant of ['2026-03-14T23:59:26.535Z', '2026-01-01T00:00:00.000Z']) {
      const { date, time } = dicomTime(instant, offset);
      assert.equal(instantOf(date, time, offset), instant);
    }
  assert.equal(instantOf('20260314', '150926'), '2026-03-14T15:09:26.000Z');
  assert.equal(instantOf('20261399', '150926'), undefined);
  assert.equal(instantOf('', ''), undefined);
});
