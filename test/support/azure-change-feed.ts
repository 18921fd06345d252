/**
 * The change feed of an Azure DICOM service, version 2, as its documentation describes it: entries in the order of their
 * time, a window of time whose end is not part of it, `offset` and `limit` (1 to 200) within the window.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AzureChangeFeedPeer extends AsyncDisposable {
  /** Root with the version; the feed is `/changefeed` below it. */
  readonly url: string;
  /** Queries that were answered, oldest first. */
  readonly asked: readonly URLSearchParams[];
  /** Adds an entry. @param at ISO 8601; default now */
  add(studyInstanceUid: string, action?: 'create' | 'update' | 'delete', at?: string): void;
  /** It no longer answers, and keeps its entries. */
  close(): Promise<void>;
  /** It answers again at the same address. */
  reopen(): Promise<void>;
}

interface Entry {
  readonly sequence: number;
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
  readonly action: string;
  readonly timestamp: string;
  readonly state: string;
}

export async function azureChangeFeedPeer(port = 0): Promise<AzureChangeFeedPeer> {
  const entries: Entry[] = [];
  const asked: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://azure');
    asked.push(searchParams);
    if (pathname === '/v2/changefeed/latest') answer(response, entries.toSorted(byTime).at(-1));
    else if (pathname === '/v2/changefeed') answerWindow(response, entries, searchParams);
    else response.writeHead(404).end();
  });
  const listen = async (on: number): Promise<void> =>
    new Promise((resolve) => {
      server.listen(on, '127.0.0.1', resolve);
    });
  await listen(port);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    url,
    asked,
    close,
    reopen: () => listen(Number(new URL(url).port)),
    add: (studyInstanceUid, action = 'create', at = new Date().toISOString()) => {
      const sequence = entries.length + 1;
      const state = action === 'delete' ? 'deleted' : 'current';
      const instance = {
        seriesInstanceUid: `${studyInstanceUid}.1`,
        sopInstanceUid: `${studyInstanceUid}.1.${sequence}`,
      };
      entries.push({ sequence, studyInstanceUid, ...instance, action, timestamp: at, state });
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await close();
    },
  };
}

function byTime(one: Entry, other: Entry): number {
  return Date.parse(one.timestamp) - Date.parse(other.timestamp) || one.sequence - other.sequence;
}

function answerWindow(response: ServerResponse, entries: readonly Entry[], asked: URLSearchParams): void {
  const [limit, offset] = [Number(asked.get('limit') ?? 100), Number(asked.get('offset') ?? 0)];
  if (!(limit >= 1 && limit <= 200) || !(offset >= 0)) return void response.writeHead(400).end();
  const from = Date.parse(asked.get('startTime') ?? '1970-01-01T00:00:00Z');
  const to = Date.parse(asked.get('endTime') ?? '9999-12-31T00:00:00Z');
  const inWindow = entries.toSorted(byTime).filter(({ timestamp }) => {
    const at = Date.parse(timestamp);
    return at >= from && at < to;
  });
  answer(response, inWindow.slice(offset, offset + limit));
}

function answer(response: ServerResponse, value: unknown): void {
  if (value === undefined) response.writeHead(204).end();
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
