/** `BASIS[u * 8 + x]` = C(u) / 2 · cos((2x + 1) u π / 16) (ITU-T T.81 A.3.3). */
const BASIS = Float64Array.from({ length: 64 }, (_, i) => {
  const u = i >> 3;
  const x = i & 7;
  return (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16);
});

const half = new Float64Array(64);

/** Inverse DCT of one 8×8 block in place, rows then columns. */
export function inverseDct(block: Float64Array): void {
  for (let v = 0; v < 8; v += 1) {
    for (let x = 0; x < 8; x += 1) {
      let sum = 0;
      for (let u = 0; u < 8; u += 1) sum += block[v * 8 + u]! * BASIS[u * 8 + x]!;
      half[v * 8 + x] = sum;
    }
  }
  for (let x = 0; x < 8; x += 1) {
    for (let y = 0; y < 8; y += 1) {
      let sum = 0;
      for (let v = 0; v < 8; v += 1) sum += half[v * 8 + x]! * BASIS[v * 8 + y]!;
      block[y * 8 + x] = sum;
    }
  }
}
