/** llama.cpp's own server, on weights that are made up here. Where it cannot be had, that is said once, with its cure. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { TemporaryFolder } from './phantom-studies.ts';
import { PythonEnvironment } from './python-packages.ts';

const environment = new PythonEnvironment({
  name: 'llama.cpp',
  packages: ['xllamacpp==2026.10.11549', 'gguf==0.19.0'],
  imports: ['xllamacpp', 'gguf'],
  variable: 'WETREAD_LLAMA_CPP_PYTHON',
});

/** For `test(name, { skip: withoutLlamaCpp() }, …)`: false, or the sentence that says what to install. */
export function withoutLlamaCpp(): string | false {
  return environment.absence();
}

/** Name of the model that it serves. */
export const LLAMA_MODEL = 'random';
/** Tokens that a picture becomes. */
export const PICTURE_TOKENS = 16;

export interface LlamaCpp extends AsyncDisposable {
  readonly url: string;
  /** Ends the loading, which lasts no longer than 45 s (a lease of Linux); until then every request is answered 503. */
  load(this: void): Promise<void>;
  /** Resolves when the server logs the words, from now on. */
  logs(this: void, words: string): Promise<void>;
}

/** Runs test/support/llama_cpp.py until it answers that it is loading. */
export async function startLlamaCpp(): Promise<LlamaCpp> {
  const folder = new TemporaryFolder();
  const port = await freePort();
  const script = join(import.meta.dirname, 'llama_cpp.py');
  const child = spawn(environment.python, [script, folder.path, String(port)], { stdio: ['pipe', 'ignore', 'pipe'] });
  const said: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  const log = (): string => Buffer.concat(said).toString();
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    const isOver = child.exitCode !== null || child.signalCode !== null;
    // The end of its input is the end of the server, also where this process ends without a word.
    const ended = isOver || once(child, 'exit');
    child.stdin.end();
    await ended;
    await folder[Symbol.asyncDispose]();
  };
  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
    for (let tries = 0; tries < 600; tries++) {
      if (await holds()) return;
      if (child.exitCode !== null) break;
      await sleep(100);
    }
    await stop();
    throw new Error(`llama.cpp did not do what it should:\n${log()}`);
  };
  const answers = (status: number): Promise<boolean> =>
    fetch(`${url}/health`).then(
      (answer) => answer.status === status,
      () => false,
    );
  await until(() => answers(503));
  return {
    url,
    async load() {
      child.stdin.write('load\n');
      await until(() => answers(200));
    },
    logs(words) {
      const { length } = log();
      return until(() => log().includes(words, length));
    },
    [Symbol.asyncDispose]: stop,
  };
}
