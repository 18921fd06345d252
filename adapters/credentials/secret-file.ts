/** Secrets lie in files, as secret stores mount them; they are read anew, so that a changed one needs no restart. */
import { readFile } from 'node:fs/promises';
import { WetreadError } from '../../src/errors.ts';

/** @param key of the configuration, named where the file cannot be used. @throws WetreadError `config-invalid` */
export async function readSecretFile(path: string, key: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new WetreadError('config-invalid', `${key}: the file cannot be read`, { cause });
  });
  // Editors and `kubectl create secret` end a file with a line break; no secret does.
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new WetreadError('config-invalid', `${key}: the file is empty`);
  return secret;
}
