/** Media types with parameters (RFC 9110 section 8.3.1), as DICOMweb stretches them (PS3.18 section 8.7). */

export interface MediaType {
  /** Lower case, such as `multipart/related`. */
  readonly type: string;
  /** Names in lower case; values as given, without their quotes. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = String.raw`[!#$%&'*+.^_\`|~0-9A-Za-z-]+`;
const TYPE = new RegExp(String.raw`^\s*(${TOKEN}/${TOKEN})\s*(;.*)?$`, 's');
/** A value may hold `/` without quotes: `type=application/dicom` is common though RFC 9110 asks for quotes. */
const PARAMETER = new RegExp(String.raw`;\s*(?:(${TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,"\s]+))\s*)?`, 'gsy');

/** @returns undefined where the text is no media type. */
export function parseMediaType(text: string): MediaType | undefined {
  const [, type, rest = ''] = TYPE.exec(text) ?? [];
  if (type === undefined) return undefined;
  const parameters = new Map<string, string>();
  let read = 0;
  for (const match of rest.matchAll(PARAMETER)) {
    read += match[0].length;
    const [, name, quoted, bare] = match;
    if (name !== undefined) parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/gs, '$1') ?? bare ?? '');
  }
  return read === rest.length ? { type: type.toLowerCase(), parameters } : undefined;
}
