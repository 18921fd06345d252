/** The SR and the FHIR transaction of a generated text, judged by dicom3tools and by HAPI's validator. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { instanceWriter } from '../../adapters/part10/writer.ts';
import type { AnsweredSentence } from '../../src/inference/text-answer.ts';
import { makeDraft } from '../../src/make-draft.ts';
import { reportTransaction } from '../../src/writeback/fhir.ts';
import { dciodvfy, withoutTool } from '../support/dicom-tools.ts';
import { fhirValidator, isKnownMessage } from '../support/fhir-validator.ts';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../support/sample-report.ts';
import { sampleTextReading } from '../support/text-reading.ts';

const folder = mkdtempSync(join(tmpdir(), 'wetread-text-'));
after(() => rmSync(folder, { recursive: true }));

const volume = sampleVolume();
const study = sampleStudyHeader(volume);
const { provenance } = sampleReport(sampleSegmentation(volume));

const CASES: Readonly<Record<string, readonly AnsweredSentence[]>> = {
  coded: [
    { section: 'findings', text: 'Emphysema is seen.', picture: 2, label: 'low-attenuation', presence: 'present' },
    { section: 'findings', text: 'A nodule of 8 mm is unchanged.', picture: 3 },
    { section: 'findings', text: 'Dr. Meier was informed.' },
    { section: 'impression', text: 'Emphysema.', label: 'low-attenuation', presence: 'present' },
  ],
  uncoded: [{ section: 'findings', text: 'The lungs are clear – “größtenteils”.' }],
};

function drafted(sentences: readonly AnsweredSentence[]): ReturnType<typeof makeDraft> {
  return makeDraft({ study, readings: [sampleTextReading(volume, sentences)], unavailable: [] }, provenance);
}

const HARMLESS = /99WETREAD|CodingSchemeUID|build DICOMDIR/;

for (const [name, sentences] of Object.entries(CASES)) {
  test(`WR-TXT-08 dciodvfy finds no error in the SR of a generated text (${name})`, {
    skip: withoutTool('dciodvfy'),
  }, () => {
    const path = join(folder, `${name}.dcm`);
    writeFileSync(path, instanceWriter().write(drafted(sentences).objects[0]!.object));
    const { iod, errors, warnings } = dciodvfy(path);
    assert.equal(iod, 'Comprehensive3DSR');
    assert.deepEqual(errors, []);
    assert.deepEqual(
      warnings.filter((warning) => !HARMLESS.test(warning)),
      [],
    );
  });
}

const validator = await fhirValidator();
test('WR-TXT-08 HAPI finds the FHIR transaction of a generated text valid', {
  skip: typeof validator === 'string' && validator,
}, async () => {
  assert.ok(typeof validator !== 'string');
  const bundles = Object.entries(CASES).map(([name, sentences]) => {
    const { report, objects } = drafted(sentences);
    const bundle = reportTransaction({
      report,
      study,
      match: { patient: 'Patient/p1' },
      objects: objects.map(({ object }) => object),
      draftStatus: 'preliminary',
      software: provenance.software,
      modality: 'CT',
      naming: { issuers: {}, accessionIdentifierSystem: 'urn:oid:2.999.1.2' },
    });
    return [name, bundle] as const;
  });
  const messages = await validator.validate(Object.fromEntries(bundles));
  assert.deepEqual(
    messages.filter((one) => one.severity !== 'INFORMATION' && !isKnownMessage(one)),
    [],
  );
  assert.ok(Object.keys(CASES).every((name) => messages.some((one) => one.name === name)));
});
