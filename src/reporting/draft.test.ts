import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateReport } from '../../contracts/generated/validators.js';
import { lungCard } from '../../test/support/model-card.ts';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../../test/support/sample-report.ts';
import type { Findings } from '../inference/findings.ts';
import { draft, reportText } from './draft.ts';
import { findingPath } from './finding-text.ts';
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
        model: { card: lungCard() },
      },
    ],
    provenance: base.provenance,
  });
}

test('WR-PKG-08 the draft of a package that is for research says so, wherever its text goes', () => {
  const clinical = lungCard();
  const input = {
    study: sampleStudyHeader(volume),
    provenance: base.provenance,
    readings: [{ images: volume, findings: base.readings[0], model: { card: clinical } }],
  };
  assert.match(reportText(draft(input)), /^AI draft, not verified by a radiologist, research use only \(/);
  Object.assign(clinical.licence, { clinicalUse: 'allowed' });
  assert.match(reportText(draft(input)), /^AI draft, not verified by a radiologist \(/);
});

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
    readings: [{ images: { ...volume, header: without }, findings: base.readings[0], model: { card: lungCard() } }],
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
  assert.match(impressionOf(5), /can indicate emphysema/);
  assert.match(impressionOf(4.8), /under the 5 % mark/);
});

test('WR-REP-05 without a value there is no impression, only the statement that there is none', () => {
  const report = drafted((findings) => {
    for (const finding of findings.findings) for (const m of finding.measurements) delete m.value;
  });
  assert.deepEqual(
    report.sections[2]!.sentences.map((s) => s.text),
    ['No measurement supports an impression.', 'Only lung density was assessed; nothing else was looked for.'],
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

const GOLDEN = `AI draft, not verified by a radiologist, research use only (ct-lung-density 1.0.0, Wetread 0.1.0).

CT chest: AI draft, not verified

TECHNIQUE
CT of the chest: 6 slices, 7 × 9 pixels of 25.00 mm, spacing 10.00 mm, slice thickness 3.00 mm, kernel not recorded, contrast agent recorded.

FINDINGS
Right lung: volume 240 ml, mean density −892 HU, 15th percentile −980 HU, below −950 HU 3.4 %.
Left lung: volume 180 ml, mean density −848 HU, 15th percentile −850 HU, below −950 HU 3.4 %.
Both lungs: volume 420 ml, mean density −873 HU, 15th percentile −980 HU, below −950 HU 3.4 %.

IMPRESSION
3.4 % of the lung voxels lie below −950 HU (kernel not recorded, 3.0 mm slices), under the 5 % mark used here for increased low attenuation.
Only lung density was assessed; nothing else was looked for.

LIMITS
The reconstruction kernel is not recorded; sharp kernels raise the share below −950 HU.
Slices of 3.0 mm are thicker than density measures are validated for (2.5 mm).
A contrast agent is recorded; it raises lung density.
Lung here is aerated parenchyma: voxels from -1200 to -500 HU that the outline assigns to a lung. Vessels and airway walls above -500 HU, the trachea and the main bronchi are not counted; small airways inside the lung are.
Density depends on inspiration, reconstruction kernel, dose and slice thickness; values of different acquisitions are not comparable. Depth of inspiration is not known.
Consolidation, effusion and masses above -500 HU are left out of the lung and make its volume smaller.

AI draft, not verified by a radiologist, research use only (ct-lung-density 1.0.0, Wetread 0.1.0).`;

test('WR-DRF-01 what the lung card declares gives the draft word for word', () => {
  const { convolutionKernel: _, ...header } = volume.header;
  const frames = [{ ...header.frames[0]!, sliceThickness: 3 }];
  const findings = structuredClone(base.readings[0]);
  lowAttenuation(findings, 3.4);
  const report = draft({
    study: sampleStudyHeader(volume),
    readings: [
      {
        images: { ...volume, header: { ...header, frames, contrastBolusAgent: 'OMNIPAQUE' } },
        findings,
        model: { card: lungCard() },
      },
    ],
    provenance: base.provenance,
  });
  assert.equal(reportText(report), GOLDEN);
});

test('WR-DRF-02 a card that declares no report gives a draft that claims nothing beyond the findings', () => {
  const { report: _, ...card } = lungCard();
  const report = draft({
    study: sampleStudyHeader(volume),
    readings: [{ images: volume, findings: base.readings[0], model: { card } }],
    provenance: base.provenance,
  });
  assert.equal(report.title, 'Lung density on chest CT: AI draft, not verified');
  assert.equal(report.procedure.value, '18748-4');
  assert.deepEqual(
    report.sections[2]!.sentences.map(({ text }) => text),
    ['No impression is drawn from these findings.', 'Nothing was assessed beyond these findings.'],
  );
});
