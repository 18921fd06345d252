/**
 * Findings as Observations: a group per finding, a member per measurement. The identifiers are the Tracking UID and the
 * Observation UIDs of the SR, so that both outputs name the same thing (hl7.fhir.uv.dicom-sr maps 0040,A171 so).
 *
 * The group's code is the question and its value the answer (present, absent, undetermined): a code that says "Nodule"
 * with a value that says "absent" cannot be read as a nodule.
 */
import type { CodeableConcept, Observation, ObservationComponent, Quantity, Reference } from 'fhir/r4.js';
import {
  ABSENT,
  type Code,
  DERIVATION,
  HOUNSFIELD_UNIT,
  LATERALITY,
  MEASUREMENT_GROUP,
  NO_UNITS,
  PRESENT,
  PROBABILITY,
  sameCode,
  THRESHOLD_ATTENUATION_COEFFICIENT,
  UNDETERMINED,
} from '../codes.ts';
import type { Algorithm, Finding, InstanceReference, Measurement } from '../inference/findings.ts';
import { findingTitle } from '../reporting/finding-text.ts';
import type { Report } from '../reporting/report.ts';
import { measurementText, unitText } from '../reporting/text.ts';
import {
  coding,
  concept,
  dateTime,
  deviceUrl,
  dicomIdentifier,
  draftMeta,
  type Entry,
  fullUrl,
  identifierQuery,
  imagingStudyUrl,
  narrative,
} from './fhir-elements.ts';
import { basedOn } from './fhir-match.ts';
import { type Owned, present } from './fhir-owned.ts';
import { regionOf } from './fhir-region.ts';
import type { TransactionInput } from './fhir-transaction.ts';
import { observationUid, trackingUid } from './identity.ts';
import { THRESHOLD } from './sr/concepts.ts';

const IMAGING: CodeableConcept = {
  coding: [
    { system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'imaging', display: 'Imaging' },
  ],
};

const PRESENCE = { present: PRESENT, absent: ABSENT, undetermined: UNDETERMINED } as const;

/** Numeric Value Qualifier (PS3.16 CID 42) to HL7 data-absent-reason; what has no equal is `unknown`. */
const DATA_ABSENT: Readonly<Record<string, string>> = {
  '114000': 'not-a-number',
  '114006': 'error',
  '114007': 'not-performed',
  '114008': 'error',
  '114009': 'error',
};

export interface Observations {
  /** Members first, then their group, finding by finding. */
  readonly all: readonly Entry[];
  /** One per finding, in the report's order. */
  readonly groups: readonly Entry[];
}

export function observations(input: TransactionInput): Observations {
  const families = input.report.readings.flatMap(({ algorithm, findings }) =>
    findings.map((finding) => {
      const observed: Observed = { input, algorithm, finding };
      const members = finding.measurements.map((measurement) => member(observed, measurement));
      return { members, group: group(observed, members) };
    }),
  );
  return {
    all: families.flatMap(({ members, group: parent }) => [...members, parent]),
    groups: families.map(({ group: parent }) => parent),
  };
}

/** A finding, and whose it is. */
interface Observed {
  readonly input: TransactionInput;
  readonly algorithm: Algorithm;
  readonly finding: Finding;
}

function group(observed: Observed, members: readonly Entry[]): Entry {
  const { algorithm, finding } = observed;
  const { report } = observed.input;
  const title = findingTitle(finding);
  return entry(trackingUid(report, algorithm, finding.key), {
    ...shared(observed),
    category: [IMAGING, concept(MEASUREMENT_GROUP)],
    code: concept(finding.concept, title),
    valueCodeableConcept: finding.presence === undefined ? undefined : concept(PRESENCE[finding.presence]),
    derivedFrom: [imagingStudyOf(report), ...finding.evidence.map(imageOf)],
    hasMember: members.map((m) => ({ reference: m.fullUrl, type: 'Observation' })),
    component: [
      ...lateralityOf(finding),
      ...(finding.probability === undefined
        ? []
        : [{ code: concept(PROBABILITY), valueQuantity: quantity(finding.probability, NO_UNITS) }]),
      ...regionOf(finding),
    ],
    text: narrative(report.label, title),
  });
}

