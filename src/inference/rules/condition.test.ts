import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuleCondition } from '../../../contracts/generated/types.ts';
import { validateReadingRule } from '../../../contracts/generated/validators.js';
import { lungCard, packageOf } from '../../../test/support/model-card.ts';
import { random } from '../../../test/support/random.ts';
import { dataSetOf, type SeriesWords, subjectOf } from '../../../test/support/rule-subject.ts';
import type { DicomDataSet } from '../../dicom-json.ts';
import { ATTRIBUTE_NAMES, type AttributeName, type RuleSubject, valuesOf } from './attributes.ts';
import { judge } from './condition.ts';
import { type Decision, decide } from './decide.ts';
import { KERNELS, kernelKind } from './kernels.ts';
import { parseRules } from './parse-rules.ts';
import { matchesPattern } from './pattern.ts';
import { EXCLUSIONS, PLANES, type Rule } from './rule.ts';
import { planeOf } from './series.ts';

function conditionOf(when: RuleCondition): NonNullable<Rule['when']> {
  return parseRules([{ name: 'r', model: 'm', when }])[0]!.when!;
}

function holds(when: RuleCondition, subject: RuleSubject): boolean {
  return judge(conditionOf(when), subject, subject.study.series).holds;
}

const words: readonly SeriesWords[] = [
  { seriesNumber: 3, seriesDescription: 'Thorax  1.0 Bl57', values: { '00180050': ['1.00'], '00081010': ['CT1'] } },
  { modality: 'SR', count: 1 },
];
const chest = subjectOf(
  words,
  { studyDescription: 'CT Thorax', requests: [{ accessionNumber: 'A-77', requestedProcedureDescription: 'Lunge' }] },
  { source: 'qido', archive: 'north', priority: 'stat' },
);

test('WR-RUL-01 operators on attributes of event, study, order, series and instance', () => {
  const cases: readonly (readonly [RuleCondition, boolean])[] = [
    [{ attribute: 'source', equals: 'qido' }, true],
    [{ attribute: 'archive', anyOf: ['south', 'NORTH'] }, true],
    [{ attribute: 'priority', anyOf: ['urgent', 'asap'] }, false],
    [{ attribute: 'StudyDescription', equals: 'ct thorax' }, true],
    [{ attribute: 'StudyDescription', equals: 'thorax' }, false],
    [{ attribute: 'StudyDescription', contains: 'THORAX' }, true],
    [{ attribute: 'RequestedProcedureDescription', matches: 'l*g*' }, true],
    [{ attribute: 'AccessionNumber', matches: 'A-*' }, true],
    [{ attribute: 'AccessionNumber', matches: 'A' }, false],
    [{ attribute: 'Modality', anyOf: ['MR', 'SR'] }, true],
    [{ attribute: 'SeriesDescription', contains: 'thorax 1.0' }, true],
    [{ attribute: 'SeriesNumber', equals: 3 }, true],
    [{ attribute: 'NumberOfStudyRelatedInstances', minimum: 101, maximum: 101 }, true],
    [{ attribute: 'SliceThickness', equals: 1 }, true],
    [{ attribute: 'SliceThickness', minimum: 0.5, maximum: 0.9 }, false],
    [{ attribute: 'SliceThickness', maximum: 1 }, true],
    [{ attribute: 'StationName', exists: true }, true],
    [{ attribute: 'ProtocolName', exists: false }, true],
    [{ attribute: 'ProtocolName', contains: 'a' }, false],
    [{ attribute: 'StudyDescription', minimum: 0 }, false],
    [{ not: { attribute: 'ProtocolName', contains: 'a' } }, true],
    [
      {
        all: [
          { attribute: 'Modality', equals: 'CT' },
          { attribute: 'Modality', equals: 'MR' },
        ],
      },
      false,
    ],
    [
      {
        any: [
          { attribute: 'Modality', equals: 'CT' },
          { attribute: 'Modality', equals: 'MR' },
        ],
      },
      true,
    ],
  ];
  for (const [when, expected] of cases) assert.equal(holds(when, chest), expected, JSON.stringify(when));
});

test('WR-RUL-01 a judgement says what was wanted and found, and why it fails in words of the rule alone', () => {
  const when: RuleCondition = {
    all: [{ attribute: 'Modality', equals: 'CT' }, { any: [{ attribute: 'StationName', equals: 'CT2' }] }],
  };
  const judged = judge(conditionOf(when), chest, chest.study.series);
  assert.deepEqual(judged, {
    holds: false,
    wants: "(Modality is 'CT' and StationName is 'CT2')",
    whyNot: "StationName is not 'CT2'",
    parts: [
      { holds: true, wants: "Modality is 'CT'", whyNot: '', found: ['CT', 'SR'] },
      {
        holds: false,
        wants: "StationName is 'CT2'",
        whyNot: "StationName is not 'CT2'",
        parts: [{ holds: false, wants: "StationName is 'CT2'", whyNot: "StationName is not 'CT2'", found: ['CT1'] }],
      },
    ],
  });
});

