/** `golden/NAME.json` of a package, with the values of its tensors in gzip files beside it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { validateGoldenCase } from '../../contracts/generated/validators.js';
import { WetreadError } from '../../src/errors.ts';
import type { GoldenCase, GoldenTensor } from '../../src/inference/golden.ts';
import { DATATYPE_BITS, type GraphFacts, type GraphValue } from '../../src/inference/graph-facts.ts';
import { parseJson } from './schema-errors.ts';

export const GOLDEN = 'golden';

export interface NamedCase {
  readonly name: string;
  readonly case: GoldenCase;
}

export interface GoldenCases {
  readonly cases: readonly NamedCase[];
  /** Sentences that begin with the file. */
  readonly complaints: readonly string[];
}

/** @param names every file of the package. */
export async function goldenCases(folder: string, names: readonly string[], graph?: GraphFacts): Promise<GoldenCases> {
  const files = names.filter((name) => /^golden\/[^/]+\.json$/.test(name));
  const cases: NamedCase[] = [];
  const complaints: string[] = [];
  for (const file of files) {
    const text = await readFile(join(folder, file), 'utf8');
    const { value, errors } = parseJson(text, validateGoldenCase);
    const wrong = value === undefined ? errors.map(({ text: what }) => what) : await complaintsOf(folder, value, graph);
    complaints.push(...wrong.map((what) => `${file}: ${what}`));
    if (value !== undefined) cases.push({ name: file.slice(GOLDEN.length + 1, -'.json'.length), case: value });
  }
  return { cases, complaints };
}

async function complaintsOf(folder: string, golden: GoldenCase, graph?: GraphFacts): Promise<string[]> {
  const outputs = golden.outputs.map(({ tensor }) => tensor);
  const found: string[] = [];
  for (const tensor of [...golden.inputs, ...outputs]) {
    const wrong = await goldenBytes(folder, tensor).then(
      (bytes) => (isNoNumber(tensor, bytes) ? `${GOLDEN}/${tensor.file} holds no number, only NaN` : undefined),
      (error: unknown) => WetreadError.from(error).message,
    );
    if (wrong !== undefined) found.push(wrong);
  }
  if (graph === undefined) return found;
  return [
    ...found,
    ...golden.inputs.flatMap((tensor) => unlike(tensor, 'input', graph.inputs)),
    ...outputs.flatMap((tensor) => unlike(tensor, 'output', graph.outputs)),
    ...graph.inputs
      .filter(({ name }) => !golden.inputs.some((tensor) => tensor.name === name))
      .map(({ name }) => `${name}, an input of the graph, is missing`),
  ];
}

/** A graph that gives NaN would be found to give what it gave, and be refused at every study. */
function isNoNumber({ datatype }: GoldenTensor, bytes: Uint8Array): boolean {
  if (datatype !== 'FP32' || bytes.byteLength === 0) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.byteLength; at += 4) if (!Number.isNaN(view.getFloat32(at, true))) return false;
  return true;
}

function unlike(tensor: GoldenTensor, kind: string, values: readonly GraphValue[]): string[] {
  const { name, datatype, shape } = tensor;
  const value = values.find((one) => one.name === name);
  if (value === undefined) return [`the graph has no ${kind} ${name}`];
  const fits = value.shape === undefined || value.shape.length === shape.length;
  return value.datatype === datatype && fits
    ? []
    : [`${name} is ${datatype} [${shape.join(', ')}], unlike in the graph`];
}

/**
 * The values, little-endian, row-major. No more is unpacked than the shape asks for.
 * @throws WetreadError `package-invalid` naming the file
 */
export async function goldenBytes(folder: string, { file, datatype, shape }: GoldenTensor): Promise<Uint8Array> {
  const expected = (shape.reduce((product, size) => product * size, 1) * DATATYPE_BITS[datatype]!) / 8;
  const name = `${GOLDEN}/${file}`;
  const packed = await readFile(join(folder, GOLDEN, file)).catch(() => undefined);
  if (packed === undefined) throw new WetreadError('package-invalid', `${name} is missing`);
  const bytes = await unzip(packed, { maxOutputLength: Math.min(expected + 1, MOST_BYTES) }).catch(() => undefined);
  if (bytes?.length === expected) return bytes;
  throw new WetreadError('package-invalid', `${name} does not hold ${expected} bytes in gzip`);
}

const MOST_BYTES = 2 ** 30;
const unzip = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);
