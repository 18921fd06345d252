import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadingRule } from '../../../contracts/generated/types.ts';
import { lungCard, packageOf } from '../../../test/support/model-card.ts';
import { AXIAL, CORONAL, type SeriesWords, subjectOf } from '../../../test/support/rule-subject.ts';
import type { ModelPackage } from '../model-package.ts';
import { type Decision, decide, EVERY_MODEL, type Selection, seriesToDescribe } from './decide.ts';
import { parseRules } from './parse-rules.ts';

const packages = [packageOf(lungCard())];
const rule = (more: Partial<ReadingRule> = {}): ReadingRule => ({ name: 'chest', model: 'ct-lung-density', ...more });

function decided(words: readonly SeriesWords[], rules: readonly ReadingRule[] = []): Decision {
  return decide(subjectOf(words), parseRules(rules), packages);
}

function selected(words: readonly SeriesWords[], rules: readonly ReadingRule[] = []): Selection {
  const { selection } = decided(words, rules);
  assert.ok(selection !== undefined);
  return selection;
}

const numbers = ({ readings: [first] }: Selection): unknown[] =>
  first!.candidates.map(({ seriesNumber }) => seriesNumber);
const left = ({ readings: [first] }: Selection): unknown[] =>
  first!.left.map(({ series, reason: { code, detail } }) => [series.seriesNumber, code, detail]);

test('WR-MOD-03 the series with the most instances comes first; series of other modalities are named', () => {
  const [scout, thick] = [
    { count: 2, seriesNumber: 1 },
    { count: 60, seriesNumber: 2 },
  ];
  const thin = [4, 3].map((seriesNumber) => ({ count: 300, seriesNumber }));
  const selection = selected([scout, thick, ...thin, { modality: 'SR', count: 1, seriesNumber: 9 }]);
  assert.equal(selection.readings[0]?.package, packages[0]);
  assert.deepEqual(numbers(selection), [3, 4, 2, 1]);
  assert.deepEqual(left(selection), [[9, 'wrong-modality', 'SR']]);
});

test('WR-MOD-03 no model reads the modality', () => {
  const detail = 'no model reads MR, SR';
  assert.deepEqual(decided([{ modality: 'SR' }, { modality: 'MR' }]).reason, { code: 'no-model-selected', detail });
});

test('WR-MOD-03 without packages nothing is selected', () => {
  const { reason, judged } = decide(subjectOf([{}]), [], []);
  assert.deepEqual(reason, { code: 'no-model-selected', detail: 'no model package is loaded' });
  assert.deepEqual(judged, []);
});

/** As the lung package, under another name and for another modality. */
function packageFor(name: string, modality: string): ModelPackage {
  const card = lungCard();
  return packageOf({ ...card, name, intendedUse: [{ ...card.intendedUse[0], modality }] });
}

const models = ({ selection }: Decision): unknown => selection?.readings.map(({ model }) => model);

test('WR-MUL-02 without rules every model that reads a modality of the study reads it, in the order of the configuration', () => {
  const all = [packageFor('mr', 'MR'), packageFor('second', 'CT'), ...packages];
  const decision = decide(subjectOf([{}]), [], all);
  assert.deepEqual(models(decision), ['second', 'ct-lung-density']);
  assert.equal(decision.selection?.rule.name, EVERY_MODEL);
  assert.deepEqual(models(decide(subjectOf([{ modality: 'MR' }]), [], all)), ['mr']);
  assert.equal(decide(subjectOf([{ modality: 'US' }]), [], all).reason?.code, 'no-model-selected');
  const asked = packageFor('example', 'CT');
  const example = { ...asked, card: { ...asked.card, onlyByRule: true } };
  assert.deepEqual(models(decide(subjectOf([{}]), [], [example, ...packages])), ['ct-lung-density']);
  assert.match(decide(subjectOf([{}]), [], [example]).reason?.detail ?? '', /wants to be named by a rule/);
  assert.deepEqual(models(decide(subjectOf([{}]), parseRules([rule({ model: 'example' })]), [example])), ['example']);
});

