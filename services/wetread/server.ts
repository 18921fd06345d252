/**
 * One Wetread: wiring, the worker, and the HTTP face. Starting and stopping are two lists; what is started last is
 * stopped first: intake closes, running work is handed back, then adapters flush.
 */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isFinal } from '../../src/arrival/lifecycle.ts';
import { WetreadError } from '../../src/errors.ts';
import type { LogEvent, SafeAttributes } from '../../src/log-events.ts';
import type { Ports } from '../../src/ports.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';
import { catchUp } from './catch-up.ts';
import type { Config } from './config.ts';
import { createApp } from './http/app.ts';
import { type Imported, importFolder } from './import-folder.ts';
import { Intake } from './intake.ts';
import { Reader } from './reader.ts';
import { Relay } from './relay.ts';
import { runRetention } from './retention.ts';
import { runSources } from './sources.ts';
import { type Wired, wire } from './wiring/wiring.ts';

export interface StartOptions {
  /** Serve HTTP and ask the sources for studies; without it only what is named is read. */
  readonly listen: boolean;
  readonly onLog?: (event: LogEvent, attributes: SafeAttributes) => void;
}

export interface Wetread extends AsyncDisposable {
  readonly ports: Ports;
  /** `http://127.0.0.1:8042`, without a slash; empty where it does not listen. */
  readonly url: string;
  /** Stores a folder in the embedded archive and has its studies read. */
  importFolder(folder: string, onProgress?: (seen: number) => void, signal?: AbortSignal): Promise<Imported>;
  /** Has a study read that the archive holds already. */
  noticeStudy(studyInstanceUid: StudyInstanceUid): Promise<void>;
  /** Resolves when every study in the ledger is in a final state. */
  whenFinal(): Promise<void>;
}

export async function startWetread(config: Config, options: StartOptions): Promise<Wetread> {
  const stack = new AsyncDisposableStack();
  try {
    const wired = stack.use(await wire(config, options.onLog));
    const { ports } = wired;
    const changed = new Set<() => void>();
    const reader = new Reader({
      ports,
      archives: wired.archives,
      site: wired.site,
      concurrency: config.reading.concurrency,
      maximumRetries: config.retries.maximum,
      maximumRetriesUnreachable: config.retries.maximumUnreachable,
      leaseMs: config.ledger.leaseSeconds * 1000,
      onChange: () => {
        for (const listener of changed) listener();
      },
    });
    const { publisher } = wired;
    if (options.listen && publisher !== undefined) {
      const relay = stack.use(new Relay({ ports, publisher }));
      changed.add(() => relay.wake());
    }
    // A command ends when it is told to; a server lets what it began come to its end.
    const graceMs = options.listen ? config.shutdownSeconds * 1000 : 0;
    const intake = new Intake({
      ports,
      quietMs: config.completeness.quietSeconds * 1000,
      onNoticed: () => reader.wake(),
    });
    const server = options.listen ? await listen(createServer(createApp(wired, intake)), config) : undefined;
    stack.defer(async () => {
      await Promise.all([reader.stop(graceMs), server && close(server, graceMs)]);
    });
    const { archive } = wired.embedded;
    if (archive !== undefined && options.listen) stack.use(await catchUp(archive, intake, ports.log));
    else if (archive !== undefined) await intake.reconcile(archive);
    reader.start();
    if (options.listen) {
      stack.use(runRetention(config.retention, ports));
      stack.use(runSources(wired.sources, intake, ports.log));
    }
    const owned = stack.move();
    return {
      ports,
      url: server === undefined ? '' : urlOf(server),
      importFolder: (...from) => importAndNotice(wired, intake, ...from),
      noticeStudy: (studyInstanceUid) => intake.notice(studyInstanceUid, 'cli', 0),
      whenFinal: () => whenFinal(ports, changed),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** A folder that was read to its end is complete: its studies are noticed after the last file, without a quiet period. */
async function importAndNotice(
  wired: Wired,
  intake: Intake,
  ...[folder, onProgress, signal]: Parameters<Wetread['importFolder']>
): Promise<Imported> {
  const { archive } = wired.embedded;
  if (archive === undefined) {
    throw new WetreadError(
      'config-invalid',
      'archive.kind: a folder is read into the embedded archive only; name a study',
    );
  }
  const imported = await importFolder(folder, (bytes) => archive.storeInstance(bytes), onProgress, signal);
  try {
    await intake.received(archive, [...imported.studies], 'folder', 0);
  } catch (error) {
    const { code } = WetreadError.from(error);
    imported.files.notRead.push({ file: '.', reason: { code, detail: 'stored, and read after the next start' } });
  }
  return imported;
}

function whenFinal(ports: Ports, changed: Set<() => void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      ports.ledger.countByState().then((counts) => {
        if (![...counts.keys()].every(isFinal)) return;
        changed.delete(look);
        resolve();
      }, reject);
    };
    changed.add(look);
    look();
  });
}

async function listen(server: Server, config: Config): Promise<Server> {
  const { host, port } = config.http;
  // An upload lasts as long as its sender needs; only the head of a request has a time limit.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new WetreadError('config-invalid', `http.port: cannot listen on ${host}:${port}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  return server;
}

/** Takes no new request; those in progress may end within the grace time. */
async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(cut);
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
