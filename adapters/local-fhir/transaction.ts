/**
 * Transactions as the writers of Wetread make them (FHIR R4 3.1.0.11.2): conditional create, update and conditional
 * update with `If-Match`, delete, and `urn:uuid:` references between entries.
 *
 * First every entry finds its resource, then references are replaced, then all is written: an entry may refer to one
 * that comes later.
 */
import type { FhirResource } from 'fhir/r4.js';
import { WetreadError } from '../../src/errors.ts';
import type { Entry } from '../../src/writeback/fhir-elements.ts';
import type { Bundle } from '../../src/writeback/fhir-transaction.ts';
import type { SearchQuery } from './search.ts';
import { isResourceType, type ResourceType } from './search-parameters.ts';

/** One version of a resource; `resource` is absent where that version is a deletion. */
export interface StoredVersion {
  readonly type: ResourceType;
  readonly id: string;
  readonly versionId: string;
  /** ISO 8601 instant. */
  readonly lastUpdated: string;
  readonly resource?: FhirResource;
}

/** What the entries of a transaction find and write. */
export interface TransactionStore {
  /** The current version, a deletion included; undefined where there never was one. */
  read(type: ResourceType, id: string): StoredVersion | undefined;
  /** The one resource that meets the query, or undefined. @throws WetreadError `conflict` where several do */
  findOne(type: ResourceType, query: SearchQuery): FhirResource | undefined;
  newId(): string;
  /** Writes the next version; the same content again writes none. @param resource undefined deletes */
  put(type: ResourceType, id: string, resource: FhirResource | undefined): StoredVersion;
}

interface Target {
  readonly entry: Entry;
  readonly type: ResourceType;
  readonly id: string;
  /** What to do once references are known: `keep` where a conditional create met a resource. */
  readonly action: 'write' | 'keep' | 'delete';
}

export function processTransaction(bundle: Bundle, store: TransactionStore): Bundle {
  if (bundle.type !== 'transaction') throw invalid('The bundle is no transaction');
  const targets = (bundle.entry ?? []).map((entry) => targetOf(entry, store));
  assertDistinct(targets);
  const references = new Map(targets.map(({ entry, type, id }) => [entry.fullUrl ?? '', `${type}/${id}`]));
  return {
    resourceType: 'Bundle',
    type: 'transaction-response',
    entry: targets.map((target) => perform(target, references, store)),
  };
}

function targetOf(entry: Entry, store: TransactionStore): Target {
  const { method, url = '', ifMatch, ifNoneExist } = entry.request ?? {};
  const [path = '', query] = url.split('?');
  const [type = '', id] = path.split('/');
  if (!isResourceType(type)) throw invalid('An entry names a resource type that the store does not hold');
  if (method === 'DELETE') return { entry, type, id: id ?? '', action: 'delete' };
  if (entry.resource?.resourceType !== type) throw invalid('An entry has another resource type than its request');
  if (method === 'POST') return createTarget(entry, type, ifNoneExist, store);
  if (method !== 'PUT') throw invalid('An entry has a method other than POST, PUT and DELETE');
  const current = id === undefined ? store.findOne(type, queryOf(query))?.id : id;
  if (id !== undefined && store.read(type, id) === undefined) throw invalid('An entry updates what does not exist');
  assertVersion(type, current, ifMatch, store);
  return { entry, type, id: current ?? store.newId(), action: 'write' };
}

function createTarget(
  entry: Entry,
  type: ResourceType,
  ifNoneExist: string | undefined,
  store: TransactionStore,
): Target {
  const existing = ifNoneExist === undefined ? undefined : store.findOne(type, queryOf(ifNoneExist))?.id;
  return existing === undefined
    ? { entry, type, id: store.newId(), action: 'write' }
    : { entry, type, id: existing, action: 'keep' };
}

function queryOf(query: string | undefined): SearchQuery {
  const pairs = [...new URLSearchParams(query ?? '')];
  if (pairs.length === 0) throw invalid('A conditional entry has no condition');
  return pairs;
}

/** FHIR R4 3.1.0.5.4: the version that the writer read must still be the current one. */
function assertVersion(
  type: ResourceType,
  id: string | undefined,
  ifMatch: string | undefined,
  store: TransactionStore,
) {
  if (ifMatch === undefined) return;
  const current = id === undefined ? undefined : store.read(type, id)?.versionId;
  if (ifMatch !== `W/"${current}"`) throw new WetreadError('conflict', `${type}: If-Match names another version`);
}

/** Two entries for one resource have no order, hence no meaning; neither have two equal conditions. */
function assertDistinct(targets: readonly Target[]): void {
  const seen = new Set<string>();
  for (const { entry, type, id } of targets) {
    const { url, method, ifNoneExist } = entry.request ?? {};
    const conditional = ifNoneExist ?? (method === 'PUT' && url?.includes('?') ? url.split('?')[1] : undefined);
    for (const key of [`${type}/${id}`, ...(conditional === undefined ? [] : [`${type}?${conditional}`])]) {
      if (seen.has(key)) throw invalid('Two entries stand for the same resource');
      seen.add(key);
    }
  }
}

function perform(target: Target, references: ReadonlyMap<string, string>, store: TransactionStore): Entry {
  const { entry, type, id, action } = target;
  const before = store.read(type, id);
  if (action === 'keep') return answer('200 OK', before);
  if (action === 'delete') {
    if (before?.resource !== undefined) store.put(type, id, undefined);
    return { response: { status: '204 No Content' } };
  }
  const written = store.put(type, id, resolved(entry.resource!, references));
  return answer(before === undefined ? '201 Created' : '200 OK', written);
}

function answer(status: string, version: StoredVersion | undefined): Entry {
  if (version === undefined) throw new WetreadError('internal', 'A resource vanished inside a transaction');
  const { type, id, versionId, lastUpdated } = version;
  const location = `${type}/${id}/_history/${versionId}`;
  return { response: { status, location, etag: `W/"${versionId}"`, lastModified: lastUpdated } };
}

function resolved(resource: FhirResource, references: ReadonlyMap<string, string>): FhirResource {
  return JSON.parse(JSON.stringify(resource), (key, value: unknown) => {
    if (key !== 'reference' || typeof value !== 'string' || !value.startsWith('urn:uuid:')) return value;
    const reference = references.get(value);
    if (reference === undefined) throw invalid('A reference names an entry that the bundle does not have');
    return reference;
  }) as FhirResource;
}

function invalid(message: string): WetreadError {
  return new WetreadError('request-invalid', message);
}
