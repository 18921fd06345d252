/**
 * The health record of a site: any FHIR R4 server that takes transactions. Patients and orders are found, never made;
 * a report that a human edited is left alone; what was written is read back and compared.
 */
import type { CapabilityStatement, DiagnosticReport, Identifier, Observation } from 'fhir/r4.js';
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
import {
  accessionIdentifier,
  patientDisagreements,
  patientIdentifier,
  type RecordMatch,
  type RecordNaming,
  refersTo,
} from '../../src/writeback/fhir-match.ts';
import type { Bundle } from '../../src/writeback/fhir-transaction.ts';
import { observationIds } from '../../src/writeback/fhir-withdrawal.ts';
import { FhirClient, type FhirClientOptions, PAGE } from './client.ts';

export interface FhirHealthRecordOptions extends FhirClientOptions {
  readonly naming: RecordNaming;
}

export function fhirHealthRecord(options: FhirHealthRecordOptions): FhirHealthRecord {
  return new FhirHealthRecord(new FhirClient(options), options.naming);
}

/** Reads after a write that are under way at once. */
const READS_IN_FLIGHT = 6;

export class FhirHealthRecord implements HealthRecord {
  readonly #client: FhirClient;
  readonly #naming: RecordNaming;
  #capable = false;

  constructor(client: FhirClient, naming: RecordNaming) {
    this.#client = client;
    this.#naming = naming;
  }

