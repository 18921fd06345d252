/** Graph files of model packages, and what a graph takes and gives. Nothing here needs onnxruntime. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { WetreadError } from '../../src/errors.ts';
import type { ModelCard } from '../../src/inference/model-package.ts';
import type { Datatype } from '../../src/inference/tensor.ts';

/** A graph file and the digest that its package states. */
export interface Graph {
  readonly path: string;
  /** `sha256:…` of the file. */
  readonly digest: string;
}

/** The graph of a package. @throws WetreadError `package-invalid` where it is run by another server */
export function graphOf(folder: string, { runtime }: Pick<ModelCard, 'runtime'>): Graph {
  if (runtime.kind !== 'onnx') throw new WetreadError('package-invalid', 'The package has no graph of its own');
  return { path: join(folder, runtime.file), digest: `sha256:${runtime.sha256}` };
}

/** An input or output of a graph; -1 is a size that may vary. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
}

export interface GraphInterface {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Execution provider that the graph was loaded with. */
  readonly provider: string;
}

export interface MissingProvider {
  readonly provider: string;
  readonly reason: 'not-built-in' | 'library-missing' | 'driver-missing' | 'device-missing' | 'failed';
  /** For an operator. */
  readonly because: string;
}

export interface ProviderSearch {
  readonly found: readonly string[];
  readonly missing: readonly MissingProvider[];
}

/** @throws WetreadError `package-invalid` where the file is not what its package states */
export async function verifyGraph({ path, digest }: Graph): Promise<void> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (cause) {
    throw new WetreadError('package-invalid', 'The graph file cannot be read', { cause });
  }
  if (`sha256:${hash.digest('hex')}` !== digest) {
    throw new WetreadError('package-invalid', 'The graph file differs from the digest that its package states');
  }
}
