/** Which package may read which study, by header alone: safety R2's table. A cell is the reason code, or `reads`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lungCard } from '../../../test/support/model-card.ts';
import { frameHeader, instance } from '../../../test/support/slices.ts';
import type { ImageHeader } from '../../arrival/study.ts';
import { type IntendedUse, outsideIntendedUse } from './intended-use.ts';
import { outsidePictureLimits, type PictureLimits } from './picture.ts';

const lung = lungCard();
assert.ok(lung.input.kind === 'volume');
const bodyPart = { value: '816094009', scheme: 'SCT', meaning: 'Chest' } as const;
const common = { task: 'Test', bodyPart, contrast: 'any', patients: 'Test' } as const;

interface Package {
  readonly intendedUse: readonly IntendedUse[];
  readonly gate: PictureLimits;
}

const PACKAGES: Readonly<Record<string, Package>> = {
  'ct-lung-density': { intendedUse: lung.intendedUse, gate: lung.input.gate },
  // two tasks: what one allows does not widen the other
  'ct-strict': {
    intendedUse: [
      {
        ...common,
        modality: 'CT',
        contrast: 'with',
        sliceThicknessMm: { minimum: 0.5, maximum: 1.5 },
        kernels: { allowed: ['B3*', 'Br3*', 'STANDARD'] },
        ageYears: { minimum: 18 },
        manufacturers: { allowed: ['SIEMENS*', 'GE*'] },
        patientPositions: { allowed: ['HFS', 'FFS'] },
      },
      {
        ...common,
        modality: 'CT',
        contrast: 'without',
        sliceThicknessMm: { minimum: 2, maximum: 5 },
        kernels: { refused: ['B7*', 'LUNG'], unknown: 'refused' },
        ageYears: { minimum: 18, maximum: 90, unknown: 'accepted' },
      },
    ],
    gate: { refusedBodyParts: ['HEAD'] },
  },
  'dx-chest': {
    intendedUse: [
      { ...common, modality: 'DX', views: { allowed: ['PA', 'AP'] }, ageYears: { minimum: 15 } },
      { ...common, modality: 'CR', views: { allowed: ['PA'] }, ageYears: { minimum: 15 } },
    ],
    gate: { refusedBodyParts: ['FOOT', 'HAND', 'KNEE'], maximumLossyRatio: 10 },
  },
  'mg-women': {
    intendedUse: [
      {
        ...common,
        modality: 'MG',
        views: { allowed: ['CC', 'MLO'] },
        sex: { allowed: ['F'] },
        ageYears: { minimum: 40 },
      },
    ],
    gate: { refusedBodyParts: [], burnedInText: 'accepted' },
  },
};

const CT: Partial<ImageHeader> = {
  modality: 'CT',
  bodyPartExamined: 'CHEST',
  convolutionKernel: 'B30f',
  manufacturer: 'SIEMENS',
  patientPosition: 'HFS',
  patientAgeYears: 60,
  patientSex: 'M',
};
const DX: Partial<ImageHeader> = { modality: 'DX', viewPosition: 'PA', patientAgeYears: 50, bodyPartExamined: 'CHEST' };
const MG: Partial<ImageHeader> = { modality: 'MG', viewPosition: 'MLO', patientAgeYears: 55, patientSex: 'F' };
/** The same header without an attribute. */
const without = (header: Partial<ImageHeader>, ...keys: readonly (keyof ImageHeader)[]): Partial<ImageHeader> =>
  Object.fromEntries(Object.entries(header).filter(([key]) => !(keys as readonly string[]).includes(key)));

