/** Configuration: one versioned file, JSON or YAML, checked by schema; every key has a default and no file is needed. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Config } from '../../contracts/generated/types.ts';
import { type ValidationError, validateConfig } from '../../contracts/generated/validators.js';
import { WetreadError } from '../../src/errors.ts';
import { complaintsOfSources } from './config-sources.ts';

export type { Config } from '../../contracts/generated/types.ts';

/** @throws WetreadError `config-invalid`, naming every key that breaks the schema. */
export function parseConfig(raw: unknown, origin = 'configuration'): Config {
  const config: unknown = structuredClone(raw ?? {});
  if (!validateConfig(config)) {
    throw new WetreadError('config-invalid', `${origin}: ${(validateConfig.errors ?? []).map(complaint).join('; ')}`);
  }
  requireUrl(config.archive.kind === 'dicomweb', config.archive.url, 'archive.url', origin);
  for (const [index, { url }] of config.archives.entries()) requireUrl(true, url, `archives.${index}.url`, origin);
  requireDistinct(
    config.archives.map(({ name }) => name),
    'archives: the name',
    origin,
  );
  requireUrl(config.ledger.kind === 'postgres', config.ledger.url, 'ledger.url', origin);
  requireUrl(config.healthRecord.kind === 'fhir', config.healthRecord.url, 'healthRecord.url', origin);
  const complaints = complaintsOfSources(config);
  if (complaints.length > 0) throw new WetreadError('config-invalid', `${origin}: ${complaints.join('; ')}`);
  return config;
}

export function loadConfig(path: string | undefined): Config {
  if (path === undefined) return parseConfig({});
  try {
    return parseConfig(parse(readFileSync(path, 'utf8')), path);
  } catch (error) {
    if (error instanceof WetreadError) throw error;
    // The parser draws the place on further lines; its first names line and column.
    const [complaint] = (error as Error).message.split(/:?\n/);
    throw new WetreadError('config-invalid', `${path}: ${complaint}`, { cause: error });
  }
}

function requireUrl(needed: boolean, url: string | undefined, key: string, origin: string): void {
  if (needed && (url === undefined || !URL.canParse(url))) {
    throw new WetreadError('config-invalid', `${origin}: ${key} must be a URL`);
  }
}

function requireDistinct(names: readonly string[], what: string, origin: string): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new WetreadError('config-invalid', `${origin}: ${what} '${twice}' stands twice`);
}

function complaint(error: ValidationError): string {
  const key = error.instancePath.slice(1).replaceAll('/', '.') || 'the file';
  const unknownKey = error.params['additionalProperty'];
  return typeof unknownKey === 'string' ? `${key} has an unknown key '${unknownKey}'` : `${key} ${error.message}`;
}
