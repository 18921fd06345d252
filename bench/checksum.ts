/** Whether two processes have the same volume and model input. */
import { crc32 } from 'node:zlib';
import { sliceVoxels, type Volume } from '../src/assembly/volume.ts';

/** CRC-32 of the voxels in the order of the slices: slice by slice, so that it needs no memory of its own. */
export function volumeChecksum(volume: Volume): number {
  return volume.slices.reduce((sum, _, k) => crc32(bytesOf(sliceVoxels(volume, k)), sum), 0);
}

export function valuesChecksum(values: Float32Array): number {
  return crc32(bytesOf(values));
}

function bytesOf({ buffer, byteOffset, byteLength }: Int16Array | Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