const NO = 'wrong-modality';
/** Name, header, slice thickness, and the expected cell of every package in their order. */
type Row = readonly [string, Partial<ImageHeader>, number | undefined, string, string, string, string];
const ROWS: readonly Row[] = [
  ['thin CT with contrast', { ...CT, contrastBolusAgent: 'Iomeprol' }, 1, 'reads', 'reads', NO, NO],
  ['thin CT without', CT, 1, 'reads', 'wrong-contrast', NO, NO],
  ['CT of 3 mm without', CT, 3, 'reads', 'reads', NO, NO],
  ['CT of 3 mm with contrast', { ...CT, contrastBolusAgent: 'Iomeprol' }, 3, 'reads', 'wrong-contrast', NO, NO],
  ['CT of 3 mm that says NONE', { ...CT, contrastBolusAgent: 'NONE' }, 3, 'reads', 'reads', NO, NO],
  ['CT of 1.7 mm, between two tasks', CT, 1.7, 'reads', 'slice-too-thick', NO, NO],
  ['CT of 8 mm', CT, 8, 'slice-too-thick', 'slice-too-thick', NO, NO],
  ['CT of 0.2 mm', CT, 0.2, 'outside-model-limits', 'outside-model-limits', NO, NO],
  ['CT of unknown thickness', { ...CT, contrastBolusAgent: 'x' }, undefined, 'reads', 'reads', NO, NO],
  ['CT with a bone kernel', { ...CT, convolutionKernel: 'B70f' }, 3, 'reads', 'wrong-kernel', NO, NO],
  [
    'kernel with a strength behind it',
    { ...CT, convolutionKernel: 'Br36f\\3', contrastBolusAgent: 'x' },
    1,
    'reads',
    'reads',
    NO,
    NO,
  ],
  ['CT without a kernel', without(CT, 'convolutionKernel'), 3, 'reads', 'wrong-kernel', NO, NO],
  ['CT of a child', { ...CT, patientAgeYears: 9 }, 3, 'patient-outside-use', 'patient-outside-use', NO, NO],
  ['CT of unknown age', without(CT, 'patientAgeYears'), 3, 'reads', 'reads', NO, NO],
  [
    'CT of unknown age, for the strict task',
    without({ ...CT, contrastBolusAgent: 'x' }, 'patientAgeYears'),
    1,
    'reads',
    'outside-model-limits',
    NO,
    NO,
  ],
  ['CT of a centenarian', { ...CT, patientAgeYears: 101 }, 3, 'reads', 'slice-too-thick', NO, NO],
  [
    'CT of another maker',
    { ...CT, manufacturer: 'TOSHIBA', contrastBolusAgent: 'x' },
    1,
    'reads',
    'outside-model-limits',
    NO,
    NO,
  ],
  ['prone CT', { ...CT, patientPosition: 'HFP', contrastBolusAgent: 'x' }, 1, 'reads', 'outside-model-limits', NO, NO],
  ['head CT', { ...CT, bodyPartExamined: 'Head' }, 3, 'wrong-body-part', 'wrong-body-part', NO, NO],
  ['CT with text burned in', { ...CT, burnedInAnnotation: 'YES' }, 3, 'burned-in-text', 'burned-in-text', NO, NO],
  [
    'CT compressed with loss',
    { ...CT, lossyImageCompression: '01', lossyImageCompressionRatio: 4 },
    3,
    'lossy-compression',
    'lossy-compression',
    NO,
    NO,
  ],
  ['MR', { ...CT, modality: 'MR' }, 3, NO, NO, NO, NO],
  ['no modality', { ...CT, modality: '' }, 3, NO, NO, NO, NO],
  ['chest film PA', DX, undefined, NO, NO, 'reads', NO],
  ['chest film AP', { ...DX, viewPosition: 'AP' }, undefined, NO, NO, 'reads', NO],
  ['lateral chest film', { ...DX, viewPosition: 'LL' }, undefined, NO, NO, 'wrong-view', NO],
  ['chest film without a view', without(DX, 'viewPosition'), undefined, NO, NO, 'wrong-view', NO],
  ['CR AP, which only DX may be', { ...DX, modality: 'CR', viewPosition: 'AP' }, undefined, NO, NO, 'wrong-view', NO],
  ['foot film', { ...DX, bodyPartExamined: 'FOOT' }, undefined, NO, NO, 'wrong-body-part', NO],
  ['chest film of a baby', { ...DX, patientAgeYears: 0 }, undefined, NO, NO, 'patient-outside-use', NO],
  [
    'chest film compressed 8 : 1',
    { ...DX, lossyImageCompression: '01', lossyImageCompressionRatio: 8 },
    undefined,
    NO,
    NO,
    'reads',
    NO,
  ],
  [
    'chest film compressed 20 : 1',
    { ...DX, lossyImageCompression: '01', lossyImageCompressionRatio: 20 },
    undefined,
    NO,
    NO,
    'lossy-compression',
    NO,
  ],
  ['chest film with unknown loss', { ...DX, lossyImageCompression: '01' }, undefined, NO, NO, 'lossy-compression', NO],
  ['mammogram', MG, undefined, NO, NO, NO, 'reads'],
  ['mammogram with text, which the card accepts', { ...MG, burnedInAnnotation: 'YES' }, undefined, NO, NO, NO, 'reads'],
  ['mammogram of a man', { ...MG, patientSex: 'M' }, undefined, NO, NO, NO, 'patient-outside-use'],
  ['mammogram, sex not recorded', without(MG, 'patientSex'), undefined, NO, NO, NO, 'patient-outside-use'],
];

