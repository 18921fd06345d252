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

/** What a schema has against a value. */
export interface SchemaComplaint {
  /** JSON pointer. */
  readonly key: string;
  /** Of the schema, such as `required`. */
  readonly keyword: string;
}

/** Keywords of a schema that say that no alternative fits. */
const ALTERNATIVES = ['oneOf', 'discriminator'];

/**
 * Without complaints that only say that a question is open: at or below it, and of alternatives none of which can fit
 * before it is answered.
 */
export function beyondOpenQuestions<T extends SchemaComplaint>(
  complaints: readonly T[],
  open: readonly OpenQuestion[],
): readonly T[] {
  const undecided = complaints.filter(
    ({ key, keyword }) => ALTERNATIVES.includes(keyword) && open.some((one) => isIn(one.key, key)),
  );
  const hidden = [...open, ...undecided].map(({ key }) => key);
  return complaints.filter(({ key }) => !hidden.some((outer) => isIn(key, outer)));
}

function isIn(key: string, outer: string): boolean {
  return key === outer || key.startsWith(`${outer}/`);
}
