declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs' {
  interface JpegEncoder {
    /** Memory of the module to copy the picture into. */
    getDecodedBuffer(frame: {
      readonly width: number;
      readonly height: number;
      readonly bitsPerSample: number;
      readonly componentCount: number;
      readonly isSigned: boolean;
    }): Uint8Array;
    setProgressive(progressive: boolean): void;
    setQuality(quality: number): void;
    encode(): void;
    /** View of the module's memory, valid until `delete`. */
    getEncodedBuffer(): Uint8Array;
    delete(): void;
  }
  const factory: (options: {
    readonly print: (line: string) => void;
    readonly printErr: (line: string) => void;
  }) => Promise<{ readonly JPEGEncoder: new () => JpegEncoder }>;
  export = factory;
}
