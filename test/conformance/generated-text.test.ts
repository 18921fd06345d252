/** The SR and the FHIR transaction of a generated text, judged by dicom3tools and by HAPI's validator. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { instanceWriter } from '../../adapters/part10/writer.ts';
import type { StudyHeader } from '../../src/arrival/study.ts';
import type { Images } from '../../src/assembly/volume.ts';
import type { AnsweredSentence } from '../../src/inference/text-answer.ts';
import { makeDraft } from '../../src/make-draft.ts';
import { reportTransaction } from '../../src/writeback/fhir.ts';
import { dciodvfy, withoutTool } from '../support/dicom-tools.ts';
import { fhirValidator, isKnownMessage } from '../support/fhir-validator.ts';
import { imageFrame, imageSet } from '../support/image-frames.ts';
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

/** A frontal and a lateral view. */
const radiographs = imageSet(
  ['PA', 'LL'].map((viewPosition) => imageFrame([8, 8], (row, column) => row * column, { viewPosition })),
);
const OF_RADIOGRAPHS: readonly AnsweredSentence[] = [
  { section: 'findings', text: 'Emphysema is seen.', picture: 2, label: 'low-attenuation', presence: 'present' },
  { section: 'findings', text: 'No effusion.', picture: 1 },
  { section: 'impression', text: 'Emphysema.', label: 'low-attenuation', presence: 'present' },
];

const DRAFTS: Readonly<Record<string, Drafted>> = {
  ...Object.fromEntries(Object.entries(CASES).map(([name, sentences]) => [name, drafted(volume, sentences)])),
  radiographs: drafted(radiographs, OF_RADIOGRAPHS),
};

type Drafted = ReturnType<typeof makeDraft> & {
  readonly study: StudyHeader;
  readonly modalities: ReadonlyMap<string, string>;
};

function drafted(images: Images, sentences: readonly AnsweredSentence[]): Drafted {
  const about = { ...study, studyInstanceUid: images.studyInstanceUid };
  const readings = [sampleTextReading(images, sentences)];
  return {
    ...makeDraft({ study: about, readings, unavailable: [] }, provenance),
    study: about,
    modalities: new Map([[images.seriesInstanceUid, images.modality]]),
  };
}

const idOf = (name: string): string => (name === 'radiographs' ? 'WR-VLM-30' : 'WR-TXT-08');

const HARMLESS = /99WETREAD|CodingSchemeUID|build DICOMDIR/;

for (const [name, { objects }] of Object.entries(DRAFTS)) {
  test(`${idOf(name)} dciodvfy finds no error in the SR of a generated text (${name})`, {
    skip: withoutTool('dciodvfy'),
  }, () => {
    const path = join(folder, `${name}.dcm`);
    writeFileSync(path, instanceWriter().write(objects[0]!.object));
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
test('WR-TXT-08 WR-VLM-30 HAPI finds the FHIR transactions of generated texts valid, on slices and on radiographs', {
  skip: typeof validator === 'string' && validator,
}, async () => {
  assert.ok(typeof validator !== 'string');
  const bundles = Object.entries(DRAFTS).map(([name, { report, objects, study: about, modalities }]) => {
    const bundle = reportTransaction({
      report,
      study: about,
      match: { patient: 'Patient/p1' },
      objects: objects.map(({ object }) => object),
      draftStatus: 'preliminary',
      software: provenance.software,
      modalities,
      naming: { issuers: {}, accessionIdentifierSystem: 'urn:oid:2.999.1.2' },
    });
    return [name, bundle] as const;
  });
  const messages = await validator.validate(Object.fromEntries(bundles));
  assert.deepEqual(
    messages.filter((one) => one.severity !== 'INFORMATION' && !isKnownMessage(one)),
    [],
  );
  assert.ok(Object.keys(DRAFTS).every((name) => messages.some((one) => one.name === name)));
});
