import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateReport } from '../../contracts/generated/validators.js';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../../test/support/sample-report.ts';
import type { Findings } from '../inference/findings.ts';
import { draft, findingPath, LOW_ATTENUATION_MARK, reportText } from './draft.ts';
import { measurementText, numberText } from './text.ts';

const volume = sampleVolume();
const base = sampleReport(sampleSegmentation(volume));

function drafted(change: (findings: Findings) => void = () => {}, header: Partial<typeof volume.header> = {}) {
  const findings = structuredClone(base.readings[0]);
  change(findings);
  return draft({
    study: sampleStudyHeader(volume),
    readings: [
      {
        images: { ...volume, header: { ...volume.header, ...header } },
        findings,
        model: { card: { caveats: ['Inspiration is not known.'] } },
      },
    ],
    provenance: base.provenance,
  });
}

function lowAttenuation(findings: Findings, value: number): void {
  for (const finding of findings.findings) {
    for (const measurement of finding.measurements) if (measurement.key === 'laa-950') measurement.value = value;
  }
}

test('WR-REP-01 a draft keeps its contract and has Technique, Findings and Impression', () => {
  const report = drafted();
  assert.equal(validateReport(structuredClone(report)), true, JSON.stringify(validateReport.errors));
  assert.deepEqual(
    report.sections.map((s) => s.key),
    ['technique', 'findings', 'impression'],
  );
});

test('WR-REP-02 every copy says first and last that it is an unverified AI draft', () => {
  const report = drafted();
  const text = reportText(report);
  assert.match(report.label, /AI draft, not verified/);
  assert.ok(text.startsWith(report.label) && text.endsWith(report.label));
});

test('WR-REP-03 every sentence on findings and impression rests on findings that exist', () => {
  const report = drafted();
  const keys = new Set(report.readings[0].findings.map((f) => findingPath(report.readings[0].algorithm, f)));
  const used = report.sections.flatMap((s) => s.sentences.flatMap((t) => t.findingKeys));
  assert.ok(used.length >= report.readings[0].findings.length);
  assert.deepEqual(
    used.filter((key) => !keys.has(key)),
    [],
  );
});

test('WR-REP-04 technique names kernel, thickness and contrast, and says what is not recorded', () => {
  const { convolutionKernel: _, contrastBolusAgent: __, ...without } = volume.header;
  const unknown = draft({
    study: sampleStudyHeader(volume),
    readings: [
      { images: { ...volume, header: without }, findings: base.readings[0], model: { card: { caveats: [] } } },
    ],
    provenance: base.provenance,
  });
  assert.match(unknown.sections[0]!.sentences[0]!.text, /kernel not recorded.*no contrast agent recorded/);
  assert.ok(unknown.caveats.some((c) => c.includes('kernel is not recorded')));
  const known = drafted(undefined, { convolutionKernel: 'B50f', contrastBolusAgent: 'OMNIPAQUE' });
  assert.match(known.sections[0]!.sentences[0]!.text, /kernel B50f, contrast agent recorded/);
  assert.ok(known.caveats.some((c) => c.includes('contrast')));
});

test('WR-REP-05 the impression follows the measured share on both sides of the mark', () => {
  const impressionOf = (value: number): string =>
    drafted((f) => lowAttenuation(f, value)).sections[2]!.sentences[0]!.text;
  assert.match(impressionOf(LOW_ATTENUATION_MARK), /can indicate emphysema/);
  assert.match(impressionOf(LOW_ATTENUATION_MARK - 0.2), /under the 5 % mark/);
});

test('WR-REP-05 without a value there is no impression, only the statement that there is none', () => {
  const report = drafted((findings) => {
    for (const finding of findings.findings) for (const m of finding.measurements) delete m.value;
  });
  assert.deepEqual(
    report.sections[2]!.sentences.map((s) => s.text),
    ['No measurement supports an impression.'],
  );
});

test('WR-REP-06 numbers are grouped, signed with a true minus and rounded by unit', () => {
  assert.equal(numberText(4820.4, 0), '4,820');
  assert.equal(numberText(-912.4, 0), '\u2212912');
  assert.equal(numberText(-0.04, 1), '0.0');
  assert.equal(numberText(1234567.891, 2), '1,234,567.89');
  const unit = { value: '%', scheme: 'UCUM', meaning: 'percent' };
  assert.equal(measurementText({ key: 'x', concept: unit, unit, value: 3.44 }), '3.4 %');
});
