import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseReader } from './response-reader.ts';

interface Outcome {
  readonly status: number | undefined;
  readonly body: string;
  readonly complete: boolean;
  readonly fault?: string;
}

/** Feeds a response in pieces of `size` bytes, each from memory that is used again. */
function read(text: string, size: number): Outcome {
  const reader = new ResponseReader();
  const bytes = Buffer.from(text, 'latin1');
  const body: Buffer[] = [];
  let fault: string | undefined;
  const reused = Buffer.alloc(size);
  try {
    for (let at = 0; at < bytes.length; at += size) {
      const length = bytes.copy(reused, 0, at, at + size);
      for (const view of reader.feed(reused.subarray(0, length))) body.push(Buffer.from(view));
    }
    reader.finish();
  } catch (error) {
    fault = (error as { code: string }).code;
  }
  const { head, isComplete: complete } = reader;
  const base = { status: head?.status, body: Buffer.concat(body).toString('latin1'), complete };
  return fault === undefined ? base : { ...base, fault };
}

const CASES: readonly [what: string, response: string, expected: Outcome][] = [
  ['counted', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', { status: 200, body: 'hello', complete: true }],
  [
    'bytes after the end',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP',
    { status: 200, body: 'hello', complete: true },
  ],
  ['empty', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', { status: 404, body: '', complete: true }],
  ['no content', 'HTTP/1.1 204\r\n\r\n', { status: 204, body: '', complete: true }],
  ['until close', 'HTTP/1.0 200 OK\r\nX: y\r\n\r\na\r\n\r\nb', { status: 200, body: 'a\r\n\r\nb', complete: false }],
  [
    'chunked, with extensions and a trailer',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;x=1\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n',
    { status: 200, body: 'hello0123456789', complete: true },
  ],
  [
    'after 100 and 103',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz',
    { status: 200, body: 'z', complete: true },
  ],
  [
    'cut off in its head',
    'HTTP/1.1 200 OK\r\nCont',
    { status: undefined, body: '', complete: false, fault: 'archive-unreachable' },
  ],
  [
    'cut off in a counted body',
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel',
    { status: 200, body: 'hel', complete: false, fault: 'archive-unreachable' },
  ],
  [
    'cut off in a chunk',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel',
    { status: 200, body: 'hel', complete: false, fault: 'archive-unreachable' },
  ],
  [
    'cut off before the last chunk',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n',
    { status: 200, body: 'he', complete: false, fault: 'archive-unreachable' },
  ],
  [
    'a chunk that is longer',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n',
    { status: 200, body: 'he', complete: false, fault: 'archive-refused' },
  ],
  [
    'a chunk without a size',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n',
    { status: 200, body: '', complete: false, fault: 'archive-refused' },
  ],
  [
    'another coding',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
    { status: 200, body: '', complete: false, fault: 'archive-refused' },
  ],
  [
    'a length without sense',
    'HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n',
    { status: 200, body: '', complete: false, fault: 'archive-refused' },
  ],
  ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', { status: undefined, body: '', complete: false, fault: 'archive-refused' }],
  [
    'a folded header',
    'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n',
    { status: undefined, body: '', complete: false, fault: 'archive-refused' },
  ],
];
for (const [what, response, expected] of CASES) {
  test(`WR-WEB-07 a response, in pieces of every size: ${what}`, () => {
    for (let size = 1; size <= response.length + 1; size += 1)
      assert.deepEqual(read(response, size), expected, `by ${size}`);
  });
}

test('WR-WEB-07 repeated headers are joined, names are in lower case', () => {
  const reader = new ResponseReader();
  Array.from(reader.feed(Buffer.from('HTTP/1.1 200 OK\r\nA-B: 1\r\na-b:2\r\n\r\n')));
  assert.equal(reader.head?.headers.get('a-b'), '1, 2');
});

test('WR-WEB-07 a body is given as views, not as copies', () => {
  const reader = new ResponseReader();
  const chunk = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');
  const [view] = Array.from(reader.feed(chunk));
  assert.equal(view?.buffer, chunk.buffer);
  assert.equal(view?.toString(), 'hello');
});

test('WR-WEB-07 a head or a line without end is not taken into memory', () => {
  for (const start of ['HTTP/1.1 200 OK\r\nA: ', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;']) {
    const reader = new ResponseReader();
    assert.throws(
      () => {
        Array.from(reader.feed(Buffer.from(start)));
        for (let round = 0; round < 100; round += 1) Array.from(reader.feed(Buffer.alloc(1024, 0x61)));
      },
      { code: 'archive-refused' },
    );
  }
});
