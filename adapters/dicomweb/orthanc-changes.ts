/**
 * The changes of an Orthanc: `GET /changes?since=&limit=` gives `{ Changes, Last, Done }`, in the order in which they
 * happened. NewInstance says at once that a study grows; StableStudy says that nothing came for a while (`StableAge`),
 * which makes one more look worth it and proves nothing.
 */
import { isUid, type StudyInstanceUid } from '../../src/uid.ts';
import type { ChangeFeed, FedChanges } from './change-feed.ts';
import { type HttpAccess, type HttpOptions, httpOptions } from './http.ts';
import { fieldsOf, getJson, listOf } from './json-request.ts';

const LIMIT = 1000;

/** @param access root of Orthanc's own interface, such as `http://127.0.0.1:8042` */
export function orthancChanges(access: HttpAccess): ChangeFeed {
  return new OrthancChanges(httpOptions(access));
}

class OrthancChanges implements ChangeFeed {
  readonly name = 'orthanc-changes';
  readonly #http: HttpOptions;

  constructor(http: HttpOptions) {
    this.#http = http;
  }

  async read(cursor: string | undefined, signal: AbortSignal): Promise<FedChanges> {
    if (cursor === undefined) return { studies: new Set(), cursor: await this.#last(signal), isEnd: true };
    const answer = fieldsOf(await getJson(this.#http, `/changes?since=${cursor}&limit=${LIMIT}`, false, signal));
    const changes = listOf(answer['Changes']).map(fieldsOf);
    if (changes.length === 0) return this.#atEnd(cursor, signal);
    const studies = await this.#studiesOf(changes, signal);
    return { studies, cursor: String(answer['Last']), isEnd: answer['Done'] === true };
  }

  /** An Orthanc whose index was made anew counts from the beginning again. */
  async #atEnd(cursor: string, signal: AbortSignal): Promise<FedChanges> {
    const isAnew = Number(await this.#last(signal)) < Number(cursor);
    return { studies: new Set(), cursor: isAnew ? '0' : cursor, isEnd: !isAnew };
  }

  async #last(signal: AbortSignal): Promise<string> {
    const { Last: last } = fieldsOf(await getJson(this.#http, '/changes?last', false, signal));
    return String(Number(last));
  }

  async #studiesOf(
    changes: readonly Readonly<Record<string, unknown>>[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<StudyInstanceUid>> {
    const named = (type: string): Set<string> =>
      new Set(changes.filter(({ ChangeType }) => ChangeType === type).map(({ ID }) => String(ID)));
    const found = new Map<string, StudyInstanceUid | undefined>();
    const instances = named('NewInstance');
    for (const instance of instances) {
      const study = fieldsOf(await getJson(this.#http, `/instances/${instance}/study`, true, signal));
      if (typeof study['ID'] !== 'string') continue;
      found.set(study['ID'], uidOf(study));
      for (const other of await this.#instancesOf(study['ID'], signal)) instances.delete(other);
    }
    for (const study of named('StableStudy')) {
      if (!found.has(study)) found.set(study, uidOf(await getJson(this.#http, `/studies/${study}`, true, signal)));
    }
    return new Set([...found.values()].filter((uid) => uid !== undefined));
  }

  /** The other instances of a study need not be asked for their study one by one. */
  async #instancesOf(study: string, signal: AbortSignal): Promise<readonly string[]> {
    const series = listOf((await getJson(this.#http, `/studies/${study}/series`, true, signal)) ?? []);
    return series.flatMap((one) => listOf(fieldsOf(one)['Instances']).map(String));
  }
}

function uidOf(study: unknown): StudyInstanceUid | undefined {
  const { StudyInstanceUID: uid } = fieldsOf(fieldsOf(study)['MainDicomTags']);
  return typeof uid === 'string' && isUid(uid) ? (uid as StudyInstanceUid) : undefined;
}
