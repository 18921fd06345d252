import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explanationOf, explanationText } from '../../../services/wetread/cli/rule-text.ts';
import { packageOf } from '../../../test/support/model-card.ts';
import { type SeriesWords, subjectOf } from '../../../test/support/rule-subject.ts';
import { SECOND_SLOT, TWO_SEQUENCES, twoSequencesCard } from '../../../test/support/two-sequences.ts';
import { WetreadError } from '../../errors.ts';
import { type Decision, decide, seriesToDescribe } from './decide.ts';
import { parseRules, requireModels } from './parse-rules.ts';

const card = twoSequencesCard('');
const packages = [packageOf(card)];
const T1: SeriesWords = { modality: 'MR', seriesNumber: 3, seriesDescription: 'T1 axial' };
const FLAIR: SeriesWords = { modality: 'MR', seriesNumber: 5, seriesDescription: 'FLAIR', count: 40 };
const FINE: SeriesWords = { modality: 'MR', seriesNumber: 6, seriesDescription: 'FLAIR 3D', count: 160 };
const rule = { name: 'brain', model: TWO_SEQUENCES };

function decided(words: readonly SeriesWords[], rules: readonly object[] = []): Decision {
  return decide(subjectOf(words), parseRules(rules as Parameters<typeof parseRules>[0]), packages);
}

function told({ selection }: Decision): unknown {
  const [reading] = selection?.readings ?? [];
  return {
    reads: reading?.candidates.map(({ seriesNumber }) => seriesNumber),
    given: reading?.slots.map(({ slot, candidates }) => [slot.name, ...candidates.map((one) => one.seriesNumber)]),
  };
}

test('WR-SLT-05 the card says which series is read and which fill its slots; a rule may say otherwise, key by key', () => {
  assert.deepEqual(told(decided([T1, FLAIR, FINE])), { reads: [3], given: [['flair', 6, 5]] });
  const by = (more: object): unknown => told(decided([T1, FLAIR, FINE], [{ ...rule, ...more }]));
  assert.deepEqual(by({}), { reads: [3], given: [['flair', 6, 5]] });
  assert.deepEqual(by({ slots: { flair: { atMost: 1 } } }), { reads: [3], given: [['flair', 6]] });
  const five = { where: { attribute: 'SeriesNumber', equals: 5 } };
  assert.deepEqual(by({ slots: { flair: five } }), { reads: [3], given: [['flair', 5]] });
  assert.deepEqual(by({ series: five }), { reads: [5], given: [['flair', 6, 5]] });
  const readings = [{ model: TWO_SEQUENCES, slots: { flair: five } }];
  assert.deepEqual(told(decided([T1, FLAIR, FINE], [{ name: 'brain', readings }])), {
    reads: [3],
    given: [['flair', 5]],
  });
});

test('WR-SLT-05 a study whose series the card leaves out has no model, and the reason quotes the card', () => {
  assert.deepEqual(decided([FLAIR]).reason, {
    code: 'no-model-selected',
    detail: "no series is as a model wants it: SeriesDescription does not contain 't1'",
  });
});

test('WR-SLT-03 where no series fits a slot that must be filled nothing is tried, and every series says why', () => {
  const { selection } = decided([T1, { ...T1, seriesNumber: 4 }]);
  assert.deepEqual(selection?.readings[0]?.candidates, []);
  const reasons = selection?.readings[0]?.left.map(({ reason: { code, detail } }) => [code, detail]);
  const why = "FLAIR: no series is as slot flair wants it: SeriesDescription does not contain 'flair'";
  assert.deepEqual(reasons, [
    ['slot-empty', why],
    ['slot-empty', why],
  ]);
});

test('WR-SLT-05 metadata is asked of series that only a slot has to tell apart', () => {
  const modal = twoSequencesCard('');
  const slots: typeof modal.input.slots = [{ ...SECOND_SLOT, modality: 'PT', series: { exclude: [], plane: 'axial' } }];
  const other = packageOf({ ...modal, input: { ...modal.input, series: { exclude: [] }, slots } });
  const { study } = subjectOf([T1, { ...FLAIR, modality: 'PT' }, { modality: 'SR' }]);
  const asked = (rules: Parameters<typeof parseRules>[0]): unknown =>
    seriesToDescribe(study, parseRules(rules), [other]).map(({ modality }) => modality);
  assert.deepEqual(asked([]), ['PT']);
  assert.deepEqual(asked([rule]), ['PT']);
  assert.deepEqual(asked([{ ...rule, slots: { flair: { exclude: [] } } }]), ['PT']);
});

test('WR-SLT-05 a rule that names a slot which the model has not is told with its key', () => {
  const complaint = (written: Parameters<typeof parseRules>[0]): string => {
    try {
      requireModels(parseRules(written), packages);
    } catch (error) {
      assert.ok(error instanceof WetreadError && error.code === 'config-invalid');
      return error.message;
    }
    return 'accepted';
  };
  assert.equal(complaint([{ ...rule, slots: { flair: {} } }]), 'accepted');
  assert.equal(
    complaint([{ ...rule, slots: { dwi: {} } }]),
    "rules.0.slots.dwi is no slot of 'mr-two-sequences'; it has: flair",
  );
  assert.match(
    complaint([{ ...rule, slots: { flair: { where: {} } } }]),
    /^rules\.0\.slots\.flair\.where needs one of/,
  );
  const readings: Parameters<typeof parseRules>[0] = [{ name: 'a', readings: [{ model: TWO_SEQUENCES }], slots: {} }];
  assert.equal(complaint(readings), 'rules.0.slots belongs to one of the readings');
});

test('WR-SLT-10 `wetread rules test` says which series fills which slot, what else would, and why others do not', () => {
  const text = (words: readonly SeriesWords[], change: object = {}): string => {
    const subject = subjectOf(words);
    const input = { ...card.input, slots: [{ ...SECOND_SLOT, ...change }] as [typeof SECOND_SLOT] };
    const decision = decide(subject, [], [packageOf({ ...card, input })]);
    return explanationText(explanationOf(subject.study, subject.event, decision, []));
  };
  const whole = text([T1, FLAIR, FINE]);
  assert.match(whole, / {2}for slot flair, FLAIR\n {2}✗ series 3 MR 'T1 axial'/);
  assert.match(whole, /✗ SeriesDescription contains 'flair' {3}found: T1 axial/);
  assert.match(whole, / {2}reads series 3 MR 'T1 axial'/);
  assert.match(whole, / {2}slot flair, FLAIR: series 6 MR 'FLAIR 3D'/);
  assert.match(whole, / {2}slot flair, FLAIR: if that does not fit: series 5 MR 'FLAIR'/);
  assert.doesNotMatch(whole, /leaves series/);
  assert.match(text([T1]), /reads nothing: the draft says so\n {2}slot flair, FLAIR: stays empty/);
  assert.match(text([T1]), /leaves series 3 .*: A further series that the model is to be given is missing: FLAIR: /);
  assert.match(
    text([T1], { required: false }),
    /reads series 3 .*\n {2}slot flair, FLAIR, if there is one: stays empty/,
  );
});
