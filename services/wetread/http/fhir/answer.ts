/** What the FHIR face sends: resources, versions and OperationOutcomes, with the headers of FHIR R4 3.1.0. */
import type { Request, Response } from 'express';
import type { FhirResource, OperationOutcomeIssue } from 'fhir/r4.js';
import type { StoredVersion } from '../../../../adapters/local-fhir/transaction.ts';
import type { Bundle } from '../../../../src/writeback/fhir-transaction.ts';

/** A refusal: HTTP status, IssueType code (FHIR R4 issue-type) and one sentence without patient data. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: OperationOutcomeIssue['code'];

  constructor(status: number, code: OperationOutcomeIssue['code'], message: string) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
  }
}

export function sendResource(response: Response, resource: FhirResource): void {
  response.type('application/fhir+json').send(JSON.stringify(resource));
}

export function sendRefusal(response: Response, { status, code, message }: Refusal): void {
  response.status(status);
  sendResource(response, {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'error', code, diagnostics: message }],
  });
}

/** One version with ETag and Last-Modified; a deletion is 410 (FHIR R4 3.1.0.1). */
export function sendVersion(response: Response, version: StoredVersion | undefined): void {
  if (version === undefined) throw new Refusal(404, 'not-found', 'There is no such resource or version');
  response.set('ETag', `W/"${version.versionId}"`);
  response.set('Last-Modified', new Date(version.lastUpdated).toUTCString());
  if (version.resource === undefined) throw new Refusal(410, 'deleted', 'The resource was deleted');
  sendResource(response, version.resource);
}

/** FHIR R4 3.1.0.14, `type: history`. */
export function historyBundle(base: string, versions: readonly StoredVersion[]): Bundle {
  return {
    resourceType: 'Bundle',
    type: 'history',
    total: versions.length,
    entry: versions.map(({ type, id, versionId, lastUpdated, resource }) => ({
      fullUrl: `${base}/${type}/${id}`,
      ...(resource === undefined ? {} : { resource }),
      request: { method: methodOf(versionId, resource), url: `${type}/${id}` },
      response: {
        status: resource === undefined ? '204' : versionId === '1' ? '201' : '200',
        etag: `W/"${versionId}"`,
        lastModified: lastUpdated,
      },
    })),
  };
}

function methodOf(versionId: string, resource: FhirResource | undefined): 'POST' | 'PUT' | 'DELETE' {
  if (resource === undefined) return 'DELETE';
  return versionId === '1' ? 'POST' : 'PUT';
}

/** The FHIR base as the client named it: `http://host/fhir`. */
export function baseOf(request: Request): string {
  return `${request.protocol}://${request.get('host') ?? 'localhost'}${request.baseUrl}`;
}
