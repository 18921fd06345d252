import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateFault, retryAfterSeconds, sameFields } from './remote-server.ts';

test('WR-RET-05 Retry-After: seconds, a date, and what is neither', () => {
  const now = Date.parse('Sat, 31 Jan 2026 10:15:00 GMT');
  for (const [field, seconds] of [
    ['0', 0],
    [' 120 ', 120],
    ['Sat, 31 Jan 2026 10:15:07 GMT', 7],
    ['Sat, 31 Jan 2026 10:14:00 GMT', 0],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['2026-01-31', undefined],
    ['Xxx, 99 Xxx 2026 99:99:99 GMT', undefined],
    [undefined, undefined],
  ] as const) {
    assert.equal(retryAfterSeconds(field, now), seconds, field);
  }
});

test('WR-AUTH-07 a certificate that is not accepted: which key to set, also inside the error of a library', () => {
  const failed = (code: string, message = ''): Error => Object.assign(new Error(`${message} secret`), { code });
  for (const [code, words, retryable] of [
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls.caFile', false],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls.caFile', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls.serverName', false],
    ['CERT_HAS_EXPIRED', 'renew', true],
    ['EPROTO', 'tls.certFile and tls.keyFile', false],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tls.certFile and tls.keyFile', false],
  ] as const) {
    const error = failed(code, '…:SSL alert number 116');
    for (const cause of [error, new TypeError('fetch failed', { cause: error })]) {
      const fault = certificateFault(cause, 'The archive');
      assert.equal(fault?.code, 'certificate-refused', code);
      assert.equal(fault.retryable, retryable, code);
      assert.ok(fault.message.startsWith('The archive ') && fault.message.includes(words), fault.message);
      assert.ok(!fault.message.includes('secret'));
    }
  }
  for (const cause of [
    failed('ECONNREFUSED'),
    failed('EPROTO', 'wrong version number'),
    failed('ERR_SSL_X', 'SSL alert number 80'),
    'text',
    undefined,
  ])
    assert.equal(certificateFault(cause, 'The archive'), undefined);
});

test('WR-AUTH-02 fields are the same whatever their order', () => {
  assert.ok(sameFields({ a: '1', b: '2' }, { b: '2', a: '1' }));
  assert.ok(!sameFields({ a: '1' }, { a: '2' }) && !sameFields({ a: '1' }, {}) && !sameFields({}, { a: '1' }));
});