test('WR-MUL-01 a rule names several models; each has series of its own, and one holds it up for no other', () => {
  const all = [packageFor('mr', 'MR'), packageFor('second', 'CT'), ...packages];
  const rules = parseRules([
    {
      name: 'several',
      series: { exclude: [] },
      readings: [
        { model: 'second', series: { kernel: 'lung' } },
        { model: 'ct-lung-density', series: { kernel: 'soft' } },
        { model: 'mr' },
      ],
    },
  ]);
  const kernel = (seriesNumber: number, name: string): SeriesWords => ({
    seriesNumber,
    values: { '00181210': [name] },
  });
  const tried = (words: readonly SeriesWords[]): unknown =>
    decide(subjectOf(words), rules, all).selection?.readings.map(({ model, candidates }) => [
      model,
      candidates.map(({ seriesNumber }) => seriesNumber),
    ]);
  assert.deepEqual(tried([kernel(1, 'B30f'), kernel(2, 'B70f')]), [
    ['second', [2]],
    ['ct-lung-density', [1]],
  ]);
  // A CT that only one of them may read: of the other the draft says so; what reads no CT is not concerned.
  assert.deepEqual(tried([kernel(1, 'B30f')]), [
    ['second', []],
    ['ct-lung-density', [1]],
  ]);
  assert.equal(tried([kernel(1, 'no kernel that is known')]), undefined);
});

test('WR-RUL-02 the first rule that holds decides; those after it are not looked at', () => {
  const rules = [
    rule({ name: 'thorax', when: { attribute: 'StudyDescription', contains: 'thorax' }, priority: 'urgent' }),
    rule({ name: 'rest' }),
    rule({ name: 'never-reached' }),
  ];
  const described = decide(subjectOf([{}], { studyDescription: 'CT  THORAX native' }), parseRules(rules), packages);
  assert.deepEqual([described.selection?.rule.name, described.selection?.rule.priority], ['thorax', 'urgent']);
  const plain = decided([{}], rules);
  assert.equal(plain.selection?.rule.name, 'rest');
  assert.deepEqual(
    plain.judged.map((each) => [each.rule.name, each.whyNot]),
    [
      ['thorax', 'StudyDescription is not given'],
      ['rest', ''],
    ],
  );
});

test('WR-RUL-03 a study for which no rule holds: each rule says why not, and quotes nothing of the study', () => {
  const rules = [
    rule({ name: 'thorax', when: { attribute: 'StudyDescription', matches: 'CT*THORAX*' } }),
    rule({ name: 'soft-axial', series: { plane: 'axial', kernel: 'soft', sliceThickness: { maximum: 2 } } }),
    rule({ name: 'ward', when: { not: { attribute: 'source', equals: 'test' } } }),
  ];
  const subject = subjectOf(
    [
      { values: { '00200037': CORONAL } },
      { values: { '00200037': AXIAL, '00181210': ['Secret kernel'] } },
      { values: { '00200037': AXIAL, '00181210': ['Br38f', '3'], '00180050': [5] } },
      { modality: 'SR' },
    ],
    { studyDescription: 'Meier Anna, Knie' },
  );
  assert.deepEqual(decide(subject, parseRules(rules), packages).reason, {
    code: 'no-rule-holds',
    detail:
      "thorax: StudyDescription does not match 'CT*THORAX*'. soft-axial: no series is as the rule wants it: plane is not axial; " +
      "ConvolutionKernel is not known as one for soft tissue; SliceThickness is not at most 2 mm. ward: source is 'test'",
  });
  const many = Array.from({ length: 12 }, (_, n) =>
    rule({ name: `r${n}`, when: { attribute: 'Modality', equals: 'X' } }),
  );
  assert.match(decided([{}], many).reason?.detail ?? '', /^r0: Modality is not 'X'\. .*r7: [^.]+\. and 4 more$/);
});

