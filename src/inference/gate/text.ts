/** Facts of a refusal, in words. */

export function millimetres(value: number): string {
  return `${value.toFixed(1)} mm`;
}
