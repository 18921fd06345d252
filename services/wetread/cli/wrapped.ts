/** Prose on a terminal: lines that the eye can follow, whatever the width of the window. */

const WIDTH = 100;

/** The line in parts of at most 100 characters; those behind the first of an item are set in. A longer word stays whole. */
export function wrapped(line: string): readonly string[] {
  const indent = /^ *(?:- )?/.exec(line)?.[0] ?? '';
  const hanging = ' '.repeat(indent === '' || indent.endsWith('- ') ? indent.length : indent.length + 2);
  const lines: string[] = [];
  let current = indent;
  for (const word of line.slice(indent.length).split(' ')) {
    const isBegun = current.trimEnd() !== '' && current !== indent;
    if (isBegun && current.length + 1 + word.length > WIDTH) {
      lines.push(current);
      current = hanging + word;
    } else current = isBegun ? `${current} ${word}` : current + word;
  }
  return [...lines, current];
}
