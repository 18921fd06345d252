/** Search requests and searchset bundles (FHIR R4 3.1.1). */
import type { ResourceType } from '../../../../adapters/local-fhir/search-parameters.ts';
import type { LocalFhirStore } from '../../../../adapters/local-fhir/store.ts';
import type { Bundle } from '../../../../src/writeback/fhir-transaction.ts';
import { Refusal } from './answer.ts';

const DEFAULT_COUNT = 50;
const MAXIMUM_COUNT = 500;
/** Parameters that shape the answer and select nothing. */
const CONTROL = new Set(['_count', '_offset', '_format', '_pretty']);

/** @throws Refusal 400 for a page that is no page; WetreadError `request-invalid` for an unknown parameter */
export function searchPage(store: LocalFhirStore, base: string, type: ResourceType, query: URLSearchParams): Bundle {
  const asked = whole(query, '_count') ?? DEFAULT_COUNT;
  const count = Math.min(asked, MAXIMUM_COUNT);
  const offset = whole(query, '_offset') ?? 0;
  const selecting = [...query].filter(([name]) => !CONTROL.has(name));
  const { total, resources } = store.search(type, selecting, { offset, count });
  const link = (relation: string, from: number) => {
    const parameters = new URLSearchParams([...selecting, ['_count', String(count)], ['_offset', String(from)]]);
    return { relation, url: `${base}/${type}?${parameters.toString()}` };
  };
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    total,
    link: [
      link('self', offset),
      ...(offset > 0 ? [link('previous', Math.max(0, offset - count))] : []),
      ...(count > 0 && offset + count < total ? [link('next', offset + count)] : []),
    ],
    // FHIR forbids empty arrays.
    ...(resources.length === 0
      ? {}
      : {
          entry: resources.map((resource) => ({
            fullUrl: `${base}/${type}/${resource.id}`,
            resource,
            search: { mode: 'match' as const },
          })),
        }),
  };
}

function whole(query: URLSearchParams, name: '_count' | '_offset'): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw new Refusal(400, 'value', `${name} is not a whole number`);
  return Number(value);
}
