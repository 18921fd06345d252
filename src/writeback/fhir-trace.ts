/** Where a draft comes from: the algorithm as Device, the images as ImagingStudy, and the Provenance of both to the report. */
import type { CodeableConcept, Coding, Device, ImagingStudy, Provenance } from 'fhir/r4.js';
import { FHIR_SYSTEM } from '../codes.ts';
import { type Algorithm, seriesSeen } from '../inference/findings.ts';
import {
  AI_ASSERTED,
  dateTime,
  deviceUrl,
  dicomIdentifier,
  draftMeta,
  type Entry,
  fullUrl,
  identifierQuery,
  imagingStudyUrl,
  narrative,
  plain,
  reportUrl,
  SYSTEM,
} from './fhir-elements.ts';
import { accessionIdentifier, basedOn } from './fhir-match.ts';
import { type Owned, present } from './fhir-owned.ts';
import type { TransactionInput } from './fhir-transaction.ts';
import { deviceObserverUid, sopInstanceUid } from './identity.ts';

/** hl7.fhir.uv.aitransparency, profiles AI-Device and AI-Provenance. */
const ARTIFICIAL_INTELLIGENCE: CodeableConcept = {
  coding: [
    { system: 'http://hl7.org/fhir/uv/aitransparency/CodeSystem/AIdeviceTypeCS', code: 'Artificial-Intelligence' },
  ],
};

/** One Device per algorithm, version and package digest; never changed once it is there. */
export function device(algorithm: Algorithm, software: TransactionInput['software']): Entry {
  const { name, version, digest } = algorithm;
  const identifier = dicomIdentifier(deviceObserverUid(algorithm));
  const owned: Owned<Device> = {
    identifier: [identifier, { system: SYSTEM.modelPackage, value: digest }],
    status: 'active',
    manufacturer: software.name,
    deviceName: [{ name, type: 'model-name' }],
    type: ARTIFICIAL_INTELLIGENCE,
    version: [
      { type: { text: 'algorithm' }, value: version },
      { type: { text: 'model package' }, value: digest },
      { type: { text: 'software' }, value: `${software.name} ${software.version}` },
    ],
  };
  return {
    fullUrl: deviceUrl(algorithm),
    resource: { resourceType: 'Device', text: narrative(`AI algorithm ${name} ${version}`), ...present(owned) },
    request: { method: 'POST', url: 'Device', ifNoneExist: identifierQuery(identifier) },
  };
}

/** Usually the archive owns it: created only where the record has none, never updated. */
export function imagingStudy(input: TransactionInput): Entry {
  const { report, study, match } = input;
  const identifier = dicomIdentifier(report.studyInstanceUid);
  const accession = accessionIdentifier(study, input.naming);
  const series = seriesRead(input);
  const owned: Owned<ImagingStudy> = {
    identifier: accession === undefined ? [identifier] : [identifier, accession],
    status: 'available',
    modality: [...new Set(series.map(({ modality }) => modality))].map(modalityCoding),
    subject: { reference: match.patient, type: 'Patient' },
    started: dateTime(study.studyDate, study.studyTime, study.timezoneOffsetFromUtc),
    basedOn: basedOn(study, match, input.naming),
    numberOfSeries: input.numberOfSeries,
    numberOfInstances: input.numberOfInstances,
    description: study.studyDescription === undefined ? undefined : plain(study.studyDescription),
    // R4 asks for the modality of every series that is named.
    series: series.map(({ uid, modality }) => ({ uid, modality: modalityCoding(modality) })),
  };
  return {
    fullUrl: imagingStudyUrl(report),
    resource: {
      resourceType: 'ImagingStudy',
      text: narrative(`Imaging study ${report.studyInstanceUid}`),
      ...present(owned),
    },
    request: { method: 'POST', url: 'ImagingStudy', ifNoneExist: identifierQuery(identifier) },
  };
}

/** Each once, where its modality is known. */
function seriesRead({ report, modalities }: TransactionInput): readonly { uid: string; modality: string }[] {
  const seen = report.readings.flatMap(seriesSeen).map(({ seriesInstanceUid }) => seriesInstanceUid);
  return [...new Set(seen)].flatMap((uid) => {
    const modality = modalities?.get(uid);
    return modality === undefined ? [] : [{ uid, modality }];
  });
}

function modalityCoding(modality: string): Coding {
  return { system: FHIR_SYSTEM['DCM']!, code: modality };
}

/**
 * One per revision. R4 gives Provenance no identifier to be conditional on, so its tag carries the SOP Instance UID of
 * the SR, which is one per revision too.
 */
export function provenance(input: TransactionInput, observed: readonly Entry[]): Entry {
  const { report, objects } = input;
  const { revision, createdAt } = report.provenance;
  const tag = { system: SYSTEM.provenance, code: sopInstanceUid(report, 'sr') };
  const owned: Owned<Provenance> = {
    target: [
      { reference: reportUrl(report), type: 'DiagnosticReport' },
      ...observed.map((o) => ({ reference: o.fullUrl, type: 'Observation' })),
    ],
    recorded: createdAt,
    reason: [{ coding: [AI_ASSERTED] }],
    activity: {
      coding: [
        {
          system: 'http://terminology.hl7.org/CodeSystem/v3-DataOperation',
          code: revision === 1 ? 'CREATE' : 'UPDATE',
        },
      ],
    },
    agent: report.readings.map(({ algorithm }) => ({
      type: {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type', code: 'author' }],
      },
      role: [ARTIFICIAL_INTELLIGENCE],
      who: { reference: deviceUrl(algorithm), type: 'Device' },
    })),
    entity: [
      { role: 'source', what: { reference: imagingStudyUrl(report), type: 'ImagingStudy' } },
      ...objects.map((object) => ({
        role: 'source' as const,
        what: { identifier: dicomIdentifier(object.sopInstanceUid), display: `DICOM ${object.kind.toUpperCase()}` },
      })),
      ...report.readings.map(({ algorithm }) => ({
        role: 'derivation' as const,
        what: { identifier: { system: SYSTEM.modelPackage, value: algorithm.digest }, display: 'Model package' },
      })),
    ],
  };
  return {
    fullUrl: fullUrl('provenance', tag.code),
    resource: {
      resourceType: 'Provenance',
      meta: draftMeta(tag),
      text: narrative(report.label),
      ...present(owned),
    },
    request: {
      method: 'POST',
      url: 'Provenance',
      ifNoneExist: `_tag=${encodeURIComponent(`${tag.system}|${tag.code}`)}`,
    },
  };
}
