import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSkipped } from '../../src/reasons.ts';
import { readArrival } from './arrival-message.ts';

type Message = Parameters<typeof readArrival>[0];

function message(body: string, headers: object = {}): Message {
  return { content: Buffer.from(body), properties: { headers } as Message['properties'] };
}

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const OTHER = '00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('WR-AMQ-09 the header of the trace goes before the field of the body; one that is broken is passed over', () => {
  const body = JSON.stringify({ studyInstanceUid: '1.2.3', traceparent: OTHER });
  assert.deepEqual(readArrival(message(body, { traceparent: TRACEPARENT }), undefined), [
    { studyInstanceUid: '1.2.3', traceparent: TRACEPARENT },
  ]);
  for (const headers of [{}, { traceparent: 7 }, { traceparent: 'broken' }]) {
    assert.deepEqual(readArrival(message(body, headers), undefined), [
      { studyInstanceUid: '1.2.3', traceparent: OTHER },
    ]);
  }
});

test('WR-AMQ-05 why a message is refused names a place in it and never what stands there', () => {
  const bodies = ['', '{', '[]', 'null', '{"studyInstanceUid":"DOE"}', '{"patientName":"DOE^JANE"}', '"DOE^JANE"'];
  for (const body of bodies) {
    const read = readArrival(message(body), undefined);
    assert.ok(isSkipped(read) && read.skipped.code === 'message-invalid', body);
    assert.ok(!JSON.stringify(read).includes('DOE'), body);
  }
  const mapped = readArrival(message('{"uid":"DOE^JANE"}'), { studyInstanceUid: { pointer: '/uid' } });
  assert.ok(isSkipped(mapped) && mapped.skipped.code === 'uid-missing' && !JSON.stringify(mapped).includes('DOE'));
});