  /** Once per process. @throws WetreadError `health-record-refused` where the server is not R4 or takes no transactions */
  async probe(signal: AbortSignal): Promise<void> {
    if (this.#capable) return;
    assertCapable(await this.#client.capabilityStatement(signal));
    this.#capable = true;
  }

  async match(header: StudyHeader, signal: AbortSignal): Promise<RecordMatch | Skipped> {
    const identifier = patientIdentifier(header, this.#naming);
    if (identifier === undefined) return { skipped: reason('patient-unmatched', unidentified(header)) };
    const found = await this.#client.search('Patient', { identifier: token(identifier) }, signal);
    const patients = found.filter((patient) => carries(patient, identifier));
    if (patients.length > 1) return { skipped: reason('patient-ambiguous') };
    const [patient] = patients;
    if (patient === undefined) return { skipped: reason('patient-unmatched') };
    const differs = patientDisagreements(patient, header);
    if (differs.length > 0) return { skipped: reason('patient-mismatch', `${differs.join(' and ')} differ`) };
    return this.#matchOrder(header, `Patient/${patient.id}`, signal);
  }

  /** An accession number whose assigner nobody named is not searched: it could be anybody's order. */
  async #matchOrder(header: StudyHeader, patient: string, signal: AbortSignal): Promise<RecordMatch | Skipped> {
    const accession = accessionIdentifier(header, this.#naming);
    if (accession?.system === undefined) return { patient };
    const found = await this.#client.search('ServiceRequest', { identifier: token(accession) }, signal);
    const orders = found.filter((order) => carries(order, accession));
    if (orders.some((order) => !refersTo(order.subject.reference, patient)))
      return { skipped: reason('order-mismatch') };
    // Several orders of one patient under one accession number: none is picked, the number alone goes into the report.
    return orders.length === 1 ? { patient, serviceRequest: `ServiceRequest/${orders[0]!.id}` } : { patient };
  }

  async objection(bundle: Bundle, signal: AbortSignal): Promise<Skipped | undefined> {
    const plan = filingPlan(bundle, await this.#lookUp(bundle, signal));
    return isSkipped(plan) ? plan : undefined;
  }

  async file(bundle: Bundle, signal: AbortSignal): Promise<FiledReport | Skipped> {
    await this.probe(signal);
    try {
      return await this.#fileOnce(bundle, signal);
    } catch (cause) {
      if (!(cause instanceof WetreadError) || cause.code !== 'conflict') throw cause;
      // Somebody wrote between our look and our write: look once more, a human may have taken over.
      return this.#fileOnce(bundle, signal);
    }
  }

  async #fileOnce(bundle: Bundle, signal: AbortSignal): Promise<FiledReport | Skipped> {
    const found = await this.#lookUp(bundle, signal);
    const plan = filingPlan(bundle, found);
    if (isSkipped(plan)) return plan;
    const before = filedBefore(bundle, found);
    if (before !== undefined) return before;
    const answers = (await this.#client.transaction(plan, signal)).entry ?? [];
    const sent = plan.entry ?? [];
    if (answers.length !== sent.length)
      throw new WetreadError('writeback-mismatch', 'The transaction was answered with another number of entries');
    assertAccepted(answers);
    const filed: FiledEntry[] = [];
    for (let from = 0; from < sent.length; from += READS_IN_FLIGHT) {
      const some = sent.slice(from, from + READS_IN_FLIGHT);
      filed.push(...(await Promise.all(some.map((entry, i) => this.#readBack(entry, answers[from + i], signal)))));
    }
    assertFiled(filed);
    const report = filed.find(({ readBack }) => readBack.resourceType === 'DiagnosticReport');
    return { reference: report?.reference ?? '', versionId: report?.readBack.meta?.versionId ?? '' };
  }

  async #lookUp(bundle: Bundle, signal: AbortSignal): Promise<Found> {
    const wanted = lookups(bundle);
    const [reports, studies] = await Promise.all([
      this.#client.search('DiagnosticReport', { identifier: token(wanted.report) }, signal),
      this.#client.search('ImagingStudy', { identifier: wanted.imagingStudy.map(token).join(',') }, signal),
    ]);
    const ours = reports.filter((found) => carries(found, wanted.report));
    const imagingStudies = studies.filter((found) => wanted.imagingStudy.some((one) => carries(found, one)));
    const [report] = ours;
    if (ours.length > 1)
      throw new WetreadError('conflict', 'Several reports of the record carry the identifier of this draft');
    if (report === undefined) return { provenance: [], observations: [], imagingStudies };
    const target = `DiagnosticReport/${report.id}`;
    const provenance = await this.#client.search('Provenance', { target, _sort: '-recorded' }, signal);
    const about = provenance.filter((one) => one.target.some(({ reference }) => refersTo(reference, target)));
    return { report, provenance: about, observations: await this.#drafted(report, signal), imagingStudies };
  }

  async #drafted({ result }: DiagnosticReport, signal: AbortSignal): Promise<readonly Observation[]> {
    const groups = await this.#observations(observationIds(result), signal);
    const members = groups.flatMap(({ hasMember }) => observationIds(hasMember));
    return [...groups, ...(await this.#observations(members, signal))];
  }

  async #observations(ids: readonly string[], signal: AbortSignal): Promise<readonly Observation[]> {
    const found: Observation[] = [];
    for (let from = 0; from < ids.length; from += PAGE) {
      const some = ids.slice(from, from + PAGE);
      const answer = await this.#client.search('Observation', { _id: some.join(',') }, signal);
      found.push(...answer.filter(({ id }) => id !== undefined && some.includes(id)));
    }
    return found;
  }

  async #readBack(sent: Entry, answer: Entry | undefined, signal: AbortSignal): Promise<FiledEntry> {
    const reference = await this.#referenceOf(sent, answer, signal);
    const readBack = await this.#client.read(reference, signal);
    const written = sent.request?.ifNoneExist === undefined || answer?.response?.status.startsWith('201') === true;
    return { sent, reference, written, readBack };
  }

  /** Servers may leave the location of an update out (FHIR R4 Bundle.entry.response.location 0..1). */
  async #referenceOf(sent: Entry, answer: Entry | undefined, signal: AbortSignal): Promise<string> {
    const type = sent.resource?.resourceType ?? 'DiagnosticReport';
    const place = `${answer?.response?.location ?? ''} ${sent.request?.url ?? ''}`;
    const named = new RegExp(`(?:^|[/ ])(${type}/[A-Za-z0-9\\-.]{1,64})(?=$|[/ ])`).exec(place)?.[1];
    if (named !== undefined) return named;
    if (answer?.resource?.id !== undefined) return `${type}/${answer.resource.id}`;
    const condition = sent.request?.ifNoneExist ?? sent.request?.url.split('?')[1] ?? '';
    const found = await this.#client.search(type, Object.fromEntries(new URLSearchParams(condition)), signal);
    if (found.length !== 1) throw new WetreadError('writeback-mismatch', `${type} was not found after the write`);
    return `${type}/${found[0]!.id}`;
  }
}

/** Some servers answer a transaction entry by entry, as if it were a batch. */
function assertAccepted(answers: readonly Entry[]): void {
  for (const { response } of answers) {
    const status = Number.parseInt(response?.status ?? '', 10);
    if (status === 409 || status === 412)
      throw new WetreadError('conflict', `The FHIR server answered ${status} (entry of a transaction)`);
    if (!(status >= 200 && status < 300))
      throw new WetreadError('health-record-refused', `The FHIR server answered ${status} (entry of a transaction)`);
  }
}

/** Servers may ignore a parameter that they do not know and answer with everything: each match is checked. */
function carries(resource: { readonly identifier?: Identifier[] | undefined }, wanted: Identifier): boolean {
  return (resource.identifier ?? []).some(({ system, value }) => system === wanted.system && value === wanted.value);
}

function assertCapable(statement: CapabilityStatement): void {
  if (statement.fhirVersion?.startsWith('4.0.') !== true)
    throw new WetreadError(
      'health-record-refused',
      'The FHIR server does not speak R4 (CapabilityStatement.fhirVersion)',
    );
  const interactions = (statement.rest ?? []).flatMap((rest) => rest.interaction ?? []);
  if (!interactions.some(({ code }) => code === 'transaction'))
    throw new WetreadError(
      'health-record-refused',
      'The FHIR server takes no transactions (CapabilityStatement.rest.interaction)',
    );
}

/** What is missing to look for the patient at all, with the key that would tell; an issuer is text that somebody typed. */
function unidentified({ patientId, issuerOfPatientId }: StudyHeader): string {
  if (patientId === undefined) return 'the images have no Patient ID';
  return issuerOfPatientId === undefined
    ? 'the images name no issuer of the Patient ID, and healthRecord.patientIdentifierSystem is not set'
    : 'the issuer of the Patient ID is not in healthRecord.issuers';
}
