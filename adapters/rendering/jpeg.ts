/** Baseline JPEG by libjpeg-turbo, the build that also decodes. */
import createModule from '@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs';
import type { Raster } from './raster.ts';

let loading: ReturnType<typeof createModule> | undefined;

/** @param quality 1 to 100. */
export async function encodeJpeg({ width, height, channels, data }: Raster, quality: number): Promise<Buffer> {
  loading ??= createModule({ print: () => {}, printErr: () => {} });
  const encoder = new (await loading).JPEGEncoder();
  try {
    const frame = { width, height, bitsPerSample: 8, componentCount: channels, isSigned: false };
    encoder.getDecodedBuffer(frame).set(data);
    encoder.setProgressive(false);
    encoder.setQuality(quality);
    encoder.encode();
    return Buffer.from(encoder.getEncodedBuffer());
  } finally {
    encoder.delete();
  }
}
