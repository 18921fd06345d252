/** A wall clock that can be set while a process runs: libfaketime, as Debian packages it. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TemporaryFolder } from './phantom-studies.ts';

const LIBRARIES = '/usr/lib';

const library = findLibrary();

/** For `test(name, { skip: withoutFaketime }, …)`: false, or the sentence that says what is missing. */
export const withoutFaketime: string | false =
  library === undefined ? 'LIBFAKETIME ABSENT: apt-get install --no-install-recommends faketime' : false;

if (withoutFaketime !== false)
  process.stderr.write(`\n*** ${withoutFaketime}: tests of clocks that jump are skipped ***\n`);

export interface ShiftedClock extends AsyncDisposable {
  /** For the process whose clock it is. */
  readonly environment: Readonly<Record<string, string>>;
  /** Seconds ahead of the true time; negative ones are behind it. Seen at once. */
  set(seconds: number): void;
}

export function clockAhead(): ShiftedClock {
  const folder = new TemporaryFolder();
  const file = join(folder.path, 'time');
  const set = (seconds: number): void => writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}`);
  set(0);
  return {
    set,
    environment: {
      LD_PRELOAD: library!,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** In a folder named after the machine, such as `/usr/lib/x86_64-linux-gnu/faketime`. */
function findLibrary(): string | undefined {
  if (!existsSync(LIBRARIES)) return undefined;
  return readdirSync(LIBRARIES)
    .map((machine) => join(LIBRARIES, machine, 'faketime', 'libfaketimeMT.so.1'))
    .find((path) => existsSync(path));
}
