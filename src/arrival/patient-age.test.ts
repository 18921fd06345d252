import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DicomDataSet } from '../dicom-json.ts';
import { patientAgeYears } from './patient-age.ts';

const dataSetOf = (values: Readonly<Record<string, string>>): DicomDataSet =>
  Object.fromEntries(Object.entries(values).map(([tag, value]) => [tag, { vr: 'LO', Value: [value] }]));

const AGES: readonly (readonly [string, Readonly<Record<string, string>>, number | undefined])[] = [
  ['years', { '00101010': '045Y' }, 45],
  ['months', { '00101010': '023M' }, 1],
  ['weeks', { '00101010': '060W' }, 1],
  ['days', { '00101010': '364D' }, 0],
  ['a day before the 18th birthday', { '00100030': '20080302', '00080020': '20260301' }, 17],
  ['on the 18th birthday', { '00100030': '20080301', '00080020': '20260301' }, 18],
  [
    'a year in another form, so the dates decide',
    { '00101010': '45', '00100030': '19800101', '00080020': '20260301' },
    46,
  ],
  ['a study before the birth', { '00100030': '20300101', '00080020': '20260301' }, undefined],
  ['a date in another form', { '00100030': '1980', '00080020': '20260301' }, undefined],
  ['nothing', {}, undefined],
];
for (const [name, values, years] of AGES) {
  test(`WR-GAT-03 completed years at the study: ${name}`, () => {
    assert.equal(patientAgeYears(dataSetOf(values)), years);
  });
}
