/** Names of attributes in queries: keyword, or eight hexadecimal digits (PS3.18 section 8.3.4.1). */
import { dictionary } from 'dcmjs/dictionary';
import { WetreadError } from '../../../../src/errors.ts';

const byTag = new Map<string, string>();
const byKeyword = new Map<string, string>();
for (const [key, { name, vr }] of Object.entries(dictionary)) {
  const tag = key.replaceAll(/[(),]/g, '').toUpperCase();
  if (!/^[\dA-F]{8}$/.test(tag)) continue;
  byTag.set(tag, vr ?? 'UN');
  byKeyword.set(name, tag);
}

export interface Attribute {
  /** One tag, or the tags from a sequence down to the attribute. */
  readonly path: readonly string[];
  readonly vr: string;
}

/** @throws WetreadError `request-invalid` for a name that is neither a keyword nor a tag. */
export function attributeOf(name: string): Attribute {
  const path = name.split('.').map((part) => {
    const tag = /^[\dA-Fa-f]{8}$/.test(part) ? part.toUpperCase() : byKeyword.get(part);
    if (tag === undefined) throw new WetreadError('request-invalid', 'A name in the query is no attribute');
    return tag;
  });
  return { path, vr: byTag.get(path.at(-1)!) ?? 'UN' };
}
