/**
 * A draft as one FHIR R4 transaction: Device, ImagingStudy, Observations, DiagnosticReport, Provenance. Pure: the same
 * report gives the same bytes. Every entry is conditional on a business identifier, so that a replay changes nothing
 * (FHIR R4 3.1.0.5.3 conditional create, 3.1.0.4.3 conditional update).
 *
 * What the transaction may overwrite, and how it is compared after the write: fhir-owned.ts, fhir-filing.ts.
 */

import { observations } from './fhir-observation.ts';
import { diagnosticReport } from './fhir-report.ts';
import { device, imagingStudy, provenance } from './fhir-trace.ts';
import type { Bundle, TransactionInput } from './fhir-transaction.ts';

/** Resources refer to each other by `urn:uuid:` full URLs, which are derived from names like every identity. */
export function reportTransaction(input: TransactionInput): Bundle {
  const measured = observations(input);
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      ...input.report.readings.map(({ algorithm }) => device(algorithm, input.software)),
      imagingStudy(input),
      ...measured.all,
      diagnosticReport(input, measured.groups),
      provenance(input, measured.all),
    ],
  };
}
