import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ports } from '../../../src/ports.ts';
import { parseConfig } from '../config.ts';
import { wireWorklists } from './worklists.ts';

const worklist = { url: 'https://worklist.example/rs', match: { labels: ['Preliminary read'] } };

test('WR-UPS-17 a mistake in the configuration of a worklist names its key', () => {
  const [parsed] = parseConfig({ ups: [worklist] }).ups;
  assert.deepEqual([parsed?.dialect, parsed?.aeTitle, parsed?.subscription], ['standard', 'WETREAD', 'global']);
  const mistakes: readonly (readonly [object, RegExp])[] = [
    [{ url: 'worklist' }, /ups\.0\.url must be a URL/],
    [{ url: 'ftp://worklist.example' }, /ups\.0\.url must be a URL/],
    [{ notificationUrl: 'nowhere' }, /ups\.0\.notificationUrl must be a URL/],
    [{ archive: 'unknown' }, /ups\.0\.archive names none of archives/],
    [{ match: {} }, /ups\.0\.match must NOT have fewer than 1 properties/],
    [{ match: { labels: [] } }, /ups\.0\.match\.labels must NOT have fewer than 1 items/],
    [{ aeTitle: 'LONGER-THAN-AN-AE-TITLE' }, /ups\.0\.aeTitle must match/],
    [{ dialect: 'other' }, /ups\.0\.dialect must be/],
  ];
  for (const [mistake, expected] of mistakes) {
    assert.throws(() => parseConfig({ ups: [{ ...worklist, ...mistake }] }), {
      code: 'config-invalid',
      message: expected,
    });
  }
});

test('WR-LKT-04 of several worklists each has a name, by which logs, ledger and rules tell them apart', async () => {
  const nameOf = async (ups: readonly object[]): Promise<readonly string[]> =>
    (await wireWorklists(parseConfig({ ups }), {} as Ports)).map(({ name }) => name);
  assert.deepEqual(await nameOf([worklist]), ['ups']);
  const [emergency, wards] = [
    { ...worklist, name: 'emergency' },
    { ...worklist, name: 'wards' },
  ];
  assert.deepEqual(await nameOf([emergency, wards]), ['ups:emergency', 'ups:wards']);
  assert.throws(() => parseConfig({ ups: [worklist, worklist] }), /of several worklists each needs a name of its own/);
  assert.throws(
    () => parseConfig({ ups: [emergency, emergency] }),
    /of several worklists each needs a name of its own/,
  );
});
