/** A card that is being written holds questions in place of answers. While one is open, the package is refused. */

const MARK = 'OPEN: ';

/** What stands in a card in place of an answer. */
export function openQuestion(text: string): string {
  return `${MARK}${text}`;
}

export interface OpenQuestion {
  /** JSON pointer into the card. */
  readonly key: string;
  readonly question: string;
}

/** Every question that is still open, in the order of the card. */
export function openQuestions(value: unknown, key = ''): readonly OpenQuestion[] {
  if (typeof value === 'string') return value.startsWith(MARK) ? [{ key, question: value.slice(MARK.length) }] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => openQuestions(inner, `${key}/${name}`));
}

/** A complaint at this key says no more than that a question at, below or above it is open. */
export function isAboutOpenQuestion(key: string, open: readonly OpenQuestion[]): boolean {
  return open.some((one) => one.key === key || one.key.startsWith(`${key}/`) || key.startsWith(`${one.key}/`));
}
