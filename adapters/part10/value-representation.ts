import { createRequire } from 'node:module';
import type * as Dictionary from 'dcmjs/dictionary';

/** Loaded when it is first asked, synchronously: it takes 19 MiB, and most files name the VR of every element. */
let loaded: typeof Dictionary | undefined;

function dictionary(): (typeof Dictionary)['dictionary'] {
  loaded ??= createRequire(import.meta.url)('dcmjs/dictionary') as typeof Dictionary;
  return loaded.dictionary;
}

const cache = new Map<number, string | undefined>();

/**
 * VR of an element by its tag, for implicit VR and for elements written as UN (PS3.5 6.2.2 note 2).
 * Besides the VRs of PS3.5 it returns `xs` (US or SS, by Pixel Representation) and undefined where nothing is known.
 */
export function dictionaryVr(tag: number): string | undefined {
  if (cache.has(tag)) return cache.get(tag);
  const vr = lookUp(tag);
  cache.set(tag, vr);
  return vr;
}

function lookUp(tag: number): string | undefined {
  const group = tag >>> 16;
  const element = tag & 0xffff;
  if (element === 0) return 'UL';
  if (group % 2 === 1) return element >= 0x10 && element <= 0xff ? 'LO' : undefined;
  const entry = dictionary()[key(hex(group), element)] ?? dictionary()[key(repeating(group), element)];
  return normalise(entry?.vr);
}

/** The dictionary's own shorthand for choices that PS3.6 leaves open. */
function normalise(vr: string | undefined): string | undefined {
  if (vr === 'ox' || vr === 'lt') return 'OW';
  if (vr === 'up') return 'UL';
  return vr === 'na' || vr === 'UN' ? undefined : vr;
}

/** Curves and overlays repeat over groups 5000 to 50FF and 6000 to 60FF (PS3.5 7.6). */
function repeating(group: number): string {
  const base = hex(group & 0xff00);
  return `${base}-${base.slice(0, 2)}FF`;
}

function key(group: string, element: number): string {
  return `(${group},${hex(element)})`;
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(4, '0');
}
