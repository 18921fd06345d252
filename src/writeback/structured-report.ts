/**
 * The draft as a DICOM SR document: Comprehensive 3D SR (PS3.3 A.35.13) with TID 1500 (PS3.16), unverified and
 * preliminary. Pure: the same report gives the same object, and every identity and time comes from the report.
 */
import type { DicomDataSet } from '../dicom-json.ts';
import { type Algorithm, seriesSeen } from '../inference/findings.ts';
import type { DicomObject } from './artifact.ts';
import { codingSchemes } from './coded-entry.ts';
import { dataSet } from './data-set.ts';
import * as identity from './identity.ts';
import {
  equipment,
  MANUFACTURER,
  patientAndStudy,
  type ResultContext,
  referencedRequests,
  series,
  sopCommon,
  timeOf,
} from './modules.ts';
import { hierarchicalReference } from './references.ts';
import { measurementReport, type ReadingSource } from './sr/measurement-report.ts';
import { line } from './text.ts';

export const COMPREHENSIVE_3D_SR = '1.2.840.10008.5.1.4.1.1.88.34';

export interface StructuredReportInput extends ResultContext {
  /** One for each of the report's readings, in their order. */
  readonly sources: readonly ReadingSource[];
}

/** @throws WetreadError `internal` where the volume has no geometry or a value is not finite */
export function structuredReport(input: StructuredReportInput): DicomObject {
  const { report, study } = input;
  const tree = measurementReport(input, input.sources);
  const document: DicomDataSet = {
    ...sopCommon(input, 'sr', COMPREHENSIVE_3D_SR),
    ...patientAndStudy(study),
    ...series(input, 'sr', report.title),
    ...equipment(input),
    ...documentGeneral(input),
    ...tree,
  };
  return {
    kind: 'sr',
    studyInstanceUid: study.studyInstanceUid,
    seriesInstanceUid: identity.seriesInstanceUid(report, 'sr'),
    sopInstanceUid: identity.sopInstanceUid(report, 'sr'),
    sopClassUid: COMPREHENSIVE_3D_SR,
    dataSet: { ...document, ...dataSet({ codingSchemeIdentificationSequence: codingSchemes(document) }) },
  };
}

/** SR Document General (PS3.3 C.17.2). */
function documentGeneral(input: StructuredReportInput): DicomDataSet {
  const { report, study } = input;
  const { date, time } = timeOf(input);
  return dataSet({
    // Revisions join one series, so the revision numbers them.
    instanceNumber: report.provenance.revision,
    contentDate: date,
    contentTime: time,
    completionFlag: 'COMPLETE',
    verificationFlag: 'UNVERIFIED',
    preliminaryFlag: 'PRELIMINARY',
    authorObserverSequence: report.readings.map(({ algorithm }) => author(algorithm)),
    performedProcedureCodeSequence: [],
    referencedRequestSequence: referencedRequests(study),
    currentRequestedProcedureEvidenceSequence: [evidence(input)],
    predecessorDocumentsSequence: predecessor(input),
  });
}

/** Identified Person or Device Macro (PS3.3 Table C.17-3b), as a device. */
function author(algorithm: Algorithm): DicomDataSet {
  return dataSet({
    institutionName: '',
    institutionCodeSequence: [],
    observerType: 'DEV',
    deviceUid: identity.deviceObserverUid(algorithm),
    stationName: '',
    manufacturer: MANUFACTURER,
    manufacturerModelName: line(algorithm.name, 64),
  });
}

/** Every instance that the tree refers to: the images read, and the SEGs. */
function evidence({ report, study, sources }: StructuredReportInput): DicomDataSet {
  const images = report.readings.flatMap((reading) => {
    const { seriesInstanceUid, findings } = reading;
    const seen = seriesSeen(reading).map((one) => ({ ...one, instances: one.evidence }));
    return [...seen, { seriesInstanceUid, instances: findings.flatMap((finding) => finding.evidence) }];
  });
  const masks = sources.flatMap(({ segmentations = [] }) =>
    segmentations.map(({ object }) => ({ seriesInstanceUid: object.seriesInstanceUid, instances: [object] })),
  );
  return hierarchicalReference(study.studyInstanceUid, [...images, ...masks]);
}

/** Predecessor Documents Sequence: the draft that this one replaces, in the same series; undefined for a first draft. */
function predecessor({ report, study }: StructuredReportInput): readonly DicomDataSet[] | undefined {
  const sopInstanceUid = report.provenance.predecessorSopInstanceUid;
  if (sopInstanceUid === undefined) return undefined;
  const seriesInstanceUid = identity.seriesInstanceUid(report, 'sr');
  const instances = [{ sopInstanceUid, sopClassUid: COMPREHENSIVE_3D_SR }];
  return [hierarchicalReference(study.studyInstanceUid, [{ seriesInstanceUid, instances }])];
}
