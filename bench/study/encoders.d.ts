/** The complete builds of the codec packages, which encode too; the product uses those that only decode. */
interface FrameEncoder {
  getDecodedBuffer(info: {
    readonly width: number;
    readonly height: number;
    readonly bitsPerSample: number;
    readonly componentCount: number;
    readonly isSigned: boolean;
  }): Uint8Array;
  encode(): void;
  /** View of the module's memory. */
  getEncodedBuffer(): Uint8Array;
  delete(): void;
}

declare module '@cornerstonejs/codec-charls/wasmjs' {
  const factory: (options: object) => Promise<{ readonly JpegLSEncoder: new () => FrameEncoder }>;
  export = factory;
}

declare module '@cornerstonejs/codec-openjpeg/wasmjs' {
  const factory: (options: object) => Promise<{ readonly J2KEncoder: new () => FrameEncoder }>;
  export = factory;
}
