import assert from 'node:assert/strict';
import { test } from 'node:test';
import { itemsNamed, outline } from '../../test/support/content-tree.ts';
import { sampleReport, sampleSegmentation, sampleStudyHeader, sampleVolume } from '../../test/support/sample-report.ts';
import { code, HOUNSFIELD_UNIT, LEFT, LUNG, MILLILITER } from '../codes.ts';
import { type DicomDataSet, itemsOf, numberOf, stringOf } from '../dicom-json.ts';
import type { Finding, Findings } from '../inference/findings.ts';
import type { Report } from '../reporting/report.ts';
import { nameBasedUid, type SopInstanceUid } from '../uid.ts';
import type { DicomObject } from './artifact.ts';
import { type Keyword, tagOf } from './data-set.ts';
import * as identity from './identity.ts';
import { segmentationObject } from './segmentation-object.ts';
import { type StructuredReportInput, structuredReport } from './structured-report.ts';

const volume = sampleVolume();
const segmentation = sampleSegmentation(volume);
const study = sampleStudyHeader(volume);
const report = sampleReport(segmentation);
const software = { name: 'Wetread', version: '0.1.0' };
const seg = segmentationObject({ report, study, software, segmentation, findings: report.readings[0] });

function build(changes: Partial<StructuredReportInput> = {}): DicomObject {
  return structuredReport({
    report,
    study,
    software,
    sources: [{ images: volume, segmentations: [{ object: seg }] }],
    ...changes,
  });
}

function get(dataSet: DicomDataSet, keyword: Keyword): string | undefined {
  return stringOf(dataSet, tagOf(keyword));
}

function items(dataSet: DicomDataSet, keyword: Keyword): readonly DicomDataSet[] {
  return itemsOf(dataSet, tagOf(keyword));
}

function withFindings(...findings: Finding[]): Report {
  return { ...report, readings: [{ ...report.readings[0], findings }] };
}

const lesion: Finding = {
  key: 'nodule-1',
  category: code('49755003', 'SCT', 'Morphologically Abnormal Structure'),
  concept: code('27925004', 'SCT', 'Nodule'),
  measurements: [],
  evidence: [],
};

test('WR-SR-01 Comprehensive 3D SR, unverified, preliminary, complete', () => {
  const { dataSet, ...object } = build();
  assert.equal(object.sopClassUid, '1.2.840.10008.5.1.4.1.1.88.34');
  assert.equal(get(dataSet, 'sopClassUid'), object.sopClassUid);
  assert.equal(get(dataSet, 'modality'), 'SR');
  assert.equal(get(dataSet, 'verificationFlag'), 'UNVERIFIED');
  assert.equal(get(dataSet, 'preliminaryFlag'), 'PRELIMINARY');
  assert.equal(get(dataSet, 'completionFlag'), 'COMPLETE');
  assert.equal(get(dataSet, 'specificCharacterSet'), 'ISO_IR 192');
  assert.equal(get(dataSet, 'seriesDescription'), 'AI draft, unverified: CT chest: lung density');
  assert.equal(get(dataSet, 'instanceNumber'), '1');
  assert.equal(dataSet['0040A073'], undefined, 'no Verifying Observer Sequence');
  for (const keyword of ['performedProcedureCodeSequence', 'referencedPerformedProcedureStepSequence'] as const)
    assert.deepEqual(dataSet[tagOf(keyword)], { vr: 'SQ' });
  const scheme = items(dataSet, 'codingSchemeIdentificationSequence')[0]!;
  assert.equal(get(scheme, 'codingSchemeDesignator'), '99WETREAD');
});

