/** Who asks: a bearer token or a password from a file, or tokens of an OAuth 2.0 server. Nothing of it is ever logged. */
import { WetreadError } from '../../src/errors.ts';
import type { Clock } from '../../src/ports.ts';
import type { Authorize } from '../../src/remote-server.ts';
import { AccessTokens } from './access-tokens.ts';
import { readSecretFile } from './secret-file.ts';
import { type TokenClient, tokenRequest } from './token-request.ts';

/** As the configuration has them: which are needed depends on the kind. */
export interface CredentialOptions extends Partial<TokenClient> {
  readonly kind: 'bearer' | 'basic' | 'oauth2';
  readonly tokenFile?: string;
  readonly user?: string;
  readonly passwordFile?: string;
}

/**
 * Files are read once at the start, so that a mistake is told then, and again at every use.
 * @param key of the configuration, such as `archive.credentials`
 * @throws WetreadError `config-invalid`, naming the key of a file that cannot be used
 */
export async function openCredentials(options: CredentialOptions, key: string, clock: Clock): Promise<Authorize> {
  const fields = await fieldsOf(options, key, clock);
  return async (signal, refused) => ({ authorization: await fields(signal, refused?.['authorization']) });
}

type Field = (signal: AbortSignal, refused: string | undefined) => Promise<string>;

async function fieldsOf(options: CredentialOptions, key: string, clock: Clock): Promise<Field> {
  const needed = (name: 'tokenFile' | 'user' | 'passwordFile' | 'tokenUrl' | 'clientId'): string => {
    const value = options[name];
    if (value === undefined) throw new WetreadError('config-invalid', `${key} of kind ${options.kind} needs ${name}`);
    return value;
  };
  if (options.kind === 'oauth2') {
    const client = { ...options, tokenUrl: needed('tokenUrl'), clientId: needed('clientId') };
    const tokens = new AccessTokens(await tokenRequest(client, key, clock), clock);
    return async (signal, refused) => `Bearer ${await tokens.token(signal, refused?.replace(/^Bearer /, ''))}`;
  }
  const basicFile =
    options.kind === 'basic' ? { user: needed('user'), passwordFile: needed('passwordFile') } : undefined;
  const read = basicFile ? () => basic(basicFile, key) : () => bearer(needed('tokenFile'), key);
  await read();
  return read;
}

/** RFC 6750 2.1: the characters that a token may have. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

async function bearer(tokenFile: string, key: string): Promise<string> {
  const token = await readSecretFile(tokenFile, `${key}.tokenFile`);
  if (!TOKEN.test(token)) throw new WetreadError('config-invalid', `${key}.tokenFile: the file holds no bearer token`);
  return `Bearer ${token}`;
}

/** RFC 7617, in UTF-8. */
async function basic(options: { readonly user: string; readonly passwordFile: string }, key: string): Promise<string> {
  if (options.user.includes(':')) throw new WetreadError('config-invalid', `${key}.user: a user name has no colon`);
  const password = await readSecretFile(options.passwordFile, `${key}.passwordFile`);
  return `Basic ${Buffer.from(`${options.user}:${password}`).toString('base64')}`;
}
