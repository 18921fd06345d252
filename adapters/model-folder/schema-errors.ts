/** JSON that must satisfy a schema, with everything that is wrong about it at once. */
import type { SchemaComplaint } from '../../src/inference/open-questions.ts';

interface Validator<T> {
  (value: unknown): value is T;
  errors?: readonly SchemaError[] | null;
}

interface SchemaError {
  readonly instancePath: string;
  readonly keyword?: string;
  readonly message?: string;
  readonly params: Record<string, unknown>;
}

export interface Wrong extends SchemaComplaint {
  /** A sentence that begins with the key. */
  readonly text: string;
}

/** `value` where it satisfies the schema; `unchecked` whatever the text holds. */
export interface Parsed<T> {
  readonly value?: T;
  readonly unchecked?: unknown;
  readonly errors: readonly Wrong[];
}

export function parseJson<T>(text: string, validate: Validator<T>): Parsed<T> {
  let unchecked: unknown;
  try {
    unchecked = JSON.parse(text);
  } catch {
    return { errors: [{ key: '', keyword: '', text: 'is not JSON' }] };
  }
  if (validate(unchecked)) return { value: unchecked, unchecked, errors: [] };
  return { unchecked, errors: (validate.errors ?? []).map(describe) };
}

function describe({ instancePath, keyword = '', message, params }: SchemaError): Wrong {
  const extra = params['additionalProperty'];
  const name = typeof extra === 'string' ? ` (${extra})` : '';
  return {
    key: instancePath,
    keyword,
    text: `${instancePath === '' ? '/' : instancePath} ${message ?? 'is invalid'}${name}`,
  };
}