function member(observed: Observed, measurement: Measurement): Entry {
  const { algorithm, finding } = observed;
  const { report } = observed.input;
  const { derivation, method, threshold } = measurement;
  const what = derivation === undefined ? measurement.concept.meaning : derived(derivation, measurement.concept);
  const name = method === undefined ? what : `${what} (${method.meaning})`;
  const value = Number.isFinite(measurement.value) ? measurement.value : undefined;
  return entry(observationUid(report, algorithm, finding.key, measurement.key), {
    ...shared(observed),
    category: [IMAGING],
    code: concept(measurement.concept, name),
    valueQuantity: value === undefined ? undefined : quantity(value, measurement.unit),
    dataAbsentReason: value === undefined ? dataAbsentReason(measurement.qualifier) : undefined,
    method: method && concept(method),
    component: [
      ...lateralityOf(finding),
      ...(derivation === undefined ? [] : [{ code: concept(DERIVATION), valueCodeableConcept: concept(derivation) }]),
      ...(threshold === undefined
        ? []
        : [
            {
              code: concept(thresholdConcept(threshold.unit)),
              valueQuantity: quantity(threshold.value, threshold.unit),
            },
          ]),
    ],
    text: narrative(report.label, `${findingTitle(finding)}, ${name}: ${measurementText(measurement)}`),
  });
}

/** As the SR has it: DCM knows a threshold in Hounsfield units only. */
function thresholdConcept(unit: Code): Code {
  return sameCode(unit, HOUNSFIELD_UNIT) ? THRESHOLD_ATTENUATION_COEFFICIENT : THRESHOLD;
}

function derived(derivation: Code, measured: Code): string {
  return `${derivation.meaning} ${measured.meaning}`;
}

/** R4 has one bodySite without a qualifier: the side is a component, as SR has it under the Finding Site. */
function lateralityOf(finding: Finding): ObservationComponent[] {
  return finding.laterality === undefined
    ? []
    : [{ code: concept(LATERALITY), valueCodeableConcept: concept(finding.laterality) }];
}

type OwnedObservation = Owned<Observation> & Pick<Observation, 'text'>;

function shared({
  input,
  algorithm,
  finding,
}: Observed): Omit<OwnedObservation, 'identifier' | 'category' | 'code' | 'component' | 'text'> {
  const { report, study, match } = input;
  const imagingStudy = imagingStudyOf(report);
  return {
    basedOn: basedOn(study, match, input.naming),
    partOf: [imagingStudy],
    status: 'preliminary',
    subject: { reference: match.patient, type: 'Patient' },
    effectiveDateTime: dateTime(study.studyDate, study.studyTime, study.timezoneOffsetFromUtc),
    issued: report.provenance.createdAt,
    valueQuantity: undefined,
    valueCodeableConcept: undefined,
    dataAbsentReason: undefined,
    bodySite: finding.site === undefined ? undefined : concept(finding.site, findingTitle(finding)),
    method: undefined,
    device: { reference: deviceUrl(algorithm), type: 'Device' },
    derivedFrom: [imagingStudy],
    hasMember: undefined,
  };
}

function imagingStudyOf(report: Report): Reference {
  return { reference: imagingStudyUrl(report), type: 'ImagingStudy' };
}

/**
 * R4 has no element for the image that a finding is of, and a Media resource for each would be the archive's to make: it is
 * referred to by its identifier (R4 Media.identifier, `urn:dicom:uid`).
 */
function imageOf({ sopInstanceUid, frameNumber }: InstanceReference): Reference {
  const frame = frameNumber === undefined ? {} : { display: `Frame ${frameNumber}` };
  return { type: 'Media', identifier: dicomIdentifier(sopInstanceUid), ...frame };
}

function entry(uid: string, elements: Omit<OwnedObservation, 'identifier'>): Entry {
  const identifier = dicomIdentifier(uid);
  const { text, ...owned } = elements;
  const complete: Owned<Observation> = { ...owned, identifier: [identifier] };
  return {
    fullUrl: fullUrl('observation', uid),
    resource: { resourceType: 'Observation', meta: draftMeta(), text, ...present(complete) },
    request: { method: 'PUT', url: `Observation?${identifierQuery(identifier)}` },
  };
}

function quantity(value: number, unit: Code): Quantity {
  const { system } = coding(unit);
  return { value, unit: unitText(unit.value) || '1', system, code: unit.value };
}

function dataAbsentReason(qualifier: Code | undefined): CodeableConcept {
  const code = DATA_ABSENT[qualifier?.value ?? ''] ?? 'unknown';
  const standard = { system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code };
  return { coding: qualifier === undefined ? [standard] : [standard, coding(qualifier)] };
}
