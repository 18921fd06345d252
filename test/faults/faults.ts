/** The faults themselves, for any site that has what they need. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProxyMode, Watch } from '../support/faulty-proxy.ts';
import type { Scene } from './row.ts';
import type { FaultyServer, ServerName, Site } from './site.ts';
import type { LogLine } from './wetread-process.ts';

type Fault<S extends Site = Site> = (scene: Scene<S>) => Promise<void>;

/** Long enough that calls fail, short enough that the first retry finds all well. */
const OUTAGE_MS = 2500;
/** Studies that are filed when the fault comes; for a broker, whose work is done by then, those that are known. */
const BEFORE = 2;

/** Wetread dies in the moment in which it writes such a log line for the third time. */
export function killedAt(line: LogLine): Fault {
  return async ({ site, send, healed }) => {
    await site.wetread.kill();
    await site.wetread.start({ killAt: { line, after: BEFORE } });
    const sent = send();
    await site.wetread.ended();
    await site.wetread.start();
    healed();
    await sent;
  };
}

/** Wetread dies when a server has been asked for something, or has done it and nobody has heard. */
export function killedWhen(server: ServerName, request: RegExp, when: Watch['when']): Fault {
  return async ({ site, send, ended, healed }) => {
    const sent = send();
    await ended(BEFORE);
    serverOf(site.servers, server).proxy.watch({ request, when, act: () => site.wetread.signal('SIGKILL') });
    await site.wetread.ended();
    await site.wetread.start();
    healed();
    await sent;
  };
}

/** A server dies in the middle of the work and comes back. */
export function serverKilled(name: ServerName): Fault {
  return midway(name, async ({ site }) => {
    const server = serverOf(site.servers, name);
    await server.kill();
    await sleep(OUTAGE_MS);
    await server.start();
  });
}

/** A server fails for a while, as its proxy makes it. */
export function serverFails(name: ServerName, mode: ProxyMode): Fault {
  return midway(name, async ({ site }) => {
    const { proxy } = serverOf(site.servers, name);
    proxy.set(mode);
    await sleep(OUTAGE_MS);
    proxy.set('pass');
  });
}

/** A server refuses every request for a while, in its own words. */
export function serverRefuses(name: ServerName): Fault {
  return midway(name, async ({ site }) => {
    const server = serverOf(site.servers, name);
    await server.refuse!(true);
    await sleep(OUTAGE_MS);
    await server.refuse!(false);
  });
}

/** Answers of a server are cut off in their middle, a few times over. */
export function answersCut(name: ServerName, request: RegExp, cutAfterBytes: number, times: number): Fault {
  return async ({ site, send, ended, studies, healed }) => {
    const { proxy } = serverOf(site.servers, name);
    proxy.set({ request, cutAfterBytes, times });
    healed();
    await send();
    await ended(studies.length);
    proxy.set('pass');
  };
}

/** Wetread starts while a server is down. */
export function downAtStart(name: ServerName): Fault {
  return async ({ site, send, healed }) => {
    const server = serverOf(site.servers, name);
    await site.wetread.kill();
    await server.kill();
    const sent = send();
    await site.wetread.start();
    assert.ok(site.wetread.isRunning, 'it starts without the server');
    await sleep(OUTAGE_MS);
    await server.start();
    healed();
    await sent;
  };
}

/** Every study comes while Wetread is down. */
export function arrivedWhileDown(): Fault {
  return async ({ site, send, healed }) => {
    await site.wetread.kill();
    await send();
    await site.wetread.start();
    healed();
  };
}

/** Images come one by one, in reverse, of all studies at once. @param between what happens after each but the last */
export function inPieces<S extends Site>(between: (site: S) => Promise<void> = async () => {}): Fault<S> {
  return async ({ site, studies, healed }) => {
    const slices = studies[0]!.files.map((_, index) => index).reverse();
    for (const index of slices) {
      for (const study of studies) await site.deliver({ ...study, files: [study.files[index]!] });
      if (index > 0) await between(site);
    }
    healed();
  };
}

function midway(server: ServerName, fault: Fault): Fault {
  return async (scene) => {
    const sent = scene.send();
    await (server === 'broker' ? scene.known(BEFORE) : scene.ended(BEFORE));
    await fault(scene);
    scene.healed();
    await sent;
  };
}

export function serverOf(servers: Scene['site']['servers'], name: ServerName): FaultyServer {
  const server = servers[name];
  assert.ok(server !== undefined, `the site has no ${name}`);
  return server;
}
