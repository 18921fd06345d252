import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Patient } from 'fhir/r4.js';
import { sampleStudyHeader, sampleVolume } from '../../test/support/sample-report.ts';
import type { StudyHeader } from '../arrival/study.ts';
import { accessionIdentifier, patientDisagreements, patientIdentifier, refersTo } from './fhir-match.ts';

const { patientId: _id, issuerOfPatientId: _issuer, ...anonymous } = sampleStudyHeader(sampleVolume());

describe('matching', () => {
  test('WR-FHIR-06 a number without a known assigner identifies nobody', () => {
    const naming = { issuers: { HOSPITAL: 'urn:oid:1.2' }, patientIdentifierSystem: 'urn:oid:1.9' };
    const numbered = { ...anonymous, patientId: '7' };
    assert.deepEqual(patientIdentifier({ ...numbered, issuerOfPatientId: 'HOSPITAL' }, naming), {
      system: 'urn:oid:1.2',
      value: '7',
    });
    assert.deepEqual(patientIdentifier(numbered, naming), { system: 'urn:oid:1.9', value: '7' });
    assert.equal(patientIdentifier({ ...numbered, issuerOfPatientId: 'ELSEWHERE' }, naming), undefined);
    assert.equal(patientIdentifier({ ...numbered, issuerOfPatientId: 'constructor' }, naming), undefined);
    assert.equal(patientIdentifier(numbered, { issuers: {} }), undefined);
    assert.equal(patientIdentifier({ ...anonymous, issuerOfPatientId: 'HOSPITAL' }, naming), undefined);
  });

  test('WR-FHIR-07 only what both sides state can disagree', () => {
    const header = (changes: Partial<StudyHeader>): StudyHeader => ({ ...anonymous, ...changes });
    const patient = (changes: Partial<Patient>): Patient => ({ resourceType: 'Patient', ...changes });
    const rows: readonly [Partial<Patient>, Partial<StudyHeader>, readonly string[]][] = [
      [{ birthDate: '1951-02-28', gender: 'male' }, {}, []],
      [{}, {}, []],
      [{ birthDate: '1951-02' }, {}, []],
      [{ birthDate: '1952' }, {}, ['birth date']],
      [{ birthDate: '1951-02-28' }, { patientBirthDate: 'unknown' }, []],
      [{ gender: 'female' }, {}, ['sex']],
      [{ gender: 'unknown' }, {}, []],
      [{ gender: 'female' }, { patientSex: ' f ' }, []],
      [{ gender: 'female' }, { patientSex: 'U' }, []],
      [{ gender: 'female', birthDate: '1951-02-27' }, {}, ['birth date', 'sex']],
    ];
    for (const [known, images, expected] of rows)
      assert.deepEqual(patientDisagreements(patient(known), header(images)), expected, JSON.stringify([known, images]));
  });

  test('WR-FHIR-22 the accession number is taken from the study, else from the request; an OID issuer names its system', () => {
    const requests = [{ accessionNumber: 'R-1', issuerOfAccessionNumber: '1.2.840.1' }];
    const { accessionNumber: _number, ...unnumbered } = anonymous;
    assert.equal(accessionIdentifier(anonymous)?.value, 'A-4711');
    assert.equal(accessionIdentifier(anonymous)?.system, undefined);
    const fromRequest = accessionIdentifier({ ...unnumbered, requests });
    assert.deepEqual([fromRequest?.system, fromRequest?.value], ['urn:oid:1.2.840.1', 'R-1']);
    assert.equal(accessionIdentifier({ ...unnumbered, requests: [] }), undefined);
  });

  test('WR-FHIR-07 a reference is compared by type and id, not by its spelling', () => {
    assert.equal(refersTo('Patient/1', 'Patient/1'), true);
    assert.equal(refersTo('http://record.example/fhir/Patient/1/_history/3', 'Patient/1'), true);
    assert.equal(refersTo('Patient/11', 'Patient/1'), false);
    assert.equal(refersTo('OtherPatient/1', 'Patient/1'), false);
    assert.equal(refersTo(undefined, 'Patient/1'), false);
  });
});
