/** Reads the PNG and JPEG of tests by other means than they were written with. */
import { inflateSync } from 'node:zlib';
import createModule from '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs';
import type { Raster } from '../../adapters/rendering/raster.ts';

/** PNG of 8 bits without filters, which is what the product writes; anything else throws. */
export function readPng(bytes: Uint8Array): Raster {
  const file = Buffer.from(bytes);
  const data: Buffer[] = [];
  let header = Buffer.alloc(0);
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    const content = file.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') header = content;
    if (type === 'IDAT') data.push(content);
    at += 12 + length;
  }
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const channels = header[9] === 2 ? 3 : 1;
  const rows = inflateSync(Buffer.concat(data));
  const stride = width * channels;
  const pixels = Buffer.concat(
    Array.from({ length: height }, (_, row) => {
      if (rows[row * (stride + 1)] !== 0) throw new Error('a row has a filter');
      return rows.subarray(row * (stride + 1) + 1, (row + 1) * (stride + 1));
    }),
  );
  return { width, height, channels, data: new Uint8Array(pixels) };
}

export async function readJpeg(bytes: Uint8Array): Promise<Raster> {
  const { JPEGDecoder } = await createModule({ print: () => {}, printErr: () => {} });
  const decoder = new JPEGDecoder();
  decoder.getEncodedBuffer(bytes.length).set(bytes);
  decoder.decode();
  const { width, height, componentCount } = decoder.getFrameInfo();
  return { width, height, channels: componentCount === 3 ? 3 : 1, data: Uint8Array.from(decoder.getDecodedBuffer()) };
}
