/** Comparing texts of headers: case, width of spaces and composition of letters say nothing about what was examined. */

/** The form in which two texts are compared. */
export function comparable(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim();
}

/**
 * Whether a whole text matches; `*` stands for any text, nothing else is special. Every piece is taken where it comes
 * first, so that the time is bounded by length of text times length of pattern, whatever they hold.
 */
export function matchesPattern(text: string, pattern: string): boolean {
  const subject = comparable(text);
  const [first = '', ...others] = comparable(pattern).split('*');
  const last = others.pop();
  if (last === undefined) return subject === first;
  if (!subject.startsWith(first)) return false;
  let at = first.length;
  for (const piece of others) {
    const found = subject.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return subject.length - last.length >= at && subject.endsWith(last);
}
