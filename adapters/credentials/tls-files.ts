/** Certificates from files, made into what a connection over TLS takes; files that were replaced are read again. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import { WetreadError } from '../../src/errors.ts';

export interface Certificates {
  /** Authorities that are trusted, in PEM, in place of the well-known ones. */
  readonly caFile?: string;
  /** Our certificate, with its chain, for servers that ask for one, in PEM. */
  readonly certFile?: string;
  /** Its private key, in PEM, without a passphrase. */
  readonly keyFile?: string;
  /** The name that the server's certificate bears, where that is not the one in the URL. */
  readonly serverName?: string;
}

export interface TlsAccess {
  readonly secureContext: SecureContext;
  readonly servername?: string;
}

const FILES = ['caFile', 'certFile', 'keyFile'] as const;

/**
 * @param key of the configuration, such as `archive.tls`
 * @returns what the next connection takes
 * @throws WetreadError `config-invalid`, naming the key, now and at every use
 */
export function certificates(files: Certificates, key: string): () => TlsAccess {
  if ((files.certFile === undefined) !== (files.keyFile === undefined))
    throw new WetreadError('config-invalid', `${key} needs certFile and keyFile, or neither`);
  let made: { readonly stamp: string; readonly access: TlsAccess } | undefined;
  const current = (): TlsAccess => {
    const stamp = FILES.map((name) => stampOf(files[name], `${key}.${name}`)).join();
    if (made?.stamp !== stamp) made = { stamp, access: accessOf(files, key) };
    return made.access;
  };
  current();
  return current;
}

function stampOf(path: string | undefined, key: string): string {
  return path === undefined ? '' : readable(key, () => statSync(path).mtimeMs.toString());
}

function accessOf({ caFile, certFile, keyFile, serverName }: Certificates, key: string): TlsAccess {
  const [ca, cert, privateKey] = [caFile, certFile, keyFile].map((path, index) =>
    path === undefined ? undefined : readable(`${key}.${FILES[index]}`, () => readFileSync(path)),
  );
  // A context takes a file without any certificate for one that trusts nobody.
  if (ca) usable(`${key}.caFile`, 'no certificate in PEM', () => new X509Certificate(ca));
  const files = { ...(ca && { ca }), ...(cert && { cert }), ...(privateKey && { key: privateKey }) };
  const mismatch = 'no certificate in PEM for the key in keyFile';
  const secureContext = usable(`${key}.certFile`, mismatch, () => createSecureContext(files));
  return { secureContext, ...(serverName !== undefined && { servername: serverName }) };
}

function readable<T>(key: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new WetreadError('config-invalid', `${key}: the file cannot be read`, { cause });
  }
}

function usable<T>(key: string, otherwise: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new WetreadError('config-invalid', `${key}: ${otherwise}`, { cause });
  }
}