test('WR-RUL-01 values in functional groups of enhanced objects count', () => {
  const group = (tag: string, values: DicomDataSet): DicomDataSet => ({ [tag]: { vr: 'SQ', Value: [values] } });
  const dataSet = {
    ...group('52009229', group('00289110', dataSetOf({ '00180050': [0.75] }))),
    ...group('52009230', group('00209116', dataSetOf({ '00200037': [1, 0, 0, 0, 1, 0] }))),
  };
  const subject = subjectOf([{}]);
  const described = new Map([[subject.study.series[0]!.seriesInstanceUid, dataSet]]);
  assert.ok(holds({ attribute: 'SliceThickness', equals: 0.75 }, { ...subject, described }));
  assert.ok(holds({ attribute: 'ImageOrientationPatient', exists: true }, { ...subject, described }));
});

test('WR-RUL-01 a pattern has no special sign but the star, and long ones take no time', () => {
  for (const [text, pattern, expected] of [
    ['abc', 'a*c', true],
    ['ac', 'a*c', true],
    ['abcd', 'a*c', false],
    ['a', 'a*a', false],
    ['aXbXc', '*x*x*', true],
    ['a.c', 'a?c', false],
    ['(a+)+$', '(A+)+$', true],
    ['', '*', true],
    ['anything', '**', true],
    ['Ärzte', 'ä*', true],
  ] as const) {
    assert.equal(matchesPattern(text, pattern), expected, `${text} ${pattern}`);
  }
  assert.equal(matchesPattern('a'.repeat(100_000), `${'*a'.repeat(100)}*b`), false);
});

test('WR-RUL-07 the schema offers exactly the attributes that rules know, and none of a patient', () => {
  for (const attribute of ATTRIBUTE_NAMES) {
    assert.ok(validateReadingRule({ name: 'r', model: 'm', when: { attribute, exists: true } }), attribute);
  }
  for (const attribute of [
    'PatientName',
    'PatientID',
    'PatientBirthDate',
    'PatientSex',
    'PatientAge',
    'OtherPatientIDs',
  ]) {
    assert.equal(validateReadingRule({ name: 'r', model: 'm', when: { attribute, exists: true } }), false, attribute);
  }
  assert.deepEqual(
    ATTRIBUTE_NAMES.filter((name) => name.startsWith('Patient')),
    ['PatientPosition'],
  );
});

test('WR-RUL-04 kernels: no name is of two kinds, an unknown one of none', () => {
  const samples = (kind: keyof typeof KERNELS): string[] =>
    Object.values(KERNELS[kind]).flatMap((patterns) => patterns.map((pattern) => pattern.replace('*', '7f')));
  for (const kind of ['soft', 'lung'] as const)
    for (const name of samples(kind)) assert.equal(kernelKind(name), kind, name);
  for (const [name, kind] of [
    ['Br38f', 'soft'],
    ['B70f', 'lung'],
    ['Bl57d', 'lung'],
    ['FC51', 'lung'],
    ['FC13', 'soft'],
    ['standard', 'soft'],
    ['BONE', undefined],
    ['Hr64', undefined],
    ['', undefined],
  ] as const) {
    assert.equal(kernelKind(name), kind, name);
  }
});

test('WR-RUL-04 plane by orientation, tilted up to 30 degrees', () => {
  const tilted = (degrees: number): number[] => {
    const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    return [1, 0, 0, 0, c, s];
  };
  assert.equal(planeOf(tilted(0)), 'axial');
  assert.equal(planeOf(tilted(-29)), 'axial');
  assert.equal(planeOf(tilted(45)), 'oblique');
  assert.equal(planeOf(tilted(90)), 'coronal');
  assert.equal(planeOf([0, 1, 0, 0, 0, -1]), 'sagittal');
  for (const nothing of [[], [1, 0, 0], [0, 0, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0]])
    assert.equal(planeOf(nothing), undefined);
});

