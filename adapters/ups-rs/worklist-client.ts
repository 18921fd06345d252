/**
 * The transactions of the worklist service (PS3.18 section 11) that a performer of work items needs, in the standard's
 * form and in dcm4chee's, which wants the AE title of who asks and names the lock in a query parameter of its own.
 */
import { type DicomDataSet, stringOf } from '../../src/dicom-json.ts';
import { exchange, type HttpAnswer, type HttpOptions, type HttpRequest, requireStatus } from './http.ts';
import type { WorkitemState } from './workitem.ts';

export type Dialect = 'standard' | 'dcm4chee';

export interface WorklistOptions extends HttpOptions {
  /** Root of the worklist service, such as `http://127.0.0.1:8080/dcm4chee-arc/aets/WORKLIST/rs`. */
  readonly url: string;
  readonly dialect: Dialect;
  /** As whom Wetread subscribes and claims. */
  readonly aeTitle: string;
}

/** Attribute paths such as `00404018.00080100`, each with the value that it has to have. */
export type Keys = Readonly<Record<string, string>>;

/** Well-known UIDs of the worklist subscriptions (PS3.4 CC.2.3.1). */
const GLOBAL_SUBSCRIPTION = '1.2.840.10008.5.1.4.34.5';
const FILTERED_SUBSCRIPTION = '1.2.840.10008.5.1.4.34.5.1';

const PAGE = 200;
/** A worklist that is longer is claimed from in parts. */
const MOST_FOUND = 10_000;
/** The item is gone, or its state or its lock forbid what was asked; which of these, the item itself tells. */
const REFUSALS: readonly number[] = [400, 404, 409, 410];

export class WorklistClient {
  readonly #options: WorklistOptions;
  readonly #root: string;

  constructor(options: WorklistOptions) {
    this.#options = options;
    this.#root = options.url.replace(/\/+$/, '');
  }

  /** Search Transaction (11.9), page by page. */
  async search(keys: Keys, signal: AbortSignal): Promise<readonly DicomDataSet[]> {
    const found = new Map<string, DicomDataSet>();
    for (;;) {
      const url = this.#url('');
      for (const [path, value] of Object.entries(keys)) url.searchParams.set(path, value);
      url.searchParams.set('limit', String(PAGE));
      url.searchParams.set('offset', String(found.size));
      const { status, dataSets } = await this.#ask('GET', url, undefined, signal);
      requireStatus(status, [200, 204, 206]);
      const before = found.size;
      for (const dataSet of dataSets) found.set(stringOf(dataSet, '00080018') ?? '', dataSet);
      // A server that knows no offset gives the same page again.
      if (dataSets.length < PAGE || found.size === before || found.size >= MOST_FOUND) return [...found.values()];
    }
  }

  /** Retrieve Transaction (11.5). @returns undefined where the server has no such item */
  async retrieve(workitemUid: string, signal: AbortSignal): Promise<DicomDataSet | undefined> {
    const { status, dataSets } = await this.#ask('GET', this.#url(`/${workitemUid}`), undefined, signal);
    requireStatus(status, [200, 404, 409, 410]);
    return status === 200 ? dataSets[0] : undefined;
  }

  /** Change State Transaction (11.7). @returns whether the item is in that state now */
  async changeState(
    workitemUid: string,
    state: WorkitemState,
    transactionUid: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { dialect, aeTitle } = this.#options;
    const requester = dialect === 'dcm4chee' ? `/${encodeURIComponent(aeTitle)}` : '';
    const url = this.#url(`/${workitemUid}/state${requester}`);
    const body: DicomDataSet = {
      '00081195': { vr: 'UI', Value: [transactionUid] },
      '00741000': { vr: 'CS', Value: [state] },
    };
    return isDone(await this.#ask('PUT', url, body, signal));
  }

  /** Update Transaction (11.6). @returns whether it was made: not with another lock, and not in a final state */
  async update(
    workitemUid: string,
    transactionUid: string,
    changes: DicomDataSet,
    signal: AbortSignal,
  ): Promise<boolean> {
    const url = this.#url(`/${workitemUid}`);
    url.search = this.#options.dialect === 'dcm4chee' ? `Transaction-uid=${transactionUid}` : transactionUid;
    return isDone(await this.#ask('POST', url, changes, signal));
  }

  /**
   * Subscribe Transaction (11.10) to every item, or to those that match. No deletion lock: nobody would ever release it.
   * @returns where events are sent, if the server says so
   */
  async subscribe(filter: Keys | undefined, signal: AbortSignal): Promise<string | undefined> {
    const { dialect, aeTitle } = this.#options;
    const workitem = filter === undefined ? GLOBAL_SUBSCRIPTION : FILTERED_SUBSCRIPTION;
    const url = this.#url(`/${workitem}/subscribers/${encodeURIComponent(aeTitle)}`);
    url.searchParams.set('deletionlock', 'false');
    const pairs = Object.entries(filter ?? {});
    if (dialect === 'dcm4chee') for (const [path, value] of pairs) url.searchParams.set(path, value);
    else if (pairs.length > 0) url.searchParams.set('filter', pairs.map((pair) => pair.join('=')).join(','));
    const { status, headers } = await this.#ask('POST', url, undefined, signal);
    requireStatus(status, [200, 201]);
    return headers['content-location'] ?? headers.location;
  }

  #ask(
    method: HttpRequest['method'],
    url: URL,
    body: DicomDataSet | undefined,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    return exchange(this.#options, { method, url: url.href, ...(body && { body }) }, signal);
  }

  #url(path: string): URL {
    return new URL(`${this.#root}/workitems${path}`);
  }
}

function isDone({ status }: HttpAnswer): boolean {
  if (REFUSALS.includes(status)) return false;
  requireStatus(status, [200, 201, 202, 204]);
  return true;
}
