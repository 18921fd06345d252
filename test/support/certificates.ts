/** An authority of its own for tests, and what it signs: made when it is asked for, in a folder that is removed at the end. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** For `test(name, { skip: withoutOpenssl }, …)`. */
export const withoutOpenssl: string | false =
  spawnSync('openssl', ['version']).status === 0 ? false : 'OPENSSL ABSENT: apt-get install openssl';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Authority {
  readonly caFile: string;
  readonly ca: Buffer;
  /** @param names such as `DNS:localhost,IP:127.0.0.1`; @param days of validity from now, -1 for one that has run out */
  sign(this: void, names: string, days?: number): Certificate;
  /** Signed by itself alone. */
  selfSigned(this: void, names: string): Certificate;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export function authority(t: TestContext): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'wetread-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const openssl = (...command: string[]): void =>
    void execFileSync('openssl', command, { cwd: folder, stdio: 'ignore' });
  const certificate = (name: string): Certificate => {
    const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
    return { certFile, keyFile, cert: readFileSync(certFile), key: readFileSync(keyFile) };
  };
  const own = (name: string, subject: string, extension: string): Certificate => {
    const out = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
    openssl('req', '-x509', ...KEY, '-days', '2', '-subj', `/CN=${subject}`, '-addext', extension, ...out);
    return certificate(name);
  };
  const root = own('authority', 'Test Authority', 'keyUsage=critical,keyCertSign');
  return {
    caFile: root.certFile,
    ca: root.cert,
    sign: (names, days = 2) => {
      const name = `signed-${randomUUID()}`;
      const request = ['-keyout', `${name}.key`, '-out', `${name}.csr`];
      openssl('req', ...KEY, '-subj', '/CN=test', '-addext', `subjectAltName=${names}`, ...request);
      const by = ['-CA', root.certFile, '-CAkey', root.keyFile, '-CAcreateserial', '-copy_extensions', 'copyall'];
      openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-days', String(days), '-out', `${name}.pem`);
      return certificate(name);
    },
    selfSigned: (names) => own(`own-${randomUUID()}`, 'test', `subjectAltName=${names}`),
  };
}
