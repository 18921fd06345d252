/** Findings with their measurements: TID 1411, 1501 and the measurement templates 1419 and 300 (PS3.16). */
import * as codes from '../../codes.ts';
import type { Finding, Findings, InstanceReference, Measurement } from '../../inference/findings.ts';
import type { Report } from '../../reporting/report.ts';
import type { DicomObject } from '../artifact.ts';
import * as identity from '../identity.ts';
import * as concepts from './concepts.ts';
import { type ContentItem, codeItem, container, imageItem, numberItem, textItem, uidItem } from './content-item.ts';
import { algorithmIdentification } from './context.ts';
import { imageRegion, isOnImage, volumeSurface } from './regions.ts';

/** A SEG; `image` where it is of one image on its own. */
export interface OutlinedImages {
  readonly object: DicomObject;
  readonly image?: InstanceReference;
}

/** A finding, and who says it. */
export interface FindingContext {
  readonly report: Report;
  /** The reading that the finding is of. */
  readonly findings: Findings;
  readonly finding: Finding;
  /** Outlines of that reading, on the images of the finding. */
  readonly outlined?: OutlinedImages | undefined;
}

/**
 * TID 1411 where a segment of a volume outlines the finding or it lies in the patient, TID 1410 where a segment of one
 * image outlines it or it lies on an image, else TID 1501.
 */
export function measurementGroup(context: FindingContext): ContentItem {
  const { outlined, finding, findings } = context;
  const { segmentNumber, region } = finding;
  if (outlined !== undefined && segmentNumber !== undefined)
    return outlined.image === undefined
      ? // PS3.16 TID 1411 row 7
        regionGroup(context, [segment(outlined.object, segmentNumber), sourceSeries(findings)], '1411')
      : regionGroup(context, segmentFrame(outlined.object, outlined.image, segmentNumber), '1410');
  if (region === undefined) return genericGroup(context);
  if (isOnImage(region)) return regionGroup(context, [imageRegion(region)], '1410');
  return regionGroup(context, [...volumeSurface(region), ...illustrations(finding), sourceSeries(findings)], '1411');
}

function segment(object: DicomObject, segmentNumber: number): ContentItem {
  return imageItem('CONTAINS', concepts.REFERENCED_SEGMENT, object, { segmentNumber });
}

/**
 * PS3.16 TID 1410 rows 8 and 9: a segment of one image has one frame, and both have the same number. Only one of the two
 * may be named (PS3.3 Table 10-3).
 */
function segmentFrame(
  { sopInstanceUid, sopClassUid }: DicomObject,
  image: InstanceReference,
  segmentNumber: number,
): readonly ContentItem[] {
  const frame = { sopInstanceUid, sopClassUid, frameNumber: segmentNumber };
  return [
    imageItem('CONTAINS', concepts.REFERENCED_SEGMENTATION_FRAME, frame),
    imageItem('CONTAINS', concepts.SOURCE_IMAGE_FOR_SEGMENTATION, image),
  ];
}

/** Images that show it best, for a reader that cannot draw in space. */
function illustrations({ evidence }: Finding): readonly ContentItem[] {
  return evidence.map((reference) => imageItem('CONTAINS', concepts.ILLUSTRATION_OF_ROI, reference));
}

/** PS3.16 TID 1411 row 12. */
function sourceSeries({ seriesInstanceUid }: Findings): ContentItem {
  return uidItem('CONTAINS', concepts.SOURCE_SERIES_FOR_SEGMENTATION, seriesInstanceUid);
}

/** TID 1410 Planar or TID 1411 Volumetric ROI Measurements and Qualitative Evaluations; the order of their rows is significant. */
function regionGroup(
  context: FindingContext,
  geometry: readonly ContentItem[],
  template: '1410' | '1411',
): ContentItem {
  const { findings, finding } = context;
  // PS3.16 TID 1410 row 1, TID 1411 row 1
  const children = [
    ...trackingAndFinding(context),
    ...geometry,
    // PS3.16 TID 1419 rows 2 and 3
    ...findingSite(finding),
    ...algorithmIdentification(findings.algorithm),
    // PS3.16 TID 1419 row 5
    ...numbers(context),
    ...presence(finding),
  ];
  return container('CONTAINS', codes.MEASUREMENT_GROUP, children, template);
}

