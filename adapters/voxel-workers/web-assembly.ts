/** The part of WebAssembly that is used here: TypeScript declares it for browsers only. */
export interface SharedWasmMemory {
  /** The whole memory; a new object after each growth. */
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}

interface WebAssemblyApi {
  readonly Memory: new (limits: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => SharedWasmMemory;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: { readonly env: { readonly memory: SharedWasmMemory } },
  ) => { readonly exports: unknown };
}

declare const compiledModule: unique symbol;
export interface WasmModule {
  readonly [compiledModule]: true;
}

export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
