/** Copies of a study under UIDs of their own: the same images, another study. */

const ROOT = Buffer.from('2.25.');
/** UIDs stand in front of the pixels. */
const HEADER_BYTES = 4096;

/** Every UID below 2.25 gets other digits in its middle, as many as before. @param copy below 1,000. */
export function* renamed(files: Iterable<Uint8Array>, copy: number): Generator<Uint8Array> {
  for (const file of files) {
    const bytes = Buffer.from(file);
    for (let at = bytes.indexOf(ROOT); at >= 0 && at < HEADER_BYTES; at = bytes.indexOf(ROOT, at + 1)) {
      bytes.write(String(copy).padStart(3, '0'), at + ROOT.length + 10, 'latin1');
    }
    yield bytes;
  }
}
