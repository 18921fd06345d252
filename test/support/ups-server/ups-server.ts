/**
 * The smallest origin server of UPS-RS (PS3.18 section 11) that keeps to the standard's text, and, as a second dialect,
 * to what dcm4chee makes of it: states, locks, subscriptions, events on a WebSocket, status codes and warnings. It keeps
 * its worklist in memory, which outlives a stop, so that it can go down and come back.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { WebSocketServer } from 'ws';
import { type DicomDataSet, stringOf } from '../../../src/dicom-json.ts';
import { filterKeysOf, isMatch, keysOf } from './matching.ts';
import { FILTERED, GLOBAL, Subscribers } from './subscribers.ts';
import { STATUS, type Status, Worklist } from './worklist.ts';

export type Dialect = 'standard' | 'dcm4chee';

export interface UpsServer extends AsyncDisposable {
  /** Root of the worklist service: `…/ups-rs`, or `…/aets/WORKLIST/rs`. */
  readonly url: string;
  readonly worklist: Worklist;
  readonly subscribers: Subscribers;
  /** Method and path of every request, in order. */
  readonly requests: readonly string[];
  /** What befalls the next requests: an answer with this status, none at all, or none after the work was done. */
  trouble: ((method: string, path: string) => number | 'hang' | 'lose the answer' | undefined) | undefined;
  /** Destroys every connection, sockets of events included; it goes on listening. */
  dropConnections(): void;
}

export interface UpsServerOptions {
  readonly port: number;
  readonly dialect?: Dialect;
  /** That of a server that was stopped. */
  readonly worklist?: Worklist;
}

const ROOTS: Readonly<Record<Dialect, string>> = { standard: '/ups-rs', dcm4chee: '/dcm4chee-arc/aets/WORKLIST/rs' };
const NOTIFICATIONS: Readonly<Record<Dialect, string>> = {
  standard: '/ups-rs/subscribers',
  dcm4chee: '/dcm4chee-arc/aets/WORKLIST/ws/subscribers',
};

