/** The signed statement with which a client proves who it is (RFC 7523 2.2; SMART App Launch 2.2, asymmetric authentication). */
import { createPrivateKey, type KeyObject, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';

export interface ClientKey {
  readonly clientId: string;
  /** PKCS #8, PKCS #1 or SEC 1, in PEM, without a passphrase. */
  readonly pem: string;
  readonly keyId?: string;
}

/** SMART allows five minutes; a clock may be off. */
const LIFE_SECONDS = 240;

/** @returns the fields of the token request. @throws where the key is none, or of another kind */
export async function clientAssertion(
  { clientId, pem, keyId }: ClientKey,
  tokenUrl: string,
  now: Date,
): Promise<{ client_assertion_type: string; client_assertion: string }> {
  const key = createPrivateKey(pem);
  const issuedAt = Math.floor(now.getTime() / 1000);
  const assertion = await new SignJWT()
    .setProtectedHeader({ alg: algorithmOf(key), typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(tokenUrl)
    .setJti(randomUUID())
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + LIFE_SECONDS)
    .sign(key);
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  };
}

/** The two algorithms that SMART servers must know. */
function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): 'RS384' | 'ES384' {
  if (asymmetricKeyType === 'rsa') return 'RS384';
  if (asymmetricKeyDetails?.namedCurve === 'secp384r1') return 'ES384';
  throw new TypeError('neither RSA nor P-384');
}
