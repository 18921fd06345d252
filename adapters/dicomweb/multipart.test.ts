import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { WetreadError } from '../../src/errors.ts';
import { parseMediaType } from './media-type.ts';
import {
  closingDelimiter,
  DEFAULT_MULTIPART_LIMITS,
  MultipartReader,
  multipartBoundary,
  multipartContentType,
  newBoundary,
  PART_END,
  type Part,
  partHead,
  readParts,
  streamParts,
} from './multipart.ts';

interface Read {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Everything that a reader says about a body that comes in the given chunks. */
function read(chunks: readonly Uint8Array[], boundary = 'b', limits = DEFAULT_MULTIPART_LIMITS): Read[] {
  const reader = new MultipartReader(boundary, limits);
  const parts: Read[] = [];
  let open: { headers: Record<string, string>; body: string } | undefined;
  for (const chunk of chunks) {
    for (const event of reader.feed(chunk)) {
      if (event.kind === 'part') open = { headers: Object.fromEntries(event.headers), body: '' };
      else if (event.kind === 'data') open!.body += event.bytes.toString('latin1');
      else parts.push(open!);
    }
  }
  reader.finish();
  return parts;
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const code = (expected: string) => (error: unknown) => error instanceof WetreadError && error.code === expected;

// Preamble with lookalikes, padding after a boundary, a counted and a searched part, lookalikes in both, an epilogue.
const BODY = [
  'preamble --b and\r\n--bx\r\n',
  '\r\n--b \t\r\nContent-Type: application/dicom\r\nContent-Length: 9\r\n\r\nA\r\n--b\r\nB',
  '\r\n--b\r\nCONTENT-TYPE:text/x;a="b"\r\n\r\n\r\n--bo\r\n--\r\r\n-\r\n--b-',
  '\r\n--b\r\n\r\nno header',
  '\r\n--b\r\nX: y\r\n\r\n',
  '\r\n--b--\r\nepilogue\r\n--b\r\n\r\nnot a part\r\n--b--',
].join('');
const PARTS: readonly Read[] = [
  { headers: { 'content-type': 'application/dicom', 'content-length': '9' }, body: 'A\r\n--b\r\nB' },
  { headers: { 'content-type': 'text/x;a="b"' }, body: '\r\n--bo\r\n--\r\r\n-\r\n--b-' },
  { headers: {}, body: 'no header' },
  { headers: { x: 'y' }, body: '' },
];

test('WR-ARC-01 a body split at every offset gives the same parts', () => {
  const body = bytes(BODY);
  for (let at = 0; at <= body.length; at++) assert.deepEqual(read([body.subarray(0, at), body.subarray(at)]), PARTS);
});

test('WR-ARC-01 a body in chunks of every small size gives the same parts', () => {
  const body = bytes(BODY);
  for (let size = 1; size <= 40; size++) {
    const chunks = Array.from({ length: Math.ceil(body.length / size) }, (_, i) =>
      body.subarray(i * size, (i + 1) * size),
    );
    assert.deepEqual(read(chunks), PARTS, `chunks of ${size}`);
  }
});

test('WR-ARC-02 a body that ends before its closing delimiter is truncated, wherever it is cut', () => {
  const end = BODY.indexOf('--b--') + '--b--'.length;
  for (let at = 0; at < end; at++) assert.throws(() => read([bytes(BODY.slice(0, at))]), code('archive-truncated'));
  assert.deepEqual(read([bytes(BODY.slice(0, end))]), PARTS);
});

test('a Content-Length that does not end at a delimiter is refused', () => {
  for (const length of ['2', '4', 'x', '-1', '1e3']) {
    const body = `--b\r\nContent-Length: ${length}\r\n\r\nabc\r\n--b\r\n\r\n\r\n--b--`;
    assert.throws(() => read([bytes(body)]), code('request-invalid'), length);
  }
  assert.throws(() => read([bytes('--b\r\nContent-Length: 3\r\n\r\nabc\r\n--bx\r\n--b--')]), code('request-invalid'));
});

test('a header without a colon is refused', () => {
  assert.throws(() => read([bytes('--b\r\nContent-Type\r\n\r\nabc\r\n--b--')]), code('request-invalid'));
});

test('WR-ARC-03 limits on parts, part size, headers and preamble hold', () => {
  const limits = { maxParts: 2, maxPartBytes: 4, maxHeaderBytes: 32 };
  const part = (body: string, headers = ''): string => `--b\r\n${headers}\r\n${body}\r\n`;
  const parse = (body: string): Read[] => read([bytes(body)], 'b', limits);
  assert.equal(parse(`${part('1234')}${part('1234')}--b--`).length, 2);
  assert.throws(() => parse(`${part('')}${part('')}${part('')}--b--`), code('too-large'));
  assert.throws(() => parse(`${part('12345')}--b--`), code('too-large'));
  assert.throws(() => parse(`${part('12345', 'Content-Length: 5\r\n')}--b--`), code('too-large'));
  assert.throws(() => parse(`${part('', `A: ${'x'.repeat(40)}\r\n`)}--b--`), code('too-large'));
  assert.throws(() => parse(`--b\r\nA: ${'x'.repeat(40)}`), code('too-large'));
  assert.throws(() => parse(`--b${' '.repeat(40)}`), code('too-large'));
  assert.throws(() => parse('x'.repeat(40)), code('request-invalid'));
});

test('boundaries come quoted or not, with every character that RFC 2046 allows', () => {
  const dicom = { type: 'application/dicom' };
  assert.deepEqual(multipartBoundary('multipart/related; type="application/dicom"; boundary=abc'), {
    ...dicom,
    boundary: 'abc',
  });
  assert.deepEqual(multipartBoundary('Multipart/Related;boundary="a b\'()+_,-./:=?c";TYPE=Application/dicom'), {
    ...dicom,
    boundary: "a b'()+_,-./:=?c",
  });
  assert.deepEqual(multipartBoundary(multipartContentType('application/dicom', 'x')), { ...dicom, boundary: 'x' });
  assert.equal(multipartBoundary('application/dicom'), undefined);
  assert.equal(multipartBoundary('nonsense'), undefined);
  for (const bad of ['', '; boundary=""', `; boundary=${'x'.repeat(201)}`, '; boundary="a "', '; boundary="\u00e4"']) {
    assert.throws(() => multipartBoundary(`multipart/related${bad}`), code('request-invalid'), bad);
  }
});

test('media types with parameters are read, malformed ones are not', () => {
  const media = parseMediaType('multipart/related; type="application/dicom";transfer-syntax=*;; q=0.5');
  assert.equal(media?.type, 'multipart/related');
  assert.deepEqual(
    [...media!.parameters],
    [
      ['type', 'application/dicom'],
      ['transfer-syntax', '*'],
      ['q', '0.5'],
    ],
  );
  assert.equal(parseMediaType('a/b; c="d\\"e"')?.parameters.get('c'), 'd"e');
  for (const bad of ['', 'text', 'a/b c', 'a/b; c', 'a/b; c="d', 'a/b; c=d e']) {
    assert.equal(parseMediaType(bad), undefined, bad);
  }
});

test('what the writer writes the reader reads, with random bytes', async () => {
  const boundary = newBoundary();
  const bodies = [randomBytes(100_000), Buffer.alloc(0), randomBytes(7)];
  const written = Buffer.concat([
    ...bodies.flatMap((body, index) => [
      partHead(boundary, {
        'Content-Type': 'application/dicom',
        ...(index === 2 ? {} : { 'Content-Length': body.length }),
      }),
      body,
      PART_END,
    ]),
    closingDelimiter(boundary),
  ]);
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < written.length; at += 4099) yield written.subarray(at, at + 4099);
  }
  const parts: Part[] = [];
  for await (const part of readParts(source(), boundary)) parts.push(part);
  assert.equal(parts.length, 3);
  for (const [index, part] of parts.entries()) assert.ok(bodies[index]!.equals(part.bytes));
  assert.equal(parts[0]!.headers.get('content-type'), 'application/dicom');
});

