/** Folders that stand in a call: looked at before the work begins. */
import { access, constants, mkdir, stat } from 'node:fs/promises';
import { WetreadError } from '../../../src/errors.ts';

/** The path is not repeated: folders are often named after patients, and this goes to logs of whoever calls. */
export async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  throw new WetreadError('request-invalid', `FOLDER ${found === undefined ? 'does not exist' : 'is not a folder'}`);
}

/** Asked before the work, which may take minutes, not after it. */
export async function requireWritable(out: string): Promise<void> {
  try {
    await mkdir(out, { recursive: true });
    await access(out, constants.W_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new WetreadError('request-invalid', `--out DIR cannot be written (${code})`, { cause });
  }
}
