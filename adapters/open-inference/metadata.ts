/** What a server of the Open Inference Protocol v2 says about itself and its models. */
import { WetreadError } from '../../src/errors.ts';

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
}

export interface ModelMetadata {
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** Goes into reports: what a server calls itself is cut to what a name can be. */
const NAME = /[^\w.+ -]/g;
const LONGEST_NAME = 60;

/** @throws WetreadError `inference-failed` */
export function serverMetadataOf(body: Uint8Array): ServerMetadata {
  const { name, version, extensions } = objectIn(body);
  return {
    name: nameOf(name),
    version: nameOf(version),
    extensions: Array.isArray(extensions) ? extensions.filter((one) => typeof one === 'string') : [],
  };
}

/** Servers that describe no tensors have empty lists. @throws WetreadError `inference-failed` */
export function modelMetadataOf(body: Uint8Array): ModelMetadata {
  const { inputs, outputs } = objectIn(body);
  return { inputs: tensorsOf(inputs), outputs: tensorsOf(outputs) };
}

export function nameOf(value: unknown): string {
  const name = typeof value === 'string' ? value.replace(NAME, '').slice(0, LONGEST_NAME) : '';
  return name === '' ? 'unknown' : name;
}

export function tensorsOf(value: unknown): readonly TensorMetadata[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly Partial<Record<string, unknown>>[]).map((one) => ({
    name: String(one['name']),
    datatype: String(one['datatype']),
  }));
}

function objectIn(body: Uint8Array): Partial<Record<string, unknown>> {
  try {
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Told below.
  }
  throw new WetreadError('inference-failed', 'The inference service describes itself in no way that can be read');
}
