import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DicomDataSet, stringsOf } from '../../src/dicom-json.ts';
import { testArchive } from '../../test/support/directory-archive.ts';
import { part10File, seriesUid, sopUid, studyUid, text } from '../../test/support/part10.ts';
import type { DirectoryArchive } from './archive.ts';
import type { Level } from './attributes.ts';
import { type AttributeMatch, matcherOf } from './matching.ts';
import type { SearchQuery } from './search.ts';

const name = (alphabetic: string, ideographic?: string): DicomDataSet => ({
  '00100010': { vr: 'PN', Value: [{ Alphabetic: alphabetic, ...(ideographic && { Ideographic: ideographic }) }] },
});

/** Whether a data set matches one key. */
function matches(dataSet: DicomDataSet, tag: string, vr: string, value: string): boolean {
  return matcherOf([{ path: tag.split('.'), vr, value }])(dataSet);
}

test('WR-ARC-30 names match without regard to case, in every script, by each group', () => {
  const yamada = name('Yamada^Tarou', '山田^太郎');
  for (const value of [
    'yamada^tarou',
    'YAMADA*',
    '*tarou',
    'Yamada?Tarou',
    '山田*',
    '山田^太郎',
    'Yamada^Tarou=山田^太郎',
    '*',
  ]) {
    assert.ok(matches(yamada, '00100010', 'PN', value), value);
  }
  for (const value of ['Yamada', 'amada*', '田*', 'Yamada^Tarou='])
    assert.ok(!matches(yamada, '00100010', 'PN', value), value);
  assert.ok(matches(name('Müller^Jörg'), '00100010', 'PN', 'MÜLLER*'));
  assert.ok(matches(name('Mu\u0308ller^Jörg'), '00100010', 'PN', 'm\u00fcller^*'));
  assert.ok(matches(name('Люкceмбypг'), '00100010', 'PN', 'ЛЮКC*'));
  assert.ok(matches(name('Doe^Jane^^'), '00100010', 'PN', 'doe^jane'));
});

test('WR-ARC-30 wildcards: * any, ? one, everything else literally, no slow pattern', () => {
  const value = (found: string): DicomDataSet => ({ '00081030': text('LO', found) });
  const cases: readonly [string, string, boolean][] = [
    ['CT Chest', 'CT*', true],
    ['CT Chest', '*Chest', true],
    ['CT Chest', 'C?*st', true],
    ['CT Chest', 'ct*', false],
    ['CT Chest', 'CT', false],
    ['a.c', 'a?c', true],
    ['abc', 'a.*', false],
    ['(x)', '(?)', true],
    ['', '*x*', false],
    ['aXbXc', 'a*b*c', true],
    ['aXbX', 'a*b*c', false],
  ];
  for (const [found, pattern, expected] of cases) {
    assert.equal(matches(value(found), '00081030', 'LO', pattern), expected, `${found} ~ ${pattern}`);
  }
  assert.ok(!matches(value('a'.repeat(5000)), '00081030', 'LO', `${'*a'.repeat(200)}b`));
});

test('WR-ARC-31 ranges of dates and times, with bounds of less precision', () => {
  const at = (date: string, time: string): DicomDataSet => ({
    '00080020': text('DA', date),
    '00080030': text('TM', time),
  });
  const found = at('20260131', '101500.5');
  for (const value of ['20260131', '20260101-20260131', '-20260131', '20260131-', '20251231-20270101']) {
    assert.ok(matches(found, '00080020', 'DA', value), value);
  }
  for (const value of ['20260130', '20260201-', '-20260130', '20260201-20260301']) {
    assert.ok(!matches(found, '00080020', 'DA', value), value);
  }
  for (const value of ['10', '1015', '10-11', '-10', '101500-', '101500.5', '0900-1015']) {
    assert.ok(matches(found, '00080030', 'TM', value), value);
  }
  for (const value of ['11-', '-09', '1016-', '101501-', '1014'])
    assert.ok(!matches(found, '00080030', 'TM', value), value);
  assert.ok(matches(at('2026.01.31', '10:15'), '00080020', 'DA', '20260131'));
  assert.ok(!matches({ '00080020': { vr: 'DA' } }, '00080020', 'DA', '-20260131'));
});

test('WR-ARC-31 ranges of Study Date and Study Time together are one range', () => {
  const both = (date: string, time: string): ((dataSet: DicomDataSet) => boolean) =>
    matcherOf([
      { path: ['00080020'], vr: 'DA', value: date },
      { path: ['00080030'], vr: 'TM', value: time },
    ]);
  const at = (date: string, time: string): DicomDataSet => ({
    '00080020': text('DA', date),
    '00080030': text('TM', time),
  });
  const night = both('20260130-20260131', '2200-0600');
  assert.ok(night(at('20260130', '230000')) && night(at('20260131', '0559')));
  assert.ok(!night(at('20260130', '2159')) && !night(at('20260131', '0701')));
  assert.ok(both('20260130-', '2200-')(at('20260201', '0100')));
  assert.ok(!both('20260130', '2200-2300')(at('20260130', '0100')));
});

