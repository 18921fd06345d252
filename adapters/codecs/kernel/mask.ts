/**
 * Keeps the bits of stored values and drops what lies beside them, eight values at a time, in AssemblyScript: `npm run
 * kernel` compiles it into ../kernel-module.ts; tsc never sees it. Works in place, from the start of the memory; up to
 * fifteen bytes behind the values are changed too.
 */

/** Every 16-bit value becomes `(value & mask) ^ flip`. */
export function mask16(byteLength: usize, mask: i16, flip: i16): void {
  const masks = i16x8.splat(mask);
  const flips = i16x8.splat(flip);
  for (let at: usize = 0; at < byteLength; at += 16) {
    v128.store(at, v128.xor(v128.and(v128.load(at), masks), flips));
  }
}
