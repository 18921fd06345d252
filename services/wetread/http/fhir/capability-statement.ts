/** What the FHIR face can do, for `GET /metadata` (FHIR R4 3.1.0.9). */
import type { CapabilityStatement } from 'fhir/r4.js';
import { RESOURCE_TYPES, searchParameters } from '../../../../adapters/local-fhir/search-parameters.ts';
import { software } from '../../version.ts';

/** When these capabilities last changed. */
const CHANGED = '2026-11-21';

export function capabilityStatement(base: string): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: CHANGED,
    kind: 'instance',
    software: { name: software.name, version: software.version },
    implementation: { description: 'Drafts of this Wetread; read only', url: base },
    fhirVersion: '4.0.1',
    format: ['application/fhir+json', 'json'],
    rest: [
      {
        mode: 'server',
        documentation: 'Read only. Unknown search parameters are refused, never ignored.',
        resource: RESOURCE_TYPES.map((type) => ({
          type,
          interaction: [
            { code: 'read' as const },
            { code: 'vread' as const },
            { code: 'history-instance' as const },
            { code: 'search-type' as const },
          ],
          versioning: 'versioned' as const,
          readHistory: true,
          updateCreate: false,
          conditionalCreate: false,
          conditionalRead: 'full-support' as const,
          conditionalUpdate: false,
          searchParam: searchParameters(type).map(({ name, type: kind, documentation }) => ({
            name,
            type: kind,
            documentation,
          })),
        })),
      },
    ],
  };
}