export async function upsServer(options: UpsServerOptions): Promise<UpsServer> {
  const { port, dialect = 'standard', worklist = new Worklist() } = options;
  const subscribers = new Subscribers(worklist);
  const service = new Service(worklist, subscribers, dialect, port);
  worklist.canContact = (performer) =>
    performer === undefined ? subscribers.anyoneListens : subscribers.isListening(performer);
  const requests: string[] = [];
  const server = createServer((request, response) => void handle(request, response));
  const sockets = new WebSocketServer({ noServer: true });
  const connections = new Set<Socket>();
  const running: UpsServer = {
    url: `http://127.0.0.1:${port}${ROOTS[dialect]}`,
    worklist,
    subscribers,
    requests,
    trouble: undefined,
    dropConnections: () => {
      for (const connection of connections) connection.destroy();
    },
    async [Symbol.asyncDispose]() {
      running.dropConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    requests.push(`${method} ${url}`);
    const trouble = running.trouble?.(method, url);
    if (trouble === 'hang') return;
    if (typeof trouble === 'number') return void response.writeHead(trouble).end();
    const { status, headers = {}, dataSets } = service.answer(method, url, await text(request));
    if (trouble === 'lose the answer') return void request.socket.destroy();
    const type = dataSets === undefined ? {} : { 'content-type': 'application/dicom+json' };
    response.writeHead(status, { ...type, ...headers });
    response.end(dataSets === undefined ? undefined : JSON.stringify(dataSets));
  }

  server.on('connection', (connection: Socket) => {
    connections.add(connection.on('close', () => connections.delete(connection)));
  });
  server.on('upgrade', (request, connection, head) => {
    const { url = '' } = request;
    requests.push(`UPGRADE ${url}`);
    const trouble = running.trouble?.('UPGRADE', url);
    const subscriber = url.startsWith(`${NOTIFICATIONS[dialect]}/`) ? url.split('/').at(-1) : undefined;
    if (trouble === 'hang') return;
    if (trouble !== undefined || !subscriber) return void connection.end('HTTP/1.1 404 Not Found\r\n\r\n');
    sockets.handleUpgrade(request, connection, head, (socket) => subscribers.listen(subscriber, socket));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return running;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly dataSets?: readonly DicomDataSet[];
}

type Parts = readonly [workitem?: string, what?: string, who?: string, how?: string];

class Service {
  readonly #worklist: Worklist;
  readonly #subscribers: Subscribers;
  readonly #dialect: Dialect;
  readonly #port: number;

  constructor(worklist: Worklist, subscribers: Subscribers, dialect: Dialect, port: number) {
    this.#worklist = worklist;
    this.#subscribers = subscribers;
    this.#dialect = dialect;
    this.#port = port;
  }

  answer(method: string, path: string, body: string): Answer {
    const url = new URL(path, 'http://127.0.0.1');
    const root = `${ROOTS[this.#dialect]}/workitems`;
    if (url.pathname !== root && !url.pathname.startsWith(`${root}/`)) return { status: 404 };
    const parts = url.pathname.slice(root.length + 1).split('/') as unknown as Parts;
    const [workitem, what] = parts;
    const dataSet = body === '' ? {} : oneDataSet(body);
    if (dataSet === undefined) return this.#warn(400, 'The body is not one data set.');
    if (!workitem) return method === 'POST' ? this.#create(url, dataSet) : this.#search(url.searchParams);
    if (what === 'subscribers') return this.#subscription(method, parts, url.searchParams);
    if (method === 'GET') return this.#retrieve(workitem);
    if (method === 'PUT' && what === 'state') return this.#changeState(parts, url, dataSet);
    if (method === 'POST' && what === 'cancelrequest') return this.#requestCancel(parts, url, dataSet);
    if (method === 'POST' && what === undefined) return this.#update(workitem, url, dataSet);
    return { status: 405 };
  }

  #create(url: URL, dataSet: DicomDataSet): Answer {
    const named = url.search.slice(1).replace(/^workitem=/, '');
    const workitemUid = named === '' ? stringOf(dataSet, '00080018') : named;
    if (workitemUid === undefined) return this.#warn(400, 'The work item has no UID.');
    const status = this.#worklist.create(workitemUid, dataSet);
    if (status === STATUS.duplicateInstance) return this.#warn(409, 'The work item exists.');
    if (status !== STATUS.success) return this.#warn(400, 'The work item misses attributes.');
    return { status: 201, headers: { location: `${this.#root}/workitems/${workitemUid}` } };
  }

  #search(query: URLSearchParams): Answer {
    const found = this.#worklist.all().filter((dataSet) => isMatch(dataSet, keysOf(query)));
    const offset = Number(query.get('offset') ?? 0);
    const dataSets = found.slice(offset, offset + Number(query.get('limit') ?? 1000));
    return dataSets.length === 0 ? { status: 204 } : { status: 200, dataSets };
  }

  #retrieve(workitemUid: string): Answer {
    const dataSet = this.#worklist.get(workitemUid);
    return dataSet === undefined ? { status: 404 } : { status: 200, dataSets: [dataSet] };
  }

  #update(workitemUid: string, url: URL, dataSet: DicomDataSet): Answer {
    const named = this.#dialect === 'dcm4chee' ? url.searchParams.get('Transaction-uid') : url.search.slice(1);
    const transactionUid = named || undefined;
    return this.#outcome(this.#worklist.update(workitemUid, transactionUid, dataSet), transactionUid, 200);
  }

  #changeState([workitem = '', , who]: Parts, url: URL, dataSet: DicomDataSet): Answer {
    const requester = who ?? url.searchParams.get('requester') ?? undefined;
    if (this.#dialect === 'dcm4chee' && requester === undefined) {
      return this.#warn(400, 'Missing Requester AE Title');
    }
    const [to, transactionUid] = [stringOf(dataSet, '00741000'), stringOf(dataSet, '00081195')];
    const performer = this.#dialect === 'dcm4chee' ? requester : undefined;
    return this.#outcome(this.#worklist.changeState(workitem, to, transactionUid, performer), transactionUid, 200);
  }

  #requestCancel([workitem = '', , who]: Parts, url: URL, dataSet: DicomDataSet): Answer {
    const requester = who ?? url.searchParams.get('requester') ?? undefined;
    if (this.#dialect === 'dcm4chee' && requester === undefined) {
      return this.#warn(400, 'Missing Requester AE Title');
    }
    return this.#outcome(this.#worklist.requestCancel(workitem, requester ?? 'UNKNOWN', dataSet), undefined, 202);
  }

  #subscription(method: string, [workitem = '', , subscriber = '', how]: Parts, query: URLSearchParams): Answer {
    const isGlobal = workitem === GLOBAL || workitem === FILTERED;
    if (method === 'DELETE') this.#subscribers.unsubscribe(workitem, subscriber);
    if (method === 'DELETE') return { status: 200 };
    if (how === 'suspend') {
      if (!isGlobal) return this.#warn(400, 'Only a worklist subscription can be suspended.');
      this.#subscribers.suspend(subscriber);
      return { status: 200 };
    }
    const filter = this.#dialect === 'dcm4chee' ? keysOf(query) : filterKeysOf(query);
    const keys = workitem === FILTERED ? filter : [];
    const deletionLock = query.get('deletionlock') === 'true';
    if (!this.#subscribers.subscribe(workitem, subscriber, keys, deletionLock)) return { status: 404 };
    const location = `ws://127.0.0.1:${this.#port}${NOTIFICATIONS[this.#dialect]}/${subscriber}`;
    const name = this.#dialect === 'dcm4chee' ? 'location' : 'content-location';
    return { status: 201, headers: { [name]: location } };
  }

  /** PS3.18 11.6.3, 11.7.3 and 11.8.3; dcm4chee answers every refusal with 409. */
  #outcome(status: Status, transactionUid: string | undefined, success: 200 | 202): Answer {
    if (status === STATUS.success) return { status: success };
    if (status === STATUS.doesNotExist) return { status: 404 };
    const inconsistent = [409, 'The submitted request is inconsistent with the state of the UPS Instance.'] as const;
    const lock = transactionUid === undefined ? 'missing' : 'incorrect';
    const meanings: Readonly<Partial<Record<Status, readonly [number, string]>>> = {
      [STATUS.alreadyCanceled]: [success, 'The UPS is already in the requested state of CANCELED.'],
      [STATUS.alreadyCompleted]: [success, 'The UPS is already in the requested state of COMPLETED.'],
      [STATUS.cancelOfCompleted]: [409, 'The UPS is already COMPLETED.'],
      [STATUS.performerCannotBeContacted]: [409, 'The performer cannot be contacted.'],
      [STATUS.transactionUidNotCorrect]: [400, `The Transaction UID is ${lock}.`],
      [STATUS.mayNoLongerBeUpdated]: [400, inconsistent[1]],
    };
    const [code, warning] = meanings[status] ?? inconsistent;
    return this.#warn(this.#dialect === 'dcm4chee' && code === 400 ? 409 : code, warning);
  }

  #warn(status: number, warning: string): Answer {
    return { status, headers: { warning: `299 ${this.#root}/workitems: ${warning}` } };
  }

  get #root(): string {
    return `http://127.0.0.1:${this.#port}${ROOTS[this.#dialect]}`;
  }
}

/** A data set travels in an array of one (PS3.18 F.2). */
function oneDataSet(body: string): DicomDataSet | undefined {
  try {
    const parsed = JSON.parse(body) as unknown;
    return Array.isArray(parsed) && parsed.length === 1 ? (parsed[0] as DicomDataSet) : undefined;
  } catch {
    return undefined;
  }
}
