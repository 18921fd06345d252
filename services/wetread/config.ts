/** Configuration: one versioned file, JSON or YAML, checked by schema; every key has a default and no file is needed. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Config } from '../../contracts/generated/types.ts';
import { type ValidationError, validateConfig } from '../../contracts/generated/validators.js';
import { WetreadError } from '../../src/errors.ts';
import { parseRules } from '../../src/inference/rules/parse-rules.ts';
import { contradictions } from './config-contradictions.ts';
import { complaintsOfSources } from './config-sources.ts';
import { keysWithoutEffect } from './config-switches.ts';

export type { Config } from '../../contracts/generated/types.ts';

/** @throws WetreadError `config-invalid`, naming every key that breaks the schema or contradicts another. */
export function parseConfig(raw: unknown, origin = 'configuration'): Config {
  const config: unknown = structuredClone(raw ?? {});
  if (!validateConfig(config)) {
    throw new WetreadError('config-invalid', `${origin}: ${(validateConfig.errors ?? []).map(complaint).join('; ')}`);
  }
  const complaints = [
    ...keysWithoutEffect(raw, config),
    ...contradictions(config),
    ...complaintsOfSources(config),
    ...complaintsOfRules(config),
  ];
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

function complaintsOfRules({ rules }: Config): readonly string[] {
  try {
    parseRules(rules);
    return [];
  } catch (error) {
    return [WetreadError.from(error).message];
  }
}

function complaint(error: ValidationError): string {
  const key = error.instancePath.slice(1).replaceAll('/', '.') || 'the file';
  const { additionalProperty: unknownKey, allowedValues } = error.params;
  if (typeof unknownKey === 'string') return `${key} has an unknown key '${unknownKey}'`;
  return `${key} ${error.message}${Array.isArray(allowedValues) ? `: ${allowedValues.join(', ')}` : ''}`;
}
