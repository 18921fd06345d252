/**
 * Recommended Display CIELab Value (PS3.3 C.10.7.1.1): CIELab as an ICC profile connection space has it, that is under
 * D50, each component spread over 16 bits: L* 0 to 100, a* and b* -128 to 127.
 */

/** sRGB (IEC 61966-2-1) to XYZ, adapted from D65 to D50 by Bradford, as ICC profiles of sRGB have it. */
const TO_XYZ_D50 = [
  [0.4360747, 0.3850649, 0.1430804],
  [0.2225045, 0.7168786, 0.0606169],
  [0.0139322, 0.0971045, 0.7141733],
] as const;

/** Sums of the rows above: white. */
const WHITE_D50 = TO_XYZ_D50.map((row) => row[0] + row[1] + row[2]);

/** @param color sRGB, 0 to 255 */
export function recommendedDisplayCIELab(color: readonly [number, number, number]): readonly number[] {
  const linear = color.map((component) => linearLight(component / 255));
  const [x, y, z] = TO_XYZ_D50.map((row, axis) => {
    const value = row.reduce((sum, weight, i) => sum + weight * linear[i]!, 0);
    return lightness(value / WHITE_D50[axis]!);
  });
  const [l, a, b] = [116 * y! - 16, 500 * (x! - y!), 200 * (y! - z!)];
  return [sixteenBits(l / 100), sixteenBits((a + 128) / 255), sixteenBits((b + 128) / 255)];
}

function linearLight(component: number): number {
  return component <= 0.04045 ? component / 12.92 : ((component + 0.055) / 1.055) ** 2.4;
}

/** The cube root of CIELab, with its straight part near black (CIE 15). */
function lightness(ratio: number): number {
  return ratio > (6 / 29) ** 3 ? Math.cbrt(ratio) : ratio / (3 * (6 / 29) ** 2) + 4 / 29;
}

function sixteenBits(fraction: number): number {
  return Math.round(Math.min(1, Math.max(0, fraction)) * 65535);
}
