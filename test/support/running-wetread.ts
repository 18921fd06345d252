/** A Wetread in this process, on a free port and a temporary data directory, that tells what it logs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Sent, sendByStow } from '../../services/wetread/cli/send.ts';
import { parseConfig } from '../../services/wetread/config.ts';
import { startWetread, type Wetread } from '../../services/wetread/server.ts';
import { isFinal, type StudyState } from '../../src/arrival/lifecycle.ts';
import type { LogEvent, SafeAttributes } from '../../src/log-events.ts';
import type { StudyRecord } from '../../src/ports.ts';
import { TemporaryFolder } from './phantom-studies.ts';

export interface RunningWetread extends AsyncDisposable {
  readonly wetread: Wetread;
  readonly dataDirectory: string;
  /** Called for every log event. */
  onLog: (event: LogEvent, attributes: SafeAttributes) => void;
  send(instances: Iterable<Uint8Array>): Promise<Sent>;
  /** Resolves when some study is in one of the states. */
  reached(...states: StudyState[]): Promise<StudyRecord>;
}

export async function runWetread(config: object = {}): Promise<RunningWetread> {
  const folder = new TemporaryFolder();
  const listeners = { onLog: (_event: LogEvent, _attributes: SafeAttributes): void => {} };
  const parsed = parseConfig({
    dataDirectory: folder.path,
    completeness: { quietSeconds: 0.3 },
    telemetry: { logLevel: 'silent' },
    shutdownSeconds: 0,
    ...config,
    http: { port: 0 },
  });
  const wetread = await startWetread(parsed, { listen: true, onLog: (event, about) => listeners.onLog(event, about) });
  return Object.assign(listeners, {
    wetread,
    dataDirectory: parsed.dataDirectory,
    send: (instances: Iterable<Uint8Array>) => sendByStow(`${wetread.url}/dicom-web/studies`, instances, () => {}),
    reached: (...states: StudyState[]) => reached(wetread, states),
    async [Symbol.asyncDispose]() {
      await wetread[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  });
}

async function reached(wetread: Wetread, states: readonly StudyState[]): Promise<StudyRecord> {
  for (;;) {
    const records = await wetread.ports.ledger.list();
    const found = records.find((record) => states.includes(record.state));
    if (found !== undefined) return found;
    const stuck = records.find((record) => isFinal(record.state));
    if (stuck !== undefined) throw new Error(`ended ${stuck.state}: ${JSON.stringify(stuck.reason)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Processes of the inference service that this process started (Linux: /proc). */
export function inferencePids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => isInferenceChild(pid))
    .map(Number);
}

function isInferenceChild(pid: string): boolean {
  try {
    const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(join('/proc', pid, 'status'), 'utf8'))?.[1];
    return parent === String(process.pid) && readFileSync(join('/proc', pid, 'cmdline'), 'utf8').includes('inference');
  } catch {
    return false;
  }
}
