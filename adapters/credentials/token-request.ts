/**
 * The client credentials grant (RFC 6749 4.4): a client proves itself with a secret (HTTP Basic, 2.3.1) or with a signed
 * assertion (RFC 7523 2.2, as SMART Backend Services ask for it) and is given an access token.
 */
import { WetreadError } from '../../src/errors.ts';
import type { Clock } from '../../src/ports.ts';
import type { AccessToken } from './access-tokens.ts';
import { type ClientKey, clientAssertion } from './client-assertion.ts';
import { readSecretFile } from './secret-file.ts';
import { type Certificates, certificates } from './tls-files.ts';
import { type FormAnswer, postForm } from './token-endpoint.ts';

export interface TokenClient {
  /** Token endpoint of the authorization server. */
  readonly tokenUrl: string;
  readonly clientId: string;
  /** Either this, with the client's secret, */
  readonly secretFile?: string;
  /** or this, with its private key in PEM: RSA, or EC on P-384. */
  readonly privateKeyFile?: string;
  /** `kid` of the key in the key set that the client has published. */
  readonly keyId?: string;
  /** Such as `system/*.rs`. */
  readonly scope?: string;
  /** Which server the token is for, where the authorization server asks to be told (RFC 8707 or its own way). */
  readonly resource?: string;
  readonly tls?: Certificates;
}

/** What SMART Backend Services recommend, for a server that does not say how long its token holds. */
const DEFAULT_LIFE_SECONDS = 300;
/** RFC 6749 5.2: the codes that an answer may name; anything else of it is not repeated. */
const ERROR =
  /^(invalid_request|invalid_client|invalid_grant|unauthorized_client|unsupported_grant_type|invalid_scope|invalid_target)$/;
const TOKEN = /^[\x21-\x7e]+$/;

type Proof = { readonly fields: Record<string, string>; readonly headers: Record<string, string> };

/** @returns what fetches a token. @throws WetreadError `config-invalid`, naming the key */
export async function tokenRequest(
  client: TokenClient,
  key: string,
  clock: Clock,
): Promise<() => Promise<AccessToken>> {
  if (!/^https?:$/.test(URL.parse(client.tokenUrl)?.protocol ?? ''))
    throw new WetreadError('config-invalid', `${key}.tokenUrl must be a URL`);
  const prove = proofOf(client, key, clock);
  await prove();
  const tls = client.tls && certificates(client.tls, `${key}.tls`);
  return async () => {
    const { fields, headers } = await prove();
    const { scope, resource } = client;
    const grant = { grant_type: 'client_credentials', ...(scope && { scope }), ...(resource && { resource }) };
    return tokenOf(await postForm(client.tokenUrl, { ...grant, ...fields }, headers, tls));
  };
}

function proofOf(client: TokenClient, key: string, clock: Clock): () => Promise<Proof> {
  const { secretFile, privateKeyFile, clientId } = client;
  if ((secretFile === undefined) === (privateKeyFile === undefined))
    throw new WetreadError('config-invalid', `${key} needs either secretFile or privateKeyFile`);
  if (secretFile !== undefined) {
    return async () => {
      const secret = await readSecretFile(secretFile, `${key}.secretFile`);
      const pair = `${formEncoded(clientId)}:${formEncoded(secret)}`;
      return { fields: {}, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
    };
  }
  return async () => {
    const pem = await readSecretFile(privateKeyFile!, `${key}.privateKeyFile`);
    const identity: ClientKey = { clientId, pem, ...(client.keyId !== undefined && { keyId: client.keyId }) };
    const assertion = await clientAssertion(identity, client.tokenUrl, clock.now()).catch((cause: unknown) => {
      throw new WetreadError('config-invalid', `${key}.privateKeyFile: no RSA key, and no EC key on P-384`, { cause });
    });
    return { fields: assertion, headers: {} };
  };
}

/** RFC 6749 2.3.1 and Appendix B: both halves are encoded as a form is. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

/** RFC 6749 5.1 and 5.2. */
function tokenOf({ status, json }: FormAnswer): AccessToken {
  if (status === 408 || status === 429 || status >= 500)
    throw new WetreadError('authorization-unreachable', `The authorization server answered ${status}`);
  if (status !== 200) {
    const named = String(json['error']);
    throw refused(`answered ${status}${ERROR.test(named) ? ` (${named})` : ''}`);
  }
  const { access_token: token, token_type: type, expires_in: life } = json;
  if (typeof token !== 'string' || !TOKEN.test(token)) throw refused('gave no token');
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') throw refused('gave a token of an unknown type');
  // Some servers write the number as a text.
  const expiresInSeconds = life === undefined ? DEFAULT_LIFE_SECONDS : Number(life);
  if (!(expiresInSeconds >= 0)) throw refused('gave a token without a sensible life');
  return { token, expiresInSeconds };
}

function refused(what: string): WetreadError {
  return new WetreadError('authorization-refused', `The authorization server ${what}`);
}
