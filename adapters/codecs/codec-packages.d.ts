/** The codec packages ship no types. Each factory instantiates its own WebAssembly module; the options object becomes it. */
interface WasmOptions {
  readonly print: (line: string) => void;
  readonly printErr: (line: string) => void;
}

interface WasmFrameInfo {
  readonly width: number;
  readonly height: number;
  readonly bitsPerSample: number;
  readonly componentCount: number;
  /** Absent in JPEG-LS, which knows only unsigned samples. */
  readonly isSigned?: boolean;
}

/** A throw out of these is a number (a C++ exception) or, after a trap, a `WebAssembly.RuntimeError`. */
interface WasmDecoder {
  /** Memory of the module to copy the code stream into. */
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getFrameInfo(): WasmFrameInfo;
  /** View of the module's memory, valid until `delete` or the next growth. */
  getDecodedBuffer(): Uint8Array;
  delete(): void;
}

interface JpegLsDecoder extends WasmDecoder {
  /** 0: one plane after the other; 1 and 2: samples of a pixel together. */
  getInterleaveMode(): number;
}

declare module '@cornerstonejs/codec-charls/decodewasmjs' {
  const factory: (options: WasmOptions) => Promise<{ readonly JpegLSDecoder: new () => JpegLsDecoder }>;
  export = factory;
}

declare module '@cornerstonejs/codec-openjpeg/decodewasmjs' {
  const factory: (options: WasmOptions) => Promise<{ readonly J2KDecoder: new () => WasmDecoder }>;
  export = factory;
}

declare module '@cornerstonejs/codec-openjph/wasmjs' {
  const factory: (options: WasmOptions) => Promise<{ readonly HTJ2KDecoder: new () => WasmDecoder }>;
  export = factory;
}

declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs' {
  const factory: (options: WasmOptions) => Promise<{ readonly JPEGDecoder: new () => WasmDecoder }>;
  export = factory;
}
