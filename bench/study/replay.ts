/** Starts the replay server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { type PhantomSeries, phantomSeries, type StudySize } from './phantom-series.ts';
import type { StoredForm } from './stored-form.ts';

export interface Replay extends AsyncDisposable {
  /** DICOMweb root. */
  readonly url: string;
  /** Of the whole series. */
  readonly seriesUrl: string;
  readonly phantom: PhantomSeries;
  readonly pid: number;
}

export async function startReplay(size: StudySize, form: StoredForm = 'uncompressed'): Promise<Replay> {
  const phantom = phantomSeries(size);
  const script = join(import.meta.dirname, 'replay-server.ts');
  const { slices, matrix, spacing = 1 } = size;
  const child = spawn(process.execPath, [script, String(slices), String(matrix), String(spacing), form], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const line = await nextLine(createInterface({ input: child.stdout }));
  const url = `http://127.0.0.1:${(JSON.parse(line) as { listening: number }).listening}`;
  return {
    url,
    seriesUrl: `${url}/studies/${phantom.studyInstanceUid}/series/${phantom.series.seriesInstanceUid}`,
    phantom,
    pid: child.pid!,
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit');
      child.stdin?.end();
      await exited;
    },
  };
}

/** What a child says next; an error where it ends without a word. */
export function nextLine(lines: Interface): Promise<string> {
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(new Error('a process of the benchmark ended early'));
    lines.once('close', onClose);
    lines.once('line', (line) => {
      lines.off('close', onClose);
      resolve(line);
    });
  });
}