/** TID 1501 Measurement and Qualitative Evaluation Group. */
function genericGroup(context: FindingContext): ContentItem {
  const { findings, finding } = context;
  // PS3.16 TID 1501 row 1
  const children = [
    ...trackingAndFinding(context),
    // PS3.16 TID 1501 rows 6 and 7
    ...findingSite(finding),
    ...algorithmIdentification(findings.algorithm),
    // PS3.16 TID 1501 row 10, TID 300 row 1
    ...numbers(context),
    // PS3.16 TID 1501 row 10b
    ...finding.evidence.map((reference) => imageItem('CONTAINS', concepts.SOURCE_OF_MEASUREMENT, reference)),
    // PS3.16 TID 1501 row 11
    ...presence(finding),
  ];
  return container('CONTAINS', codes.MEASUREMENT_GROUP, children, '1501');
}

/** Rows 2, 3 and 3b of TID 1411 and TID 1501, with the Finding category before the Finding. */
function trackingAndFinding({ report, findings, finding }: FindingContext): readonly ContentItem[] {
  // A reader that knows nothing of presence must not take for found what was looked for and is absent.
  const found = finding.presence === undefined || finding.presence === 'present';
  return [
    textItem('HAS OBS CONTEXT', concepts.TRACKING_IDENTIFIER, finding.key),
    uidItem(
      'HAS OBS CONTEXT',
      concepts.TRACKING_UNIQUE_IDENTIFIER,
      identity.trackingUid(report, findings.algorithm, finding.key),
    ),
    codeItem('CONTAINS', concepts.FINDING_CATEGORY, finding.category),
    ...(found ? [codeItem('CONTAINS', concepts.FINDING, finding.concept)] : []),
  ];
}

function findingSite({ site, laterality }: Finding): readonly ContentItem[] {
  if (site === undefined) return [];
  const side = laterality === undefined ? [] : [codeItem('HAS CONCEPT MOD', codes.LATERALITY, laterality)];
  return [codeItem('HAS CONCEPT MOD', concepts.FINDING_SITE, site, side)];
}

/** CID 240. */
const PRESENCE = { present: codes.PRESENT, absent: codes.ABSENT, undetermined: codes.UNDETERMINED } as const;

/** Qualitative evaluation: the finding's own concept = Present, Absent or Undetermined (CID 240). */
function presence(finding: Finding): readonly ContentItem[] {
  if (finding.presence === undefined) return [];
  return [codeItem('CONTAINS', finding.concept, PRESENCE[finding.presence])];
}

function numbers({ report, findings, finding }: FindingContext): readonly ContentItem[] {
  const uidOf = (key: string): string => identity.observationUid(report, findings.algorithm, finding.key, key);
  const measured = finding.measurements.map((m) => measurement(m, uidOf(m.key)));
  if (finding.probability === undefined) return measured;
  const observationUid = uidOf('probability');
  const value = { value: finding.probability, unit: codes.NO_UNITS };
  return [...measured, numberItem('CONTAINS', codes.PROBABILITY, value, { observationUid })];
}

/** TID 300 Measurement; TID 1419 has the same rows under other numbers. */
function measurement(
  { concept, method, derivation, threshold, ...value }: Measurement,
  observationUid: string,
): ContentItem {
  const children = [
    // PS3.16 TID 300 row 3, TID 1419 row 7
    ...(method === undefined ? [] : [codeItem('HAS CONCEPT MOD', codes.MEASUREMENT_METHOD, method)]),
    // PS3.16 TID 300 row 4, TID 1419 row 8
    ...(derivation === undefined ? [] : [codeItem('HAS CONCEPT MOD', codes.DERIVATION, derivation)]),
    // PS3.16 TID 300 row 10, TID 1419 row 14: a parameter of the derivation
    ...(threshold === undefined ? [] : [numberItem('INFERRED FROM', thresholdConcept(threshold.unit), threshold)]),
  ];
  // PS3.16 TID 300 row 1, TID 1419 row 5
  return numberItem('CONTAINS', concept, value, { observationUid, children });
}

function thresholdConcept(unit: codes.Code): codes.Code {
  return codes.sameCode(unit, codes.HOUNSFIELD_UNIT) ? codes.THRESHOLD_ATTENUATION_COEFFICIENT : concepts.THRESHOLD;
}