function cell(header: ImageHeader, { intendedUse, gate }: Package): string {
  const found = outsideIntendedUse(header, intendedUse) ?? outsidePictureLimits(header, gate);
  return found?.code ?? 'reads';
}

for (const [name, change, sliceThickness, ...expected] of ROWS) {
  test(`WR-GAT-01 who may read it: ${name}`, () => {
    const frame = frameHeader(
      [0, 0, 0],
      { row: [1, 0, 0], column: [0, 1, 0] },
      sliceThickness === undefined ? {} : { sliceThickness },
    );
    const { header } = instance(1, [frame], change);
    assert.deepEqual(
      Object.values(PACKAGES).map((each) => cell(header, each)),
      expected,
    );
  });
}

test('WR-GAT-02 the detail of a refusal quotes the card and nothing of the patient or of free text', () => {
  const planted = {
    manufacturer: 'DOE^JANE',
    convolutionKernel: 'DOE^JANE',
    viewPosition: 'DOE^JANE',
    patientPosition: 'DOE^JANE',
  };
  const header: ImageHeader = {
    ...instance(1, [frameHeader([0, 0, 0], { row: [1, 0, 0], column: [0, 1, 0] })]).header,
    ...CT,
    ...planted,
    patientAgeYears: 9,
    patientSex: 'F',
  };
  const limits = { allowed: ['PA'] } as const;
  const base = { ...common, modality: 'CT' };
  const uses: readonly (readonly [IntendedUse, string])[] = [
    [{ ...base, ageYears: { minimum: 18 } }, 'the model is for ages from 18 years'],
    [{ ...base, sex: { allowed: ['M'] } }, 'the model is not for patients of this sex, or it is not recorded'],
    [{ ...base, bodyParts: { allowed: ['PA'] } }, 'Body Part Examined is none of PA'],
    [{ ...base, manufacturers: { allowed: ['PA'] } }, 'Manufacturer is none of PA'],
    [{ ...base, kernels: { refused: ['DOE*'] } }, 'Convolution Kernel is DOE*, which the model does not read'],
    [{ ...base, views: { allowed: [...limits.allowed] } }, 'View Position is none of PA'],
    [{ ...base, patientPositions: { allowed: ['PA'] } }, 'Patient Position is none of PA'],
  ];
  for (const [use, detail] of uses) assert.equal(outsideIntendedUse(header, [use])?.detail, detail);
});

test('WR-LKM-09 a card that says which body parts a task reads refuses every other, also one that nobody thought of', () => {
  const { header } = instance(1, [frameHeader([0, 0, 0], { row: [1, 0, 0], column: [0, 1, 0] })]);
  const chest: IntendedUse = {
    ...common,
    modality: header.modality,
    bodyParts: { allowed: ['CHEST*', 'THORAX'], unknown: 'accepted' },
  };
  const said = (bodyPartExamined?: string): string | undefined =>
    outsideIntendedUse({ ...header, ...(bodyPartExamined && { bodyPartExamined }) }, [chest])?.code;
  assert.deepEqual(['CHEST', 'Chest 2 views', 'THORAX', undefined].map(said), [
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(['FOOT', 'TSPINE', 'WHOLEBODY'].map(said), Array(3).fill('wrong-body-part'));
  const { unknown: _, ...strict } = chest.bodyParts!;
  assert.equal(outsideIntendedUse(header, [{ ...chest, bodyParts: strict }])?.code, 'wrong-body-part');
});
