import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lungCard, packageOf } from '../test/support/model-card.ts';
import { dataSetOf, type SeriesWords, seriesOf, subjectOf } from '../test/support/rule-subject.ts';
import { type ErrorCode, WetreadError } from './errors.ts';
import type { Decision } from './inference/rules/decide.ts';
import { parseRules } from './inference/rules/parse-rules.ts';
import type { ModelShelf } from './ports.ts';
import { isSkipped } from './reasons.ts';
import { decideOn, type MetadataSource, readable } from './selection.ts';

const NEVER = new AbortController().signal;
const shelf: ModelShelf = { packages: () => [packageOf(lungCard())], refused: [] };
const refused: ModelShelf = { ...shelf, refused: [{ error: new WetreadError('package-invalid', 'digest') }] };
const words: readonly SeriesWords[] = [{ seriesNumber: 1 }, { seriesNumber: 2 }];
const uids = words.map((each) => seriesOf(each).seriesInstanceUid);

/** Describes series as a head; the archive has faults of its own for some. */
function sourceWith(faults: Readonly<Record<string, ErrorCode>>): MetadataSource & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    retrieveMetadata: async (_study, series, instance) => {
      asked.push(instance);
      const code = faults[series];
      if (code !== undefined) throw new WetreadError(code, 'as ordered');
      return dataSetOf({ '00180015': ['HEAD'] });
    },
  };
}

function decided(source: MetadataSource, model = 'ct-lung-density'): Promise<Decision> {
  const rules = parseRules([
    { name: 'heads', model, series: { where: { attribute: 'BodyPartExamined', equals: 'head' } } },
  ]);
  return decideOn(subjectOf(words).study, { source: 'test' }, rules, shelf, source, NEVER);
}

test('WR-RUL-05 one instance of each series is asked for, the same at every look', async () => {
  const [first, second] = [sourceWith({}), sourceWith({})];
  await decided(first);
  await decided(second);
  assert.equal(first.asked.length, 2);
  assert.deepEqual(first.asked, second.asked);
});

test('WR-RUL-05 a series that the archive refuses to describe costs the others nothing', async () => {
  const { selection } = await decided(sourceWith({ [uids[0]!]: 'archive-refused' }));
  assert.deepEqual(
    selection?.readings[0]?.candidates.map(({ seriesNumber }) => seriesNumber),
    [2],
  );
});

test('WR-RUL-05 an archive that describes nothing, or cannot now, is a fault and no verdict on the study', async () => {
  const all = (code: ErrorCode): Promise<Decision> => decided(sourceWith({ [uids[0]!]: code, [uids[1]!]: code }));
  for (const code of ['archive-refused', 'archive-unreachable', 'internal'] as const) {
    await assert.rejects(all(code), (error) => error instanceof WetreadError && error.code === code);
  }
  await assert.rejects(decided(sourceWith({ [uids[0]!]: 'archive-unreachable' })));
});

test('WR-RUL-06 where a package was refused, the study that its rule would read is parked, another is not', async () => {
  const missing = await decided(sourceWith({}), 'ct-refused');
  assert.throws(() => readable(missing, refused), { code: 'package-invalid' });
  const loaded = readable(await decided(sourceWith({})), refused);
  assert.ok(!isSkipped(loaded) && loaded.readings[0]?.package.card.name === 'ct-lung-density');
  const none = await decideOn(
    subjectOf([{ modality: 'SR' }]).study,
    { source: 'test' },
    parseRules([{ name: 'all', model: 'ct-lung-density' }]),
    refused,
    sourceWith({}),
    NEVER,
  );
  assert.deepEqual(readable(none, refused), {
    skipped: { code: 'no-rule-holds', detail: 'all: no series has a modality that the model reads' },
  });
});

test('WR-RUL-06 without rules a refused package parks what no other reads', async () => {
  const { study } = subjectOf([{ modality: 'SR' }]);
  const decision = await decideOn(study, { source: 'test' }, [], refused, sourceWith({}), NEVER);
  assert.throws(() => readable(decision, refused), { code: 'package-invalid' });
  assert.ok(isSkipped(readable(decision, shelf)));
});
