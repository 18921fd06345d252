/**
 * Files that a package must not bring. Nothing here would open them; the next tool of whoever installs the package
 * might, and unpickling runs code. An archive hides names and bytes from every check, so it is refused as well:
 * PyTorch's and NumPy's are archives with pickles.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';

const PICKLED = /\.(pkl|pickle|pt|pth|ckpt|joblib|dill|torch|mar)$/i;
const MOST_FILES = 10_000;
/** What every file system can hold and no shell misreads. */
const PORTABLE = /^[A-Za-z0-9._+-]+(\/[A-Za-z0-9._+-]+)*$/;

/** Sentences that begin with the name of the file. */
export async function forbiddenFiles(folder: string, names: readonly string[]): Promise<string[]> {
  if (names.length > MOST_FILES) return [`The package has ${names.length} files; more than ${MOST_FILES} are refused`];
  const found: string[] = [];
  for (const name of names) {
    const wrong = PORTABLE.test(name) ? await complaintAbout(join(folder, name), name) : NOT_PORTABLE;
    if (wrong !== undefined) found.push(`${name.replace(/\p{Cc}/gu, '�')} ${wrong}`);
  }
  return found;
}

const NOT_PORTABLE = 'has a name with characters other than letters, digits and . _ + -';

/** A local file, or the end of an empty archive. */
const ZIP_STARTS: readonly string[] = ['504b0304', '504b0506'];

async function complaintAbout(path: string, name: string): Promise<string | undefined> {
  if (PICKLED.test(name)) return 'may hold pickled objects, which run code when they are loaded';
  const start = await firstBytes(path, 4);
  if (isPickle(start)) return 'holds pickled objects, which run code when they are loaded';
  if (ZIP_STARTS.includes(start.toString('hex'))) return 'is a zip archive, whose content no checksum names';
  return undefined;
}

/** PROTO opcode of protocols 2 to 5 and the opcode after it: FRAME, or one that begins an object. */
function isPickle(start: Buffer): boolean {
  const [proto, version, opcode] = start;
  return proto === 0x80 && version! >= 2 && version! <= 5 && opcode !== undefined && OPCODES.includes(opcode);
}

const OPCODES = Buffer.from('\x95}](cKMJXU\x8a\x8c)NG\x88\x89BC', 'latin1');

async function firstBytes(path: string, length: number): Promise<Buffer> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
  return buffer.subarray(0, bytesRead);
}
