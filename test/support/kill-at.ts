/**
 * Loaded before Wetread (`node --import`): ends the process, as `kill -9` does, in the very moment in which it writes a
 * certain log line. `WETREAD_TEST_KILL_AT` holds the attributes of that line, and how many such lines come before it.
 */
import fs from 'node:fs';

export interface KillPoint {
  /** Attributes that the line has, such as `{ event: 'stage-ended', stage: 'assembly' }`. */
  readonly line: Readonly<Record<string, unknown>>;
  /** Lines like it that are let through. */
  readonly after: number;
}

const STDERR = 2;
const given = process.env['WETREAD_TEST_KILL_AT'];

if (given !== undefined) {
  const { line, after } = JSON.parse(given) as KillPoint;
  const write = fs.writeSync.bind(fs) as (...parameters: unknown[]) => number;
  let seen = 0;
  fs.writeSync = ((fd: number, text: unknown, ...more: unknown[]): number => {
    const written = write(fd, text, ...more);
    if (fd === STDERR && isLike(String(text), line) && seen++ >= after) process.kill(process.pid, 'SIGKILL');
    return written;
  }) as typeof fs.writeSync;
}

function isLike(text: string, wanted: KillPoint['line']): boolean {
  try {
    const found = JSON.parse(text) as Record<string, unknown>;
    return Object.entries(wanted).every(([name, value]) => found[name] === value);
  } catch {
    return false;
  }
}
