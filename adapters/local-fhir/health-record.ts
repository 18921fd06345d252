/** The health record of the embedded default: patients and orders come from the images, reports stay on this machine. */
import type {
  DiagnosticReport,
  FhirResource,
  ImagingStudy,
  Observation,
  Patient,
  Provenance,
  ServiceRequest,
} from 'fhir/r4.js';
import type { StudyHeader } from '../../src/arrival/study.ts';
import { WetreadError } from '../../src/errors.ts';
import type { FiledReport, HealthRecord } from '../../src/ports.ts';
import { isSkipped, reason, type Skipped } from '../../src/reasons.ts';
import { type Entry, token } from '../../src/writeback/fhir-elements.ts';
import {
  assertFiled,
  type FiledEntry,
  type Found,
  filedBefore,
  filingPlan,
  lookups,
} from '../../src/writeback/fhir-filing.ts';
import { patientDisagreements, type RecordMatch, type RecordNaming, refersTo } from '../../src/writeback/fhir-match.ts';
import type { Bundle } from '../../src/writeback/fhir-transaction.ts';
import { observationIds } from '../../src/writeback/fhir-withdrawal.ts';
import { localAccessionIdentifier, localPatientIdentifier, orderResource, patientResource } from './registration.ts';
import { isResourceType, type ResourceType } from './search-parameters.ts';
import type { LocalFhirStore } from './store.ts';

export function localHealthRecord(store: LocalFhirStore, naming: RecordNaming): HealthRecord {
  return new LocalHealthRecord(store, naming);
}

class LocalHealthRecord implements HealthRecord {
  readonly #store: LocalFhirStore;
  readonly #naming: RecordNaming;

  constructor(store: LocalFhirStore, naming: RecordNaming) {
    this.#store = store;
    this.#naming = naming;
  }

  async match(header: StudyHeader, signal: AbortSignal): Promise<RecordMatch | Skipped> {
    if (signal.aborted) throw WetreadError.from(signal.reason, 'timeout');
    const identifier = localPatientIdentifier(header, this.#naming);
    const found = this.#byIdentifier<Patient>('Patient', [identifier]);
    if (found.length > 1) return { skipped: reason('patient-ambiguous') };
    const differs = found.flatMap((known) => patientDisagreements(known, header));
    if (differs.length > 0) return { skipped: reason('patient-mismatch', `${differs.join(' and ')} differ`) };
    const patient = `Patient/${found[0]?.id ?? this.#create(patientResource(header, identifier))}`;
    return this.#matchOrder(header, patient);
  }

  #matchOrder(header: StudyHeader, patient: string): RecordMatch | Skipped {
    const accession = localAccessionIdentifier(header, this.#naming);
    if (accession === undefined) return { patient };
    const orders = this.#byIdentifier<ServiceRequest>('ServiceRequest', [accession]);
    if (orders.some((order) => !refersTo(order.subject.reference, patient)))
      return { skipped: reason('order-mismatch') };
    if (orders.length > 1) return { patient };
    const id = orders[0]?.id ?? this.#create(orderResource(header, accession, patient));
    return { patient, serviceRequest: `ServiceRequest/${id}` };
  }

  async objection(bundle: Bundle, signal: AbortSignal): Promise<Skipped | undefined> {
    if (signal.aborted) throw WetreadError.from(signal.reason, 'timeout');
    const plan = filingPlan(bundle, this.#lookUp(bundle));
    return isSkipped(plan) ? plan : undefined;
  }

  async file(bundle: Bundle, signal: AbortSignal): Promise<FiledReport | Skipped> {
    if (signal.aborted) throw WetreadError.from(signal.reason, 'timeout');
    const found = this.#lookUp(bundle);
    const plan = filingPlan(bundle, found);
    if (isSkipped(plan)) return plan;
    const before = filedBefore(bundle, found);
    if (before !== undefined) return before;
    const answers = this.#store.transaction(plan).entry ?? [];
    const filed = (plan.entry ?? []).map((sent, index) => this.#readBack(sent, answers[index]?.response));
    assertFiled(filed);
    const report = filed.find(({ readBack }) => readBack.resourceType === 'DiagnosticReport');
    return { reference: report?.reference ?? '', versionId: report?.readBack.meta?.versionId ?? '' };
  }

  #lookUp(bundle: Bundle): Found {
    const wanted = lookups(bundle);
    const [report, ...more] = this.#byIdentifier<DiagnosticReport>('DiagnosticReport', [wanted.report]);
    if (more.length > 0) throw new WetreadError('conflict', 'Several reports carry the identifier of this draft');
    return {
      ...(report === undefined ? {} : { report }),
      provenance:
        report === undefined ? [] : this.#all<Provenance>('Provenance', 'target', `DiagnosticReport/${report.id}`),
      observations: report === undefined ? [] : this.#drafted(report),
      imagingStudies: this.#byIdentifier<ImagingStudy>('ImagingStudy', wanted.imagingStudy),
    };
  }

  #drafted({ result }: DiagnosticReport): readonly Observation[] {
    const groups = this.#observations(observationIds(result));
    return [...groups, ...this.#observations(groups.flatMap(({ hasMember }) => observationIds(hasMember)))];
  }

  #observations(ids: readonly string[]): readonly Observation[] {
    return ids.flatMap((id) => (this.#store.read('Observation', id)?.resource as Observation | undefined) ?? []);
  }

  #readBack(
    sent: Entry,
    response: { readonly status: string; readonly location?: string | undefined } | undefined,
  ): FiledEntry {
    const [type = '', id = ''] = response?.location?.split('/') ?? [];
    const readBack = isResourceType(type) ? this.#store.read(type, id)?.resource : undefined;
    if (readBack === undefined)
      throw new WetreadError('writeback-mismatch', 'A resource was not there after the write');
    const written = sent.request?.ifNoneExist === undefined || response?.status.startsWith('201') === true;
    return { sent, reference: `${type}/${id}`, written, readBack };
  }

  #byIdentifier<T extends FhirResource>(
    type: ResourceType,
    identifiers: readonly Parameters<typeof token>[0][],
  ): readonly T[] {
    return this.#all<T>(type, 'identifier', identifiers.map(token).join(','));
  }

  #all<T extends FhirResource>(type: ResourceType, parameter: string, value: string): readonly T[] {
    return this.#store.search(type, [[parameter, value]], { offset: 0, count: 1000 }).resources as readonly T[];
  }

  #create(resource: Patient | ServiceRequest): string {
    const request = { method: 'POST' as const, url: resource.resourceType };
    const bundle: Bundle = { resourceType: 'Bundle', type: 'transaction', entry: [{ resource, request }] };
    return this.#store.transaction(bundle).entry?.[0]?.response?.location?.split('/')[1] ?? '';
  }
}
