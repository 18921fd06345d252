/** What a graph declares must be there: sizes that fit their data, and data that lies in the package. */
import type { GraphFacts, StoredTensor } from '../../src/inference/graph-facts.ts';

/** A message of Protocol Buffers holds 2 GiB; no single tensor that a volume becomes or that weights are has more elements. */
const MOST_ELEMENTS = 2 ** 31;

/** @param sizes bytes of the files in the package that the graph names. @returns sentences about the graph, without its file's name. */
export function tensorComplaints(graph: GraphFacts, sizes: ReadonlyMap<string, number>): string[] {
  const values = [...graph.inputs, ...graph.outputs].flatMap(({ name, shape }) => {
    const fixed = (shape ?? []).filter((size) => typeof size === 'number');
    return isHuge(fixed) ? [`${printable(name)} declares ${fixed.join(' × ')} elements`] : [];
  });
  return [...values, ...new Set(graph.tensors.flatMap((tensor) => complaintAbout(tensor, sizes) ?? []))];
}

function complaintAbout(tensor: StoredTensor, sizes: ReadonlyMap<string, number>): string | undefined {
  const { shape, bitsPerElement, inline, external } = tensor;
  const name = tensor.name === '' ? 'a constant' : `tensor ${printable(tensor.name)}`;
  if (isHuge(shape)) return `${name} declares ${shape.join(' × ')} elements`;
  const bytes = Math.ceil((product(shape) * bitsPerElement) / 8);
  if (external !== undefined) {
    const wrong = complaintAboutFile(external, bytes, sizes);
    return wrong === undefined ? undefined : `${name} ${wrong}`;
  }
  // Lists of numbers are written with as few bytes as each needs, at least one; only raw data has a length to compare.
  const fits = inline.raw ? inline.bytes === bytes : product(shape) <= inline.bytes * 4;
  return fits ? undefined : `${name} declares ${product(shape)} elements and holds ${inline.bytes} bytes`;
}

function complaintAboutFile(
  { location, offset, length }: NonNullable<StoredTensor['external']>,
  bytes: number,
  sizes: ReadonlyMap<string, number>,
): string | undefined {
  if (!isPathInside(location)) return `has its data outside the package: ${printable(location)}`;
  const size = sizes.get(location);
  if (size === undefined) return `has its data in ${printable(location)}, which is not in the package`;
  const needed = length ?? bytes;
  const isWhole = Number.isSafeInteger(offset) && Number.isSafeInteger(needed) && offset >= 0 && needed >= bytes;
  return isWhole && offset + needed <= size ? undefined : `does not fit into ${printable(location)}`;
}

/** Relative, downwards, the same on every system: no drive, no backslash, no empty, `.` or `..` part. */
export function isPathInside(path: string): boolean {
  return (
    !/[\\:]/.test(path) &&
    !path.includes('\0') &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

function isHuge(shape: readonly number[]): boolean {
  return product(shape) > MOST_ELEMENTS || shape.some((size) => size > MOST_ELEMENTS);
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, size) => total * size, 1);
}

/** Names come from a stranger's file and go to a terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '�').slice(0, 120);
}