test('WR-RUL-04 the thinnest axial soft kernel, one series, and why each of the others is left', () => {
  const words: SeriesWords[] = [
    { seriesNumber: 1, count: 2, values: { '00080008': ['ORIGINAL', 'PRIMARY', 'LOCALIZER'], '00200037': CORONAL } },
    { seriesNumber: 2, values: { '00200037': AXIAL, '00181210': ['B30f'], '00180050': ['5.0'] } },
    { seriesNumber: 3, values: { '00200037': AXIAL, '00181210': ['STANDARD'], '00180050': [1.25] } },
    { seriesNumber: 4, count: 500, values: { '00200037': AXIAL, '00181210': ['LUNG'], '00180050': [0.6] } },
    { seriesNumber: 5, values: { '00200037': CORONAL, '00181210': ['STANDARD'], '00180050': [1] } },
    { seriesNumber: 6, values: { '00080008': ['DERIVED', 'SECONDARY', 'AXIAL', 'MIP'], '00200037': AXIAL } },
    { seriesNumber: 7 },
    { seriesNumber: 8, modality: 'SR', count: 1 },
  ];
  const series = { plane: 'axial', kernel: 'soft', prefer: 'thinnest', atMost: 1 } as const;
  const selection = selected(words, [rule({ series })]);
  assert.deepEqual(numbers(selection), [3]);
  assert.deepEqual(left(selection), [
    [1, 'series-not-selected', 'it is a localizer'],
    [2, 'series-not-selected', 'the rule tries at most 1, and prefers another'],
    [4, 'series-not-selected', 'ConvolutionKernel is not known as one for soft tissue'],
    [5, 'series-not-selected', 'plane is not axial'],
    [6, 'series-not-selected', 'it is a projection'],
    [7, 'series-not-selected', 'ImageOrientationPatient is not given'],
    [8, 'wrong-modality', 'SR'],
  ]);
  const lung = selected(words, [rule({ series: { plane: 'axial', kernel: 'lung' } })]);
  assert.deepEqual(numbers(lung), [4]);
  const where = { attribute: 'ImageType', exists: true } as const;
  const notDerived: ReadingRule['series'] = { exclude: ['derived', 'secondary'], where };
  assert.deepEqual(numbers(selected(words, [rule({ series: notDerived })])), [1]);
});

test('WR-RUL-04 a condition on the study has the values of all series, one on a series its own', () => {
  const words: SeriesWords[] = [
    { seriesNumber: 1, seriesDescription: 'Lunge', values: { '00080080': ['North'] } },
    { seriesNumber: 2, seriesDescription: 'Knie', values: { '00080080': ['North'] } },
  ];
  const when = { attribute: 'SeriesDescription', contains: 'lung' } as const;
  assert.deepEqual(numbers(selected(words, [rule({ when })])), [1, 2]);
  assert.deepEqual(numbers(selected(words, [rule({ series: { where: when } })])), [1]);
  assert.equal(decided(words, [rule({ when: { not: when } })]).selection, undefined);
});

test('WR-RUL-05 no instance is asked for but where a rule needs it, and only of series that its model reads', () => {
  const { study } = subjectOf([{ seriesNumber: 1 }, { seriesNumber: 2, modality: 'MR' }]);
  const asked = (...rules: ReadingRule[]): unknown[] =>
    seriesToDescribe(study, parseRules(rules), packages).map(({ seriesNumber }) => seriesNumber);
  assert.deepEqual(asked(), []);
  const exclude = { exclude: [] };
  assert.deepEqual(asked(rule({ series: exclude, when: { attribute: 'Modality', equals: 'CT' } })), []);
  assert.deepEqual(asked(rule()), [1]);
  assert.deepEqual(asked(rule({ series: { ...exclude, plane: 'axial' } })), [1]);
  assert.deepEqual(asked(rule({ series: exclude, when: { attribute: 'StationName', exists: true } })), [1, 2]);
});

test('WR-RUL-06 a model that is not loaded is selected by its rule and by nothing else', () => {
  const rules = [rule({ name: 'heads', model: 'head', when: { attribute: 'Modality', equals: 'MR' } }), rule()];
  assert.equal(decided([{}], rules).selection?.rule.name, 'chest');
  const head = decided([{ modality: 'MR' }], rules).selection;
  assert.deepEqual([head?.rule.name, head?.readings[0]?.package], ['heads', undefined]);
});
