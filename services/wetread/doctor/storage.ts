/** The data directory: that it can be written, and has room. */
import { access, constants, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type CheckResult, fail, ok, type Part, warn } from './check.ts';

const GIB = 2 ** 30;
const LITTLE_GIB = 10;
const TOO_LITTLE_GIB = 1;

export function storagePart(dataDirectory: string): Part {
  return {
    name: 'dataDirectory',
    place: dataDirectory,
    async examine(step) {
      if (await step('write', () => writable(dataDirectory))) await step('space', () => space(dataDirectory));
    },
  };
}

async function writable(dataDirectory: string): Promise<CheckResult> {
  try {
    await access(await existing(dataDirectory), constants.W_OK);
    return ok('Can be written');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    return fail(
      `Cannot be written (${code})`,
      'Give it to the account that runs Wetread, or name another dataDirectory.',
    );
  }
}

async function space(dataDirectory: string): Promise<CheckResult> {
  const { bavail, bsize } = await statfs(await existing(dataDirectory));
  const gib = (bavail * bsize) / GIB;
  const sentence = `${gib.toFixed(1)} GiB are free`;
  const fix = 'Make room, or move dataDirectory to a larger disk.';
  if (gib < TOO_LITTLE_GIB) return fail(sentence, fix);
  return gib < LITTLE_GIB ? warn(sentence, fix) : ok(sentence);
}

/** The folder itself, or the one in which it will be made. */
async function existing(folder: string): Promise<string> {
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  return isThere || dirname(folder) === folder ? folder : existing(dirname(folder));
}
