/**
 * Who made a package: Ed25519 signatures (RFC 8032) over its digest, in a file beside the checksums. The digest covers
 * every other file, so a signature holds for these bytes and no others.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WetreadError } from '../../src/errors.ts';

export const SIGNATURE_FILE = 'SIGNATURE';

/** Room for a hundred signatures; what is longer is not read. */
const LONGEST_FILE = 16 * 1024;

/** The first 16 hexadecimal digits of the SHA-256 of the public key (SubjectPublicKeyInfo, DER). */
export type KeyId = string;

export interface TrustedKey {
  readonly id: KeyId;
  readonly key: KeyObject;
}

/** @throws WetreadError `config-invalid` where the file holds no Ed25519 public key. */
export async function readTrustedKey(path: string): Promise<TrustedKey> {
  const key = ed25519(createPublicKey, await keyFile(path), `${path} holds no Ed25519 public key (PEM)`);
  return { id: keyIdOf(key), key };
}

/** @throws WetreadError `config-invalid` where the file holds no Ed25519 private key. */
export async function readSigningKey(path: string): Promise<KeyObject> {
  const text = await keyFile(path);
  return ed25519(createPrivateKey, text, `${path} holds no Ed25519 private key (PEM, not encrypted)`);
}

async function keyFile(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new WetreadError('config-invalid', `The key file ${path} cannot be read`, { cause });
  });
}

/** A private key would pass for a public one: it must not lie where packages are checked. */
function ed25519(parse: (text: string) => KeyObject, text: string, otherwise: string): KeyObject {
  try {
    const key = parse(text);
    const isRight = key.asymmetricKeyType === 'ed25519' && (key.type === 'private') === text.includes('PRIVATE KEY');
    if (isRight) return key;
  } catch {
    // no key at all: the same complaint
  }
  throw new WetreadError('config-invalid', otherwise);
}

export function keyIdOf(key: KeyObject): KeyId {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
}

/** The line of a signature file: key id and signature in Base64. @param digest of the package, `sha256:…` */
export function signatureLine(digest: string, key: KeyObject): string {
  return `${keyIdOf(key)} ${sign(null, signedBytes(digest), key).toString('base64')}\n`;
}

/** Names what is signed, so that a signature for another purpose is never taken for one of a package. */
function signedBytes(digest: string): Buffer {
  return Buffer.from(`wetread model package\n${digest}\n`);
}

/**
 * The id of the trusted key that signed the package.
 * @throws WetreadError `package-untrusted` where none did: no signature, others' signatures, or one over other bytes
 */
export async function requireSignature(folder: string, digest: string, trusted: readonly TrustedKey[]): Promise<KeyId> {
  const lines = (await signatureText(folder))?.split('\n').filter((line) => line !== '');
  if (lines === undefined) throw untrusted('it is not signed');
  for (const line of lines) {
    const [, id, base64] = /^([0-9a-f]{16}) ([A-Za-z0-9+/]{86}==)$/.exec(line) ?? [];
    if (id === undefined || base64 === undefined)
      throw untrusted(`${SIGNATURE_FILE} holds a line that is no signature`);
    const known = trusted.find((one) => one.id === id);
    if (known === undefined) continue;
    if (verify(null, signedBytes(digest), known.key, Buffer.from(base64, 'base64'))) return id;
    throw untrusted(`the signature of ${id} is of other bytes`);
  }
  throw untrusted('no key that is trusted signed it');
}

/** Undefined where there is none. @throws WetreadError `package-untrusted` where it is longer than signatures are */
export async function signatureText(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, SIGNATURE_FILE), 'utf8').catch(() => undefined);
  if (text !== undefined && text.length > LONGEST_FILE) throw untrusted(`${SIGNATURE_FILE} is too long`);
  return text;
}

function untrusted(what: string): WetreadError {
  return new WetreadError('package-untrusted', what);
}
