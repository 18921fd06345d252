/** Segment Sequence of a SEG (PS3.3 C.8.20.2, Table C.8.20-2 and C.8.20-4). */
import type { Segment } from '../../assembly/segmentation.ts';
import type { DicomDataSet } from '../../dicom-json.ts';
import type { Algorithm, Findings, InstanceReference } from '../../inference/findings.ts';
import type { Report } from '../../reporting/report.ts';
import { codedEntry } from '../coded-entry.ts';
import { dataSet } from '../data-set.ts';
import * as identity from '../identity.ts';
import { MANUFACTURER } from '../modules.ts';
import { isSameImage } from '../references.ts';
import { ARTIFICIAL_INTELLIGENCE } from '../sr/concepts.ts';
import { algorithmParameters } from '../sr/context.ts';
import { line, paragraph } from '../text.ts';
import { recommendedDisplayCIELab } from './cielab.ts';

/** Those that rest on one image, where the reading is of several and each has segments of the same numbers. */
export function findingsOn(findings: Findings, image: InstanceReference | undefined): Findings {
  if (image === undefined) return findings;
  return { ...findings, findings: findings.findings.filter(({ evidence: [first] }) => isSameImage(first, image)) };
}

/** One item of the Segment Sequence. */
export function segmentItem(report: Report, findings: Findings, segment: Segment): DicomDataSet {
  const trackingId = trackingIdOf(findings, segment);
  return dataSet({
    segmentNumber: segment.number,
    segmentLabel: line(segment.label, 64),
    segmentAlgorithmType: 'AUTOMATIC',
    segmentAlgorithmName: line(findings.algorithm.name, 64),
    segmentationAlgorithmIdentificationSequence: [algorithmItem(findings.algorithm)],
    segmentedPropertyCategoryCodeSequence: [codedEntry(segment.category)],
    segmentedPropertyTypeCodeSequence: [propertyType(segment)],
    trackingId,
    trackingUid: identity.trackingUid(report, findings.algorithm, trackingId),
    recommendedDisplayCIELabValue: recommendedDisplayCIELab(segment.color),
  });
}

/** The side is a modifier of the property type, inside its item. */
function propertyType({ type, laterality }: Segment): DicomDataSet {
  const modifiers = laterality && [codedEntry(laterality)];
  return { ...codedEntry(type), ...dataSet({ segmentedPropertyTypeModifierCodeSequence: modifiers }) };
}

/** The key of the finding that rests on the segment: SR and SEG name one region alike. */
function trackingIdOf({ findings }: Findings, segment: Segment): string {
  const finding = findings.find(({ segmentNumber }) => segmentNumber === segment.number);
  return finding?.key ?? segment.key;
}

/** Algorithm Identification Macro (PS3.3 Table 10-19): the header's twin of TID 4019. */
function algorithmItem(algorithm: Algorithm): DicomDataSet {
  const { name, version } = algorithm;
  return dataSet({
    algorithmFamilyCodeSequence: [codedEntry(ARTIFICIAL_INTELLIGENCE)],
    algorithmName: line(name, 64),
    algorithmVersion: line(version, 64),
    algorithmParameters: paragraph(algorithmParameters(algorithm).join('\n')),
    algorithmSource: MANUFACTURER,
  });
}
