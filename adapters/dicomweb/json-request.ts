/** One GET whose answer is JSON, to an interface that an archive has beside DICOMweb. */
import { WetreadError } from '../../src/errors.ts';
import { requireStatus } from './faults.ts';
import { exchange, type HttpOptions } from './http.ts';

/** @returns undefined for 204, and for 404 where that is an answer */
export async function getJson(
  options: HttpOptions,
  path: string,
  mayBeMissing: boolean,
  signal: AbortSignal,
): Promise<unknown> {
  const request = { method: 'GET', url: `${options.url}${path}`, headers: { accept: 'application/json' } } as const;
  const { status, text } = await exchange(options, request, signal);
  if (status === 204 || (mayBeMissing && status === 404)) return undefined;
  requireStatus(status, [200]);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WetreadError('archive-refused', 'The archive answered something else than JSON', { cause });
  }
}

/** An object, by the names of what it holds; nothing of anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value))
    throw new WetreadError('archive-refused', 'The archive answered something else than a list');
  return value as unknown[];
}