test('WR-SR-02 patient and study are those of the images; names in three scripts; empty stays empty', () => {
  const { dataSet } = build();
  assert.deepEqual(dataSet[tagOf('patientName')]?.Value, [
    { Alphabetic: 'Müßiggang^Ägidius', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' },
  ]);
  assert.equal(get(dataSet, 'patientId'), 'SAMPLE-0001');
  assert.equal(get(dataSet, 'issuerOfPatientId'), 'WETREAD-SAMPLE');
  assert.equal(get(dataSet, 'patientBirthDate'), '19510228');
  assert.equal(get(dataSet, 'studyInstanceUid'), study.studyInstanceUid);
  assert.equal(get(dataSet, 'accessionNumber'), 'A-4711');
  assert.equal(get(dataSet, 'timezoneOffsetFromUtc'), '+0100');

  const bare = build({ study: { studyInstanceUid: study.studyInstanceUid, requests: [] } }).dataSet;
  const type2: readonly Keyword[] = ['patientName', 'patientId', 'patientBirthDate', 'patientSex', 'studyDate'];
  for (const keyword of [...type2, 'studyTime', 'studyId', 'accessionNumber', 'referringPhysicianName'] as const)
    assert.deepEqual(Object.keys(bare[tagOf(keyword)] ?? {}), ['vr'], keyword);
  for (const keyword of ['issuerOfPatientId', 'studyDescription', 'timezoneOffsetFromUtc'] as const)
    assert.equal(bare[tagOf(keyword)], undefined, keyword);
});

test('WR-SR-02 an identifier is never cut, a date that is none becomes empty', () => {
  const patientId = 'X'.repeat(70);
  const { dataSet } = build({ study: { ...study, patientId, patientBirthDate: '1951.02.28', patientSex: 'männlich' } });
  assert.equal(get(dataSet, 'patientId'), patientId);
  assert.deepEqual(dataSet[tagOf('patientBirthDate')], { vr: 'DA' });
  assert.deepEqual(dataSet[tagOf('patientSex')], { vr: 'CS' });
});

test('WR-SR-03 the tree of TID 1500, row by row', () => {
  const tracking = (key: string): string => identity.trackingUid(report, report.readings[0].algorithm, key);
  const algorithm = (depth: string): string[] => [
    `${depth} HAS CONCEPT MOD TEXT Algorithm Name = ct-lung-density`,
    `${depth} HAS CONCEPT MOD TEXT Algorithm Version = 1.0.0`,
    `${depth} HAS CONCEPT MOD TEXT Algorithm Parameters = digest=${report.readings[0].algorithm.digest}`,
    `${depth} HAS CONCEPT MOD TEXT Algorithm Parameters = provider=cpu`,
    `${depth} HAS CONCEPT MOD TEXT Algorithm Parameters = threshold=-950`,
    `${depth} HAS CONCEPT MOD CODE Algorithm Family = Artificial Intelligence`,
  ];
  const numbers = (ml: number, mean: number, perc15: number, laa: number): string[] => [
    `>>> CONTAINS NUM Volume = ${ml} milliliter`,
    `>>> CONTAINS NUM Attenuation Coefficient = ${mean} Hounsfield unit`,
    '>>>> HAS CONCEPT MOD CODE Derivation = Mean',
    `>>> CONTAINS NUM 15th percentile of lung density = ${perc15} Hounsfield unit`,
    `>>> CONTAINS NUM Low attenuation area below -950 HU = ${laa} percent`,
    '>>>> INFERRED FROM NUM Threshold Attenuation Coefficient = -950 Hounsfield unit',
  ];
  const segmented = (key: string, side: string, number: number, values: string[]): string[] => [
    '>> CONTAINS CONTAINER Measurement Group',
    `>>> HAS OBS CONTEXT TEXT Tracking Identifier = ${key}`,
    `>>> HAS OBS CONTEXT UIDREF Tracking Unique Identifier = ${tracking(key)}`,
    '>>> CONTAINS CODE Finding category = Anatomical structure',
    '>>> CONTAINS CODE Finding = Lung',
    `>>> CONTAINS IMAGE Referenced Segment = ${seg.sopInstanceUid} segment ${number}`,
    `>>> CONTAINS UIDREF Source series for segmentation = ${volume.seriesInstanceUid}`,
    '>>> HAS CONCEPT MOD CODE Finding Site = Lung',
    `>>>> HAS CONCEPT MOD CODE Laterality = ${side}`,
    ...algorithm('>>>'),
    ...values,
  ];
  assert.deepEqual(outline(build().dataSet), [
    'CONTAINER Imaging Measurement Report',
    '> HAS CONCEPT MOD CODE Language of Content Item and Descendants = English',
    '> HAS OBS CONTEXT CODE Observer Type = Device',
    `> HAS OBS CONTEXT UIDREF Device Observer UID = ${identity.deviceObserverUid(report.readings[0].algorithm)}`,
    '> HAS OBS CONTEXT TEXT Device Observer Name = ct-lung-density',
    '> HAS OBS CONTEXT TEXT Device Observer Manufacturer = Wetread project',
    '> HAS OBS CONTEXT TEXT Device Observer Model Name = ct-lung-density 1.0.0',
    '> HAS OBS CONTEXT TEXT Device Observer Serial Number = unspecified',
    '> HAS CONCEPT MOD CODE Procedure reported = CT Chest',
    '> CONTAINS CONTAINER Image Library',
    '>> CONTAINS CONTAINER Image Library Group',
    '>>> HAS ACQ CONTEXT CODE Modality = Computed Tomography',
    '>>> HAS ACQ CONTEXT DATE Study Date = 20260314',
    '>>> HAS ACQ CONTEXT TIME Study Time = 120000',
    `>>> HAS ACQ CONTEXT UIDREF Frame of Reference UID = ${volume.frameOfReferenceUid}`,
    '>>> HAS ACQ CONTEXT NUM Pixel Data Rows = 9 pixels',
    '>>> HAS ACQ CONTEXT NUM Pixel Data Columns = 7 pixels',
    '>>> HAS ACQ CONTEXT NUM Horizontal Pixel Spacing = 25 millimeter',
    '>>> HAS ACQ CONTEXT NUM Vertical Pixel Spacing = 20 millimeter',
    '>>> HAS ACQ CONTEXT NUM Spacing between slices = 10 millimeter',
    '>>> HAS ACQ CONTEXT NUM Slice Thickness = 10 millimeter',
    ...['Row X = 1', 'Row Y = 0', 'Row Z = 0', 'Column X = 0', 'Column Y = 1', 'Column Z = 0'].map(
      (component) => `>>> HAS ACQ CONTEXT NUM Image Orientation (Patient) ${component} {-1:1}`,
    ),
    ...volume.slices.map(({ sopInstanceUid }) => `>>> CONTAINS IMAGE = ${sopInstanceUid}`),
    '> CONTAINS CONTAINER Imaging Measurements',
    ...segmented('lung-right', 'Right', 1, numbers(240, -892, -980, 33.3333333333333)),
    ...segmented('lung-left', 'Left', 2, numbers(180, -848, -850, 0)),
    '>> CONTAINS CONTAINER Measurement Group',
    '>>> HAS OBS CONTEXT TEXT Tracking Identifier = lungs',
    `>>> HAS OBS CONTEXT UIDREF Tracking Unique Identifier = ${tracking('lungs')}`,
    '>>> CONTAINS CODE Finding category = Anatomical structure',
    '>>> CONTAINS CODE Finding = Lung',
    '>>> HAS CONCEPT MOD CODE Finding Site = Lung',
    '>>>> HAS CONCEPT MOD CODE Laterality = Bilateral',
    ...algorithm('>>>'),
    ...numbers(420, -873.14285714286, -980, 19.047619047619),
    `>>> CONTAINS IMAGE Source of Measurement = ${volume.slices[3]!.sopInstanceUid}`,
    '> CONTAINS CONTAINER Qualitative Evaluations',
    ...algorithm('>>'),
    '>> CONTAINS CODE CAD Processing and Findings Summary = All algorithms succeeded; with findings',
    '>> CONTAINS TEXT Comment = AI DRAFT, NOT VERIFIED',
    '>> CONTAINS TEXT Procedure Description = CT of the chest, kernel B30f, slice thickness 10.0 mm.',
    '>> CONTAINS TEXT Finding = Right lung volume 240.0 ml.',
    '>> CONTAINS TEXT Finding = Left lung volume 180.0 ml.',
    '>> CONTAINS TEXT Impression = Total lung volume 420.0 ml.',
    '>> CONTAINS TEXT Comment = Inspiration level is unknown.',
  ]);
});

test('WR-SR-03 templates are named on their containers: 1500, 1411, 1501', () => {
  const { dataSet } = build();
  const template = (item: DicomDataSet): string | undefined =>
    get(items(item, 'contentTemplateSequence')[0] ?? {}, 'templateIdentifier');
  assert.equal(template(dataSet), '1500');
  assert.deepEqual(itemsNamed(dataSet, 'Measurement Group').map(template), ['1411', '1411', '1501']);
});

test('WR-SR-04 without a SEG a finding with a segment is written as TID 1501', () => {
  const { dataSet } = build({ sources: [{ images: volume }] });
  assert.deepEqual(itemsNamed(dataSet, 'Referenced Segment'), []);
  assert.equal(itemsNamed(dataSet, 'Measurement Group').length, 3);
});

test('WR-SR-05 present, absent, undetermined: said by code, and an absent finding never looks like one', () => {
  const cases = [
    ['present', 'Present', 'All algorithms succeeded; with findings', 1],
    ['absent', 'Absent', 'All algorithms succeeded; without findings', 0],
    ['undetermined', 'Undetermined', 'All algorithms succeeded; without findings', 0],
  ] as const;
  for (const [presence, answer, summary, asFinding] of cases) {
    const lines = outline(build({ report: withFindings({ ...lesion, presence }) }).dataSet);
    assert.ok(lines.includes(`>>> CONTAINS CODE Nodule = ${answer}`));
    assert.equal(lines.filter((l) => l === '>>> CONTAINS CODE Finding = Nodule').length, asFinding);
    assert.ok(lines.includes(`>> CONTAINS CODE CAD Processing and Findings Summary = ${summary}`));
  }
});

test('WR-SR-05 nothing found: no empty container, the summary says so, the text is there', () => {
  const lines = outline(build({ report: withFindings() }).dataSet);
  assert.ok(!lines.includes('> CONTAINS CONTAINER Imaging Measurements'));
  const summary = 'CAD Processing and Findings Summary = All algorithms succeeded; without findings';
  assert.ok(lines.includes(`>> CONTAINS CODE ${summary}`));
  assert.ok(lines.includes('>> CONTAINS TEXT Impression = Total lung volume 420.0 ml.'));
});

test('WR-SR-06 a probability, a value without a number, a threshold in another unit', () => {
  const finding: Finding = {
    ...lesion,
    site: LUNG,
    laterality: LEFT,
    probability: 0.875,
    measurements: [
      {
        key: 'volume',
        concept: code('118565006', 'SCT', 'Volume'),
        qualifier: code('114008', 'DCM', 'Calculation failure'),
        unit: MILLILITER,
      },
      { key: 'hu', concept: code('112031', 'DCM', 'Attenuation Coefficient'), unit: HOUNSFIELD_UNIT },
      {
        key: 'part',
        concept: code('PART', '99OTHER', 'Part above'),
        value: 1 / 3,
        unit: code('%', 'UCUM', 'percent'),
        threshold: { value: 2, unit: code('mm', 'UCUM', 'millimeter') },
      },
    ],
  };
  const { dataSet } = build({ report: withFindings(finding) });
  const lines = outline(dataSet);
  assert.ok(lines.includes('>>> CONTAINS NUM Probability = 0.875 no units'));
  assert.ok(lines.includes('>>> CONTAINS NUM Volume = Calculation failure'));
  assert.ok(lines.includes('>>> CONTAINS NUM Attenuation Coefficient = Value unknown'));
  assert.ok(lines.includes('>>>> INFERRED FROM NUM Threshold = 2 millimeter'));
  const volumeItem = itemsNamed(dataSet, 'Volume')[0]!;
  assert.deepEqual(volumeItem[tagOf('measuredValueSequence')], { vr: 'SQ' });
  const part = items(itemsNamed(dataSet, 'Part above')[0]!, 'measuredValueSequence')[0]!;
  assert.equal(numberOf(part, tagOf('numericValue')), 0.33333333333333);
  assert.equal(numberOf(part, tagOf('floatingPointValue')), 1 / 3);
  const exact = items(itemsNamed(dataSet, 'Probability')[0]!, 'measuredValueSequence')[0]!;
  assert.equal(exact[tagOf('floatingPointValue')], undefined, 'only where DS loses digits');
  const schemes = items(dataSet, 'codingSchemeIdentificationSequence').map((i) => get(i, 'codingSchemeDesignator'));
  assert.deepEqual(schemes, ['99OTHER', '99WETREAD']);
});

test('WR-SR-07 the same report gives the same object; a revision gives a new document that names the old one', () => {
  assert.deepEqual(build(), build());
  const first = build();
  const provenance = {
    ...report.provenance,
    revision: 2,
    createdAt: '2026-03-14T16:00:00.000Z',
    predecessorSopInstanceUid: first.sopInstanceUid,
  };
  const second = build({ report: { ...report, provenance } });
  assert.notEqual(second.sopInstanceUid, first.sopInstanceUid);
  assert.equal(second.seriesInstanceUid, first.seriesInstanceUid);
  assert.equal(get(second.dataSet, 'instanceNumber'), '2');
  assert.equal(first.dataSet[tagOf('predecessorDocumentsSequence')], undefined);
  const document = items(second.dataSet, 'predecessorDocumentsSequence')[0]!;
  const series = items(document, 'referencedSeriesSequence')[0]!;
  assert.equal(get(series, 'seriesInstanceUid'), first.seriesInstanceUid);
  const reference = items(series, 'referencedSopSequence')[0]!;
  assert.equal(get(reference, 'referencedSopInstanceUid'), first.sopInstanceUid);
  const uids = (object: DicomObject): (string | undefined)[] =>
    ['Volume', 'Tracking Unique Identifier'].flatMap((name) =>
      itemsNamed(object.dataSet, name).map((i) => get(i, 'observationUid') ?? get(i, 'uid')),
    );
  assert.deepEqual(uids(second), uids(first));
  assert.equal(new Set(uids(first)).size, 6, 'each observation and each region has a UID of its own');
});

test('WR-SR-07 the order in which parameters come does not matter', () => {
  const turned: Report = {
    ...report,
    readings: [
      {
        ...report.readings[0],
        algorithm: { ...report.readings[0].algorithm, parameters: { threshold: '-950', provider: 'cpu' } },
      },
    ],
  };
  assert.deepEqual(build({ report: turned }), build());
});

test('WR-SR-08 content time is the time of the report, in the zone of the images', () => {
  const { dataSet } = build();
  assert.equal(get(dataSet, 'contentDate'), '20260314');
  assert.equal(get(dataSet, 'contentTime'), '160926.535000');
  const equipment = items(dataSet, 'contributingEquipmentSequence')[0]!;
  assert.equal(get(equipment, 'contributionDateTime'), '20260314160926.535000+0100');
});

test('WR-SR-09 evidence lists every image once and the SEG; the order is named', () => {
  const evidence = items(build().dataSet, 'currentRequestedProcedureEvidenceSequence')[0]!;
  const bySeries = items(evidence, 'referencedSeriesSequence').map((series) => [
    get(series, 'seriesInstanceUid'),
    items(series, 'referencedSopSequence').map((i) => get(i, 'referencedSopInstanceUid')),
  ]);
  assert.deepEqual(bySeries, [
    [volume.seriesInstanceUid, volume.slices.map((slice) => slice.sopInstanceUid)],
    [seg.seriesInstanceUid, [seg.sopInstanceUid]],
  ]);
  const request = items(build().dataSet, 'referencedRequestSequence')[0]!;
  assert.equal(get(request, 'accessionNumber'), 'A-4711');
  assert.equal(get(request, 'placerOrderNumberImagingServiceRequest'), 'P-1');
  assert.equal(get(request, 'fillerOrderNumberImagingServiceRequest'), 'F-1');
  assert.equal(get(request, 'requestedProcedureId'), 'RP-1');
  assert.equal(build({ study: { ...study, requests: [] } }).dataSet[tagOf('referencedRequestSequence')], undefined);
});

test('WR-SR-09 frames of one multi-frame instance are one reference', () => {
  const sopInstanceUid = nameBasedUid<SopInstanceUid>('multi-frame');
  const frame = (frameNumber: number) => ({ sopInstanceUid, sopClassUid: '1.2.840.10008.5.1.4.1.1.2.1', frameNumber });
  const evidence: Findings['evidence'] = [frame(1), frame(2)];
  const { dataSet } = build({ report: { ...report, readings: [{ ...report.readings[0], evidence, findings: [] }] } });
  const lines = outline(dataSet).filter((l) => l.startsWith('>>> CONTAINS IMAGE'));
  assert.deepEqual(lines, [`>>> CONTAINS IMAGE = ${sopInstanceUid}`]);
});

test('WR-SR-10 hostile text: headers and sentences cannot break the object', () => {
  const nasty = 'A\\B\u0000\u001b[31m\r\nC';
  const title = `${nasty}${'é'.repeat(80)}`;
  const sections: Report['sections'] = [
    { key: 'findings', heading: 'F', code: report.procedure, sentences: [{ text: nasty, findingKeys: [] }] },
  ];
  const { dataSet } = build({ report: { ...report, title, sections }, study: { ...study, patientName: nasty } });
  const description = get(dataSet, 'seriesDescription') ?? '';
  assert.equal(Array.from(description).length, 64);
  assert.match(description, /^AI draft, unverified: A\/B \[31m C/);
  const finding = itemsNamed(dataSet, 'Finding').find((i) => get(i, 'valueType') === 'TEXT')!;
  assert.equal(get(finding, 'textValue'), 'A\\B[31m\r\nC');
  assert.deepEqual(dataSet[tagOf('patientName')]?.Value, [{ Alphabetic: 'A/B [31m C' }]);
});

test('WR-SR-11 the observer is a device, never a person; the label is in the text and on the series', () => {
  const { dataSet } = build();
  assert.deepEqual(
    items(dataSet, 'authorObserverSequence').map((i) => get(i, 'observerType')),
    ['DEV'],
  );
  assert.ok(!JSON.stringify(dataSet).includes('121006'), 'no observer of type Person');
  assert.ok(outline(dataSet).includes(`>> CONTAINS TEXT Comment = ${report.label}`));
});
