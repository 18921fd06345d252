/** JSON whose whole numbers keep all 64 bits: a number of JavaScript holds 53 of them. */

/** What a reviver is told since ECMAScript's JSON.parse source text access, which the compiler's library does not know yet. */
interface Source {
  readonly source?: string;
}

interface ExactJson {
  rawJSON(text: string): object;
  parse(text: string, reviver: (key: string, value: unknown, context: Source) => unknown): unknown;
}

const exact = JSON as unknown as ExactJson;

/** A value for JSON.stringify that is written digit by digit. */
export function wholeNumber(value: bigint): object {
  return exact.rawJSON(String(value));
}

/**
 * Whole numbers beyond 2^53 become bigint, all else what JSON.parse makes of it.
 * @throws SyntaxError
 */
export function parseExactly(text: string): unknown {
  // Looking at every number costs ten times the parsing; only these datatypes have such numbers.
  if (!/INT64"/.test(text)) return JSON.parse(text) as unknown;
  return exact.parse(text, (_, value, { source }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '')
      ? BigInt(source ?? 0)
      : value,
  );
}
