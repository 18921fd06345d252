/** The mask kernel over a memory of its own, which grows to the largest frame that this thread has seen. */
import { KERNEL_BASE64 } from './kernel-module.ts';

/** TypeScript declares WebAssembly for browsers only. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

interface MaskKernel {
  mask16(byteLength: number, mask: number, flip: number): void;
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
}

const PAGE_BYTES = 65_536;

let kernel: MaskKernel | undefined;

function instantiate(): MaskKernel {
  const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
  return new Instance(new Module(Buffer.from(KERNEL_BASE64, 'base64'))).exports as MaskKernel;
}

/**
 * Every 16-bit value of `bytes`, which may start at any address, becomes `(value & mask) ^ flip`.
 * @returns the values, valid until the next call.
 */
export function masked16(bytes: Uint8Array, mask: number, flip: number): Int16Array {
  kernel ??= instantiate();
  const { memory } = kernel;
  const missing = bytes.length - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
  new Uint8Array(memory.buffer).set(bytes);
  kernel.mask16(bytes.length, mask, flip);
  return new Int16Array(memory.buffer, 0, bytes.length / 2);
}
