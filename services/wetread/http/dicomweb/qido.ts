/** QIDO-RS (PS3.18 section 10.6). */
import type { Request, RequestHandler } from 'express';
import type { Level } from '../../../../adapters/directory/attributes.ts';
import type { SearchQuery } from '../../../../adapters/directory/search.ts';
import { type DicomDataSet, stringOf } from '../../../../src/dicom-json.ts';
import { WetreadError } from '../../../../src/errors.ts';
import { jsonType } from './accept.ts';
import { jsonArray, sendStream } from './body.ts';
import { attributeOf } from './dictionary.ts';
import type { DicomwebOptions } from './options.ts';
import { addressOf, addressUrl, baseOf } from './resource.ts';

const MAX_RESULTS = 10_000;

export function searchHandler(level: Level, { archive, limits }: DicomwebOptions): RequestHandler {
  return async (request, response) => {
    const type = jsonType(request);
    const { query, fuzzy } = parseQuery(request, level, limits.maxResults ?? MAX_RESULTS);
    const { total, dataSets } = archive.search(query);
    const further = total - query.offset - query.limit;
    if (further > 0) warn(request, `There are ${further} additional results that can be requested`);
    if (fuzzy) warn(request, 'The fuzzymatching parameter is not supported. Only literal matching has been performed.');
    if (total <= query.offset) return void response.status(204).end();
    const base = baseOf(request);
    response.status(200).type(type);
    await sendStream(
      response,
      jsonArray(dataSets, (dataSet) => withRetrieveUrl(level, base, dataSet)),
    );
  };
}

function warn({ res }: Request, text: string): void {
  res?.append('Warning', `299 wetread "${text}"`);
}

function withRetrieveUrl(level: Level, base: string, dataSet: DicomDataSet): DicomDataSet {
  const url = addressUrl(base, {
    studyInstanceUid: stringOf(dataSet, '0020000D') ?? '',
    seriesInstanceUid: level === 'study' ? undefined : stringOf(dataSet, '0020000E'),
    sopInstanceUid: level === 'instance' ? stringOf(dataSet, '00080018') : undefined,
  });
  return { ...dataSet, '00081190': { vr: 'UR', Value: [url] } };
}

/** What the query may hold besides attributes. */
interface Settings {
  include: string[] | 'all';
  limit: number;
  offset: number;
  fuzzy: boolean;
}

/** @throws WetreadError `request-invalid` for parameters that are unknown, malformed or repeated. */
function parseQuery(request: Request, level: Level, maxResults: number): { query: SearchQuery; fuzzy: boolean } {
  const settings: Settings = { include: [], limit: maxResults, offset: 0, fuzzy: false };
  const matches: SearchQuery['matches'][number][] = [];
  const seen = new Set<string>();
  for (const [name, value] of new URL(request.originalUrl, 'http://localhost').searchParams) {
    const setting = SETTINGS[name];
    const attribute = setting === undefined ? attributeOf(name) : undefined;
    const key = attribute?.path.join('.') ?? name;
    if (seen.has(key) && name !== 'includefield') throw invalid('A parameter is repeated');
    seen.add(key);
    if (attribute !== undefined) matches.push({ ...attribute, value });
    setting?.(settings, value);
  }
  const { include, offset, fuzzy } = settings;
  const limit = Math.min(settings.limit, maxResults);
  const { studyInstanceUid, seriesInstanceUid } = addressOf(request);
  const parents = {
    ...(studyInstanceUid !== undefined && { studyInstanceUid }),
    ...(seriesInstanceUid !== undefined && { seriesInstanceUid }),
  };
  return { query: { level, ...parents, matches, include, offset, limit }, fuzzy };
}

const SETTINGS: Readonly<Record<string, (settings: Settings, value: string) => void>> = {
  includefield: (settings, value) => {
    const names = value.split(',').filter((name) => name !== '');
    if (names.includes('all')) settings.include = 'all';
    // Whole sequences are returned, so the first tag of a path is enough.
    const tags = names.filter((name) => name !== 'all').map((name) => attributeOf(name).path[0]!);
    if (settings.include !== 'all') settings.include.push(...tags);
  },
  limit: (settings, value) => {
    settings.limit = wholeNumber(value);
  },
  offset: (settings, value) => {
    settings.offset = wholeNumber(value);
  },
  fuzzymatching: (settings, value) => {
    settings.fuzzy = truth(value);
  },
  // Empty values and lists are always understood; the switches are read so that a wrong one is noticed.
  emptyvaluematching: (_settings, value) => void truth(value),
  multiplevaluematching: (_settings, value) => void truth(value),
  // Content negotiation reads it.
  accept: () => {},
};

function wholeNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw invalid('limit and offset are whole numbers');
  return Number(value);
}

function truth(value: string): boolean {
  if (value !== 'true' && value !== 'false') throw invalid('A switch is neither true nor false');
  return value === 'true';
}

function invalid(message: string): WetreadError {
  return new WetreadError('request-invalid', message);
}