/** Whatever a server or a file may hold in place of an element. */
function anything(draw: () => number, depth = 0): unknown {
  const junk: readonly unknown[] = [
    null,
    undefined,
    0,
    -1.5,
    Number.NaN,
    '',
    ' CT ',
    'A\\B',
    '1e400',
    '0x10',
    true,
    [],
    {},
  ];
  const kinds: readonly (() => unknown)[] = [
    () => junk[Math.floor(draw() * junk.length)],
    () => ({ Value: [junk[Math.floor(draw() * junk.length)], junk[Math.floor(draw() * junk.length)]] }),
    () => ({ vr: 'SQ', Value: depth > 2 ? [] : [{ '00180050': anything(draw, depth + 1) }] }),
    () => ({ vr: 'PN', Value: [{ Alphabetic: 'A' }] }),
    () => ({ vr: 'DS', Value: Array.from({ length: 6 }, () => draw() * 2 - 1) }),
    () => ({ vr: 'OB', InlineBinary: 'AA==' }),
    () => ({ Value: 'not a list' }),
  ];
  return kinds[Math.floor(draw() * kinds.length)]!();
}

const TAGS =
  `00080008 00080016 00080070 00089207 00180015 00180050 00181030 00181210 00200037 00081010 52009229 52009230
  00280010`.split(/\s+/);

test('WR-RUL-08 whatever an archive sends, every rule has a verdict, and always the same one', () => {
  const numbers = random(4711);
  const draw = (): number => numbers.next();
  const pick = <T>(values: readonly T[]): T => numbers.pick(values);
  const packages = [packageOf(lungCard())];
  const condition = (depth: number): RuleCondition => {
    const attribute = pick(ATTRIBUTE_NAMES);
    if (depth > 0 && draw() < 0.4) {
      const parts: [RuleCondition, RuleCondition] = [condition(depth - 1), condition(depth - 1)];
      return pick<RuleCondition>([{ all: parts }, { any: parts }, { not: parts[0] }]);
    }
    return pick<RuleCondition>([
      { attribute, equals: pick(['CT', 1, 'a']) },
      { attribute, contains: 'c' },
      { attribute, matches: '*1*' },
      { attribute, minimum: -1, maximum: 5 },
      { attribute, exists: draw() < 0.5 },
    ]);
  };
  let applied = 0;
  for (let round = 0; round < 2000; round++) {
    const rules = parseRules([
      {
        name: 'random',
        model: pick(['ct-lung-density', 'not-there']),
        ...(draw() < 0.7 && { when: condition(3) }),
        series: {
          exclude: EXCLUSIONS.filter(() => draw() < 0.3),
          ...(draw() < 0.3 && { plane: pick(PLANES) }),
          ...(draw() < 0.3 && { kernel: pick(['soft', 'lung', 'any'] as const) }),
          ...(draw() < 0.3 && { sliceThickness: { minimum: 0, maximum: draw() * 5 } }),
          ...(draw() < 0.5 && { where: condition(2) }),
          prefer: pick(['thinnest', 'most-instances'] as const),
          ...(draw() < 0.5 && { atMost: 1 }),
        },
      },
    ]);
    const plain = subjectOf([{ count: 3 }, { count: 2, modality: pick(['CT', 'MR', '']) }]);
    const described = new Map(
      plain.study.series.map(({ seriesInstanceUid }) => {
        const dataSet = draw() < 0.05 ? anything(draw) : Object.fromEntries(TAGS.map((tag) => [tag, anything(draw)]));
        return [seriesInstanceUid, dataSet as DicomDataSet] as const;
      }),
    );
    const subject = { ...plain, described };
    const decision = decide(subject, rules, packages);
    assert.notEqual(decision.selection === undefined, decision.reason === undefined);
    assert.deepEqual(decide(structuredClone(subject), rules, packages), decision);
    const shuffled = { ...subject, study: { ...plain.study, series: plain.study.series.toReversed() } };
    assert.deepEqual(triedBy(decide(shuffled, rules, packages)), triedBy(decision));
    if (decision.selection !== undefined) applied += 1;
  }
  assert.ok(applied > 200 && applied < 1800, `${applied} of 2000 rules held`);
});

function triedBy({ selection }: Decision): unknown {
  return selection?.readings.map(({ candidates }) => candidates.map(({ seriesInstanceUid }) => seriesInstanceUid));
}

test('WR-RUL-08 every attribute of every broken data set gives texts', () => {
  const numbers = random(42);
  const draw = (): number => numbers.next();
  for (let round = 0; round < 500; round++) {
    const subject = subjectOf([{}]);
    const { series } = subject.study;
    const dataSet = Object.fromEntries(TAGS.map((tag) => [tag, anything(draw)])) as DicomDataSet;
    const described = new Map([[series[0]!.seriesInstanceUid, dataSet]]);
    for (const name of ATTRIBUTE_NAMES as readonly AttributeName[]) {
      for (const value of valuesOf(name, { ...subject, described }, series)) {
        assert.ok(typeof value === 'string' && value !== '');
      }
    }
  }
});