test('lists of UIDs, numbers, several values, sequences, universal and empty values', () => {
  const dataSet: DicomDataSet = {
    '0020000D': text('UI', '1.2.3'),
    '00200011': text('IS', 7),
    '00080061': text('CS', 'CT', 'SR'),
    '00080050': { vr: 'SH' },
    '00400275': { vr: 'SQ', Value: [{ '00401001': text('SH', 'A') }, { '00401001': text('SH', 'B') }] },
  };
  const cases: readonly [string, string, string, boolean][] = [
    ['0020000D', 'UI', '1.2.4,1.2.3', true],
    ['0020000D', 'UI', '1.2.4\\1.2.3', true],
    ['0020000D', 'UI', '1.2', false],
    ['00200011', 'IS', '7', true],
    ['00200011', 'IS', '07', true],
    ['00200011', 'IS', '8', false],
    ['00080061', 'CS', 'SR', true],
    ['00080061', 'CS', 'MR\\SR', true],
    ['00080061', 'CS', 'MR', false],
    ['00400275.00401001', 'SH', 'B', true],
    ['00400275.00401001', 'SH', 'C', false],
    ['00080050', 'SH', '', true],
    ['00080090', 'PN', '', true],
    ['00080050', 'SH', '""', true],
    ['00080061', 'CS', '""', false],
  ];
  for (const [tag, vr, value, expected] of cases) {
    assert.equal(matches(dataSet, tag, vr, value), expected, `${tag}=${value}`);
  }
});

test('WR-ARC-32 values that do not fit their attribute are refused', () => {
  const bad: readonly [string, string][] = [
    ['DA', '2026'],
    ['DA', '20261301'],
    ['DA', '2026-01-31'],
    ['DA', '-'],
    ['TM', '25'],
    ['TM', '1'],
    ['UI', '1.2.x'],
    ['UI', '1.2,'],
    ['IS', 'seven'],
    ['SQ', 'x'],
  ];
  for (const [vr, value] of bad) {
    assert.throws(() => matches({}, '00080020', vr, value), { code: 'request-invalid' }, `${vr} ${value}`);
  }
});

async function fill(archive: DirectoryArchive): Promise<void> {
  const batch = archive.batch();
  for (const [study, modality, date] of [
    ['one', 'CT', '20260101'],
    ['two', 'MR', '20260102'],
    ['three', 'CT', '20260103'],
  ] as const) {
    for (const series of ['a', 'b']) {
      for (const instance of ['1', '2']) {
        const attributes = {
          '00080020': text('DA', date),
          '00080050': text('SH', `acc ${study}`),
          '00081030': text('LO', `about ${study}`),
          '00200011': text('IS', series === 'a' ? 1 : 2),
          '00200013': text('IS', Number(instance)),
          '00180081': text('DS', 3.5),
        };
        const names = { study, series: `${study}/${series}`, instance: `${study}/${series}/${instance}` };
        await batch.add([part10File({ ...names, modality: series === 'a' ? modality : 'SR', attributes }).bytes]);
      }
    }
  }
  await batch.finish();
}

const everything: Pick<SearchQuery, 'matches' | 'include' | 'offset' | 'limit'> = {
  matches: [],
  include: [],
  offset: 0,
  limit: 1000,
};

async function find(
  archive: DirectoryArchive,
  level: Level,
  query: Partial<SearchQuery> = {},
): Promise<DicomDataSet[]> {
  const found: DicomDataSet[] = [];
  for await (const dataSet of archive.search({ level, ...everything, ...query }).dataSets) found.push(dataSet);
  return found;
}

const match = (tag: string, vr: string, value: string): AttributeMatch => ({ path: tag.split('.'), vr, value });

