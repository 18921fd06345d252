/** A TCP proxy before a real server: it knows what was asked, counts what was answered, and breaks answers off. */
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface ProxiedRequest {
  /** Such as `GET /dicom-web/studies/1.2/series/1.3`. */
  readonly line: string;
  /** Bytes of the answer that were passed on, its head included. */
  answered: number;
}

/** What becomes of an answer: bytes after which the connection is cut, or falls silent; undefined passes it on. */
export type Cut = { readonly after: number; readonly how: 'cut' | 'hang' } | undefined;

export interface CuttingProxy {
  readonly requests: ProxiedRequest[];
  /** Asked at the first bytes of every connection. */
  rule: (line: string) => Cut;
}

/** One request per connection, as Wetread makes them. */
export async function cuttingProxy(t: TestContext, port: number, target: number): Promise<CuttingProxy> {
  const state: CuttingProxy = { requests: [], rule: () => undefined };
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => open.delete(socket));
    }
    client.on('close', () => upstream.destroy());
    let request: ProxiedRequest | undefined;
    let cut: Cut;
    client.on('data', (bytes) => {
      if (request === undefined) {
        request = { line: bytes.toString('latin1').split(' HTTP/')[0] ?? '', answered: 0 };
        state.requests.push(request);
        cut = state.rule(request.line);
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      const left = (cut?.after ?? Number.POSITIVE_INFINITY) - request!.answered;
      const passed = bytes.subarray(0, left);
      request!.answered += passed.length;
      if (passed.length < bytes.length) upstream.destroy();
      if (passed.length === bytes.length) {
        if (!client.write(passed)) upstream.pause();
      } else if (cut?.how === 'cut') client.end(passed);
      else client.write(passed);
    });
    client.on('drain', () => upstream.resume());
    upstream.on('end', () => client.end());
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return state;
}
