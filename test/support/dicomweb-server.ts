/** The DICOMweb server of the embedded archive on a loopback port, with the real reader and decoder. */
import { createServer, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import express, { type Express } from 'express';
import { ThreadedFrameDecoder } from '../../adapters/codecs/frame-decoder.ts';
import { part10Reader } from '../../adapters/part10/reader.ts';
import type { DicomwebOptions, StoredEvent } from '../../services/wetread/http/dicomweb/options.ts';
import { dicomwebRouter } from '../../services/wetread/http/dicomweb/router.ts';
import type { LogEvent, SafeAttributes } from '../../src/log-events.ts';
import { type TestArchive, testArchive } from './directory-archive.ts';

export interface DicomwebServer extends AsyncDisposable {
  readonly app: Express;
  /** `http://127.0.0.1:24100/dicom-web` */
  readonly url: string;
  readonly use: TestArchive;
  readonly stored: readonly StoredEvent[];
  readonly logged: readonly (readonly [LogEvent, SafeAttributes])[];
}

export interface DicomwebServerOptions extends Partial<Pick<DicomwebOptions, 'onStored'>> {
  readonly limits?: Partial<DicomwebOptions['limits']>;
  readonly folder?: string;
  readonly port?: number;
  /** Told of every request, by its path and query. */
  readonly onRequest?: (path: string) => void;
}

export async function dicomwebServer(options: DicomwebServerOptions = {}): Promise<DicomwebServer> {
  const use = await testArchive(options.folder);
  const decoder = new ThreadedFrameDecoder({ workers: 1 });
  const stored: StoredEvent[] = [];
  const logged: [LogEvent, SafeAttributes][] = [];
  const app = express().use(
    '/dicom-web',
    dicomwebRouter({
      archive: use.archive,
      reader: part10Reader,
      decoder,
      limits: { maxPartBytes: 2 ** 28, maxParts: 5_000, ...options.limits },
      onStored: async (event) => {
        stored.push(event);
        await options.onStored?.(event);
      },
      log: { write: (event, attributes) => logged.push([event, attributes]) },
    }),
  );
  const server = createServer(app);
  server.on('request', ({ url = '' }) => options.onRequest?.(url));
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  return {
    app,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/dicom-web`,
    use,
    stored,
    logged,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await decoder.close();
      await use[Symbol.asyncDispose]();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** One request by hand: every byte and every chunk edge is the test's own. */
export async function send(
  url: string,
  options: RequestOptions = {},
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array> = [],
): Promise<Answer> {
  const outgoing = httpRequest(url, options);
  const answer = new Promise<Answer>((resolve, reject) => {
    outgoing.once('error', reject);
    outgoing.once('response', (response: IncomingMessage) => {
      const body: Buffer[] = [];
      response.on('data', (chunk: Buffer) => body.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(body) }),
      );
    });
  });
  // Every chunk becomes one of the transfer coding, and comes out of the server's parser as it went in.
  Readable.from(chunks).pipe(outgoing);
  return answer;
}

export const STOW_TYPE = 'multipart/related; type="application/dicom"; boundary=b';

/** Files as one STOW-RS body with the boundary `b`. */
export function stowBody(...files: readonly Uint8Array[]): Buffer {
  const parts = files.flatMap((file) => [
    Buffer.from(`--b\r\nContent-Type: application/dicom\r\n\r\n`),
    file,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...parts, Buffer.from('--b--\r\n')]);
}

export function stow(
  url: string,
  body: Uint8Array,
  path = '/studies',
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return send(
    `${url}${path}`,
    { method: 'POST', headers: { 'Content-Type': STOW_TYPE, Accept: 'application/dicom+json', ...headers } },
    [body],
  );
}
