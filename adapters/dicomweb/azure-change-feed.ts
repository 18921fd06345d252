/**
 * The change feed of the Azure DICOM service, version 2: `GET /changefeed?startTime=&offset=&limit=` gives one entry per
 * instance, ordered by time. An entry may become visible after a later one, so that the last minute is read again and
 * entries are told apart by their sequence number.
 */
import { isUid, type StudyInstanceUid } from '../../src/uid.ts';
import type { ChangeFeed, FedChanges } from './change-feed.ts';
import { type HttpAccess, type HttpOptions, httpOptions } from './http.ts';
import { fieldsOf, getJson, listOf } from './json-request.ts';

const LIMIT = 200;
const OVERLAP_MS = 60_000;

/** @param access the DICOMweb root with its version, such as `https://…dicom.azurehealthcareapis.com/v2` */
export function azureChangeFeed(access: HttpAccess): ChangeFeed {
  return new AzureChangeFeed(httpOptions(access));
}

interface Cursor {
  /** ISO 8601; entries from here on are read. */
  readonly since: string;
  /** Sequence numbers that were read already. */
  readonly read: readonly number[];
  /** How many entries from `since` on are to be passed over, in the middle of a reading. */
  readonly offset: number;
}

interface Entry {
  readonly sequence: number;
  readonly at: string;
  readonly study: StudyInstanceUid | undefined;
}

class AzureChangeFeed implements ChangeFeed {
  readonly name = 'azure-change-feed';
  readonly #http: HttpOptions;

  constructor(http: HttpOptions) {
    this.#http = http;
  }

  async read(text: string | undefined, signal: AbortSignal): Promise<FedChanges> {
    if (text === undefined) return { studies: new Set(), cursor: await this.#latest(signal), isEnd: true };
    const cursor = JSON.parse(text) as Cursor;
    const { since, offset } = cursor;
    const query = `startTime=${encodeURIComponent(since)}&offset=${offset}&limit=${LIMIT}&includeMetadata=false`;
    const answer = await getJson(this.#http, `/changefeed?${query}`, false, signal);
    const listed = listOf(answer ?? []);
    const entries = listed.flatMap(entryOf);
    const known = new Set(cursor.read);
    const studies = entries.filter(({ sequence }) => !known.has(sequence)).map(({ study }) => study);
    const isEnd = listed.length < LIMIT;
    const next = isEnd
      ? restarted(cursor, entries)
      : { since, offset: offset + LIMIT, read: together(cursor, entries) };
    return { studies: new Set(studies.filter((study) => study !== undefined)), cursor: JSON.stringify(next), isEnd };
  }

  async #latest(signal: AbortSignal): Promise<string> {
    const [entry] = entryOf(await getJson(this.#http, '/changefeed/latest', true, signal));
    const since = new Date(entry === undefined ? 0 : Date.parse(entry.at)).toISOString();
    return JSON.stringify({ since, offset: 0, read: entry === undefined ? [] : [entry.sequence] } satisfies Cursor);
  }
}

/** The next reading begins a minute before the newest entry, or at it once that lies long enough in the past. */
function restarted(cursor: Cursor, entries: readonly Entry[]): Cursor {
  const newest = entries.at(-1);
  if (newest === undefined) return { ...cursor, offset: 0 };
  const newestMs = Date.parse(newest.at);
  const overlap = Date.now() - newestMs > 2 * OVERLAP_MS ? 0 : OVERLAP_MS;
  const since = new Date(Math.max(Date.parse(cursor.since), newestMs - overlap)).toISOString();
  return { since, offset: 0, read: together(cursor, entries) };
}

/** Enough to tell a minute's entries apart; a study whose entry is read twice is looked at once more. */
const MOST_READ = 5000;

function together(cursor: Cursor, entries: readonly Entry[]): readonly number[] {
  return [...new Set([...cursor.read, ...entries.map(({ sequence }) => sequence)])].slice(-MOST_READ);
}

/** Field names come in the case of the service's version. What was deleted is nothing to look at. */
function entryOf(value: unknown): readonly Entry[] {
  const fields = new Map(Object.entries(fieldsOf(value)).map(([name, field]) => [name.toLowerCase(), field]));
  const [sequence, at, uid] = [fields.get('sequence'), fields.get('timestamp'), fields.get('studyinstanceuid')];
  if (typeof sequence !== 'number' || typeof at !== 'string') return [];
  const names = typeof uid === 'string' && isUid(uid) && fields.get('action') !== 'delete';
  return [{ sequence, at, study: names ? (uid as StudyInstanceUid) : undefined }];
}
