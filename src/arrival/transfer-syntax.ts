/**
 * Transfer syntaxes (PS3.6 Annex A): how pixel data is encoded, and which of them Wetread decodes.
 * The reader and the decoders both look here, so that a file is refused by name before anything is allocated.
 */

/** `jpeg` is the sequential DCT (processes 1, 2 and 4); `jpeg-lossless` is process 14. */
export type PixelEncoding =
  | 'native'
  | 'rle'
  | 'jpeg'
  | 'jpeg-lossless'
  | 'jpeg-ls'
  | 'jpeg-2000'
  | 'htj2k'
  | 'unsupported';

export interface TransferSyntax {
  /** Name in PS3.6, shortened. */
  readonly name: string;
  readonly pixelEncoding: PixelEncoding;
}

export const IMPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2';
export const EXPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
export const DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN = '1.2.840.10008.1.2.1.99';
export const EXPLICIT_VR_BIG_ENDIAN = '1.2.840.10008.1.2.2';

const native = (name: string): TransferSyntax => ({ name, pixelEncoding: 'native' });
const unsupported = (name: string): TransferSyntax => ({ name, pixelEncoding: 'unsupported' });

const TRANSFER_SYNTAXES: ReadonlyMap<string, TransferSyntax> = new Map([
  [IMPLICIT_VR_LITTLE_ENDIAN, native('Implicit VR Little Endian')],
  [EXPLICIT_VR_LITTLE_ENDIAN, native('Explicit VR Little Endian')],
  [DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, native('Deflated Explicit VR Little Endian')],
  [EXPLICIT_VR_BIG_ENDIAN, native('Explicit VR Big Endian')],
  ['1.2.840.10008.1.2.5', { name: 'RLE Lossless', pixelEncoding: 'rle' }],
  ['1.2.840.10008.1.2.4.50', { name: 'JPEG Baseline (Process 1)', pixelEncoding: 'jpeg' }],
  ['1.2.840.10008.1.2.4.51', { name: 'JPEG Extended (Process 2 and 4)', pixelEncoding: 'jpeg' }],
  ['1.2.840.10008.1.2.4.57', { name: 'JPEG Lossless (Process 14)', pixelEncoding: 'jpeg-lossless' }],
  ['1.2.840.10008.1.2.4.70', { name: 'JPEG Lossless SV1', pixelEncoding: 'jpeg-lossless' }],
  ['1.2.840.10008.1.2.4.80', { name: 'JPEG-LS Lossless', pixelEncoding: 'jpeg-ls' }],
  ['1.2.840.10008.1.2.4.81', { name: 'JPEG-LS Near-Lossless', pixelEncoding: 'jpeg-ls' }],
  ['1.2.840.10008.1.2.4.90', { name: 'JPEG 2000 Lossless', pixelEncoding: 'jpeg-2000' }],
  ['1.2.840.10008.1.2.4.91', { name: 'JPEG 2000', pixelEncoding: 'jpeg-2000' }],
  ['1.2.840.10008.1.2.4.201', { name: 'HTJ2K Lossless', pixelEncoding: 'htj2k' }],
  ['1.2.840.10008.1.2.4.202', { name: 'HTJ2K Lossless RPCL', pixelEncoding: 'htj2k' }],
  ['1.2.840.10008.1.2.4.203', { name: 'HTJ2K', pixelEncoding: 'htj2k' }],
  ['1.2.840.10008.1.2.4.53', unsupported('JPEG Spectral Selection (Process 6 and 8)')],
  ['1.2.840.10008.1.2.4.55', unsupported('JPEG Full Progression (Process 10 and 12)')],
  ['1.2.840.10008.1.2.4.92', unsupported('JPEG 2000 Multi-component Lossless')],
  ['1.2.840.10008.1.2.4.93', unsupported('JPEG 2000 Multi-component')],
  ['1.2.840.10008.1.2.4.94', unsupported('JPIP Referenced')],
  ['1.2.840.10008.1.2.4.95', unsupported('JPIP Referenced Deflate')],
  ['1.2.840.10008.1.2.4.100', unsupported('MPEG2 Main Profile / Main Level')],
  ['1.2.840.10008.1.2.4.101', unsupported('MPEG2 Main Profile / High Level')],
  ['1.2.840.10008.1.2.4.102', unsupported('MPEG-4 AVC/H.264 High Profile')],
  ['1.2.840.10008.1.2.4.103', unsupported('MPEG-4 AVC/H.264 BD-compatible High Profile')],
  ['1.2.840.10008.1.2.4.107', unsupported('HEVC/H.265 Main Profile')],
  ['1.2.840.10008.1.2.4.108', unsupported('HEVC/H.265 Main 10 Profile')],
  ['1.2.840.10008.1.2.4.110', unsupported('JPEG XL Lossless')],
  ['1.2.840.10008.1.2.4.111', unsupported('JPEG XL JPEG Recompression')],
  ['1.2.840.10008.1.2.4.112', unsupported('JPEG XL')],
  ['1.2.840.10008.1.2.1.98', unsupported('Encapsulated Uncompressed Explicit VR Little Endian')],
  ['1.2.840.10008.1.2.8.1', unsupported('Deflated Image Frame Compression')],
]);

/** How pixel data of a transfer syntax is encoded; `unsupported` for those that Wetread does not know. */
export function pixelEncodingOf(transferSyntaxUid: string): PixelEncoding {
  return TRANSFER_SYNTAXES.get(transferSyntaxUid)?.pixelEncoding ?? 'unsupported';
}

/** `JPEG XL (1.2.840.10008.1.2.4.112)`, for the detail of a reason. The UID comes from a file: anything else is not echoed. */
export function describeTransferSyntax(transferSyntaxUid: string): string {
  const shown = /^[\d.]{1,64}$/.test(transferSyntaxUid) ? transferSyntaxUid : 'invalid UID';
  const name = TRANSFER_SYNTAXES.get(transferSyntaxUid)?.name;
  return name === undefined ? shown : `${name} (${shown})`;
}