test('WR-ARC-33 studies, series and instances are found at every level of the path', async () => {
  await using use = await testArchive();
  await fill(use.archive);
  const [study, series] = [studyUid('two'), seriesUid('two/a')];
  const counts: readonly [Level, Partial<SearchQuery>, number][] = [
    ['study', {}, 3],
    ['series', {}, 6],
    ['instance', {}, 12],
    ['series', { studyInstanceUid: study }, 2],
    ['instance', { studyInstanceUid: study }, 4],
    ['instance', { studyInstanceUid: study, seriesInstanceUid: series }, 2],
    ['study', { matches: [match('00080061', 'CS', 'CT')] }, 2],
    ['study', { matches: [match('0020000D', 'UI', `${studyUid('one')},${studyUid('two')}`)] }, 2],
    ['study', { matches: [match('00080020', 'DA', '20260102-')] }, 2],
    ['study', { matches: [match('00080050', 'SH', 'acc two')] }, 1],
    ['study', { matches: [match('00100020', 'LO', 'patient of one')] }, 1],
    ['study', { matches: [match('00100020', 'LO', 'PATIENT of one')] }, 0],
    ['series', { matches: [match('00080060', 'CS', 'SR')] }, 3],
    ['series', { matches: [match('0020000E', 'UI', series)] }, 1],
    ['instance', { matches: [match('00080018', 'UI', sopUid('two/a/1'))] }, 1],
    ['instance', { matches: [match('00200013', 'IS', '2'), match('00080060', 'CS', 'MR')] }, 1],
    ['instance', { matches: [match('00081030', 'LO', 'about t*')] }, 8],
  ];
  for (const [level, query, expected] of counts) {
    assert.equal((await find(use.archive, level, query)).length, expected, JSON.stringify([level, query]));
  }
});

test('WR-ARC-34 counts and lists are computed from what is held', async () => {
  await using use = await testArchive();
  await fill(use.archive);
  const [study] = await find(use.archive, 'study', {
    matches: [match('0020000D', 'UI', studyUid('two'))],
    include: ['00080062'],
  });
  assert.deepEqual(study!['00201206'], { vr: 'IS', Value: [2] });
  assert.deepEqual(study!['00201208'], { vr: 'IS', Value: [4] });
  assert.deepEqual(stringsOf(study!, '00080061'), ['MR', 'SR']);
  assert.equal(stringsOf(study!, '00080062').length, 2);
  assert.deepEqual(study!['00080056'], { vr: 'CS', Value: ['ONLINE'] });
  const [series] = await find(use.archive, 'series', { studyInstanceUid: studyUid('two') });
  assert.deepEqual(series!['00201209'], { vr: 'IS', Value: [2] });
  assert.equal((await find(use.archive, 'study', { matches: [match('00201208', 'IS', '4')] })).length, 3);
});

test('WR-ARC-35 includefield: by tag, all, and never from a level below', async () => {
  await using use = await testArchive();
  await fill(use.archive);
  const keys = async (
    level: Level,
    include: SearchQuery['include'],
    query: Partial<SearchQuery> = {},
  ): Promise<string[]> => Object.keys((await find(use.archive, level, { include, limit: 1, ...query }))[0]!);
  assert.ok(!(await keys('study', [])).includes('00081030'));
  assert.ok((await keys('study', ['00081030'])).includes('00081030'));
  assert.ok(!(await keys('study', ['00080060', '00180081'])).some((tag) => tag === '00080060' || tag === '00180081'));
  assert.ok((await keys('study', 'all')).includes('00081030'));
  const study = { studyInstanceUid: studyUid('one') };
  assert.ok((await keys('series', [])).includes('00100010'), 'a search over all studies says whose series it found');
  assert.ok(!(await keys('series', [], study)).includes('00100010'));
  assert.ok(!(await keys('instance', [], study)).includes('00180081'));
  const [instance] = await find(use.archive, 'instance', { ...study, include: ['00180081'] });
  assert.deepEqual(instance!['00180081'], { vr: 'DS', Value: [3.5] });
  assert.ok((await keys('instance', 'all', study)).includes('00180081'));
  assert.deepEqual(instance!['00083002'], { vr: 'UI', Value: ['1.2.840.10008.1.2.1'] });
  const [first] = await find(use.archive, 'study');
  assert.deepEqual(first!['00080090'], { vr: 'PN' }, 'what a study does not have comes back empty');
  assert.deepEqual(Object.keys(first!), Object.keys(first!).sort());
});

test('WR-ARC-36 pages follow each other without a gap, and the total is known', async () => {
  await using use = await testArchive();
  await fill(use.archive);
  const seen: string[] = [];
  for (let offset = 0; offset < 12; offset += 5) {
    const { total, dataSets } = use.archive.search({ level: 'instance', ...everything, offset, limit: 5 });
    assert.equal(total, 12);
    for await (const dataSet of dataSets) seen.push(...stringsOf(dataSet, '00080018'));
  }
  assert.equal(new Set(seen).size, 12);
});

test('WR-ARC-32 attributes below the level of the search, or not indexed, are refused', async () => {
  await using use = await testArchive();
  for (const [level, key] of [
    ['study', match('00080060', 'CS', 'CT')],
    ['series', match('00200013', 'IS', '1')],
    ['instance', match('00180081', 'DS', '3.5')],
  ] as const) {
    await assert.rejects(find(use.archive, level, { matches: [key] }), { code: 'request-invalid' });
  }
});
