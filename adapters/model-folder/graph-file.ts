/** A graph file with the files that it names: looked at before a runtime opens any of them. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { WetreadError } from '../../src/errors.ts';
import type { GraphFacts } from '../../src/inference/graph-facts.ts';
import { readGraph } from './onnx-graph.ts';
import { isPathInside, tensorComplaints } from './stored-tensors.ts';

export interface GraphFile {
  readonly facts: GraphFacts;
  /** Files that hold data of its tensors, relative to the folder. */
  readonly weights: readonly string[];
  /** What speaks against loading it. */
  readonly complaints: readonly string[];
}

/** @throws WetreadError `package-invalid`, naming the file, where it is no ONNX model. */
export async function readGraphFile(folder: string, file: string): Promise<GraphFile> {
  const facts = factsOf(file, await readFile(join(folder, file)));
  const weights = [...new Set(facts.tensors.flatMap(({ external }) => external?.location ?? []))];
  const sizes = new Map<string, number>();
  for (const location of weights) {
    const size = isPathInside(location) ? await sizeInside(folder, location) : undefined;
    if (size !== undefined) sizes.set(location, size);
  }
  return { facts, weights, complaints: tensorComplaints(facts, sizes) };
}

function factsOf(file: string, bytes: Uint8Array): GraphFacts {
  try {
    return readGraph(bytes);
  } catch (cause) {
    const { message } = WetreadError.from(cause, 'package-invalid');
    throw new WetreadError('package-invalid', `${file} ${message}`, { cause });
  }
}

/** Undefined also where the path leads out of the folder by a link. */
async function sizeInside(folder: string, location: string): Promise<number | undefined> {
  try {
    const path = await realpath(join(folder, location));
    return path.startsWith((await realpath(folder)) + sep) ? (await stat(path)).size : undefined;
  } catch {
    return undefined;
  }
}

/** For a server that knows nothing of packages but their graphs. @throws WetreadError `package-invalid` */
export async function requireContainedGraph(folder: string, file: string): Promise<void> {
  const { complaints } = await readGraphFile(folder, file);
  if (complaints.length > 0) throw new WetreadError('package-invalid', `${file}: ${complaints.join('; ')}`);
}
