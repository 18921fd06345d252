import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dateTime, fhirDate, identifierQuery, narrative, plain, token } from './fhir-elements.ts';

describe('FHIR elements', () => {
  test('WR-FHIR-04 DA and TM become a dateTime only with an offset from UTC', () => {
    const rows: readonly [string | undefined, string | undefined, string | undefined, string | undefined][] = [
      ['20260314', '120000', '+0100', '2026-03-14T12:00:00+01:00'],
      ['20260314', '120000.123456', '-0330', '2026-03-14T12:00:00.123456-03:30'],
      ['20260314', '1200', '+0000', '2026-03-14T12:00:00+00:00'],
      ['20260314', '12', '+0100', '2026-03-14'],
      ['20260314', '120000', undefined, '2026-03-14'],
      ['20260314', undefined, '+0100', '2026-03-14'],
      ['20260314', '250000', '+0100', '2026-03-14'],
      ['20260314', '120000', '+2500', '2026-03-14'],
      ['2026.03.14', '12:00:00', '+0100', '2026-03-14T12:00:00+01:00'],
      ['20240229', undefined, undefined, '2024-02-29'],
      ['20260229', '120000', '+0100', undefined],
      ['20261301', '120000', '+0100', undefined],
      ['2026', undefined, undefined, undefined],
      ['20260101-20260201', undefined, undefined, undefined],
      [undefined, '120000', '+0100', undefined],
    ];
    for (const [date, time, offset, expected] of rows)
      assert.equal(dateTime(date, time, offset), expected, JSON.stringify([date, time, offset]));
    assert.equal(fhirDate(' 19510228 '), '1951-02-28');
  });

  test('WR-FHIR-06 a token escapes what separates', () => {
    assert.equal(token({ system: 'urn:x', value: 'a|b,c$d\\e' }), 'urn:x|a\\|b\\,c\\$d\\\\e');
    assert.equal(identifierQuery({ system: 'urn:x', value: 'a&b' }), 'identifier=urn%3Ax%7Ca%26b');
  });

  test('WR-FHIR-05 text is well-formed, without control characters; narratives are escaped', () => {
    assert.equal(plain('a\u0000b\u0085c\td\r\ne\udfff'), 'abc\td\r\ne\ufffd');
    assert.equal(
      narrative('<b>', 'x & "y"').div,
      '<div xmlns="http://www.w3.org/1999/xhtml"><p>&lt;b&gt;</p><p>x &amp; &quot;y&quot;</p></div>',
    );
  });
});
