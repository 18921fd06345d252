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
  // That no alternative has such a kind is said of the kind itself, with the kinds that there are.
  const errors = (validate.errors ?? []).filter(({ keyword }) => keyword !== 'discriminator');
  return { unchecked, errors: errors.map(describe) };
}

function describe({ instancePath, keyword = '', message = 'is invalid', params }: SchemaError): Wrong {
  const key = instancePath;
  return { key, keyword, text: `${key === '' ? '/' : key} ${message}${detailOf(params)}` };
}

/** What the message leaves out: the key that is too many, the values that would do. */
function detailOf({ additionalProperty: extra, allowedValues, allowedValue }: SchemaError['params']): string {
  if (typeof extra === 'string') return ` (${extra})`;
  if (Array.isArray(allowedValues)) return `: ${allowedValues.join(', ')}`;
  return allowedValue === undefined ? '' : `: ${JSON.stringify(allowedValue)}`;
}