test('a part whose body is left unread, or read in part, does not shift the next one', async () => {
  async function* source(): AsyncGenerator<Uint8Array> {
    const body = ['one', 'two', 'three'].map((text) => `--b\r\n\r\n${text.repeat(10)}\r\n`).join('');
    for (const byte of bytes(`${body}--b--`)) yield Uint8Array.of(byte);
  }
  const seen: string[] = [];
  for await (const { body } of streamParts(source(), 'b')) {
    if (seen.length === 0) {
      seen.push('unread');
      continue;
    }
    for await (const chunk of body) {
      seen.push(Buffer.from(chunk).toString());
      break;
    }
  }
  assert.deepEqual(seen, ['unread', 't', 't']);
});

test('WR-ARC-01 a large part full of lookalikes passes through: never more than a delimiter is held back', () => {
  const chunk = Buffer.alloc(65_536, '\r\n--');
  const reader = new MultipartReader('boundary');
  let received = 0;
  const feed = (piece: Uint8Array): void => {
    for (const event of reader.feed(piece)) if (event.kind === 'data') received += event.bytes.length;
  };
  feed(bytes('--boundary\r\n\r\n'));
  for (let sent = chunk.length; sent <= 256 * chunk.length; sent += chunk.length) {
    feed(chunk);
    assert.ok(sent - received < '\r\n--boundary'.length);
  }
  feed(bytes('\r\n--boundary--'));
  reader.finish();
  assert.equal(received, 256 * chunk.length);
});
