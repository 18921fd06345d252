/**
 * QIDO-RS over the index (PS3.18 section 10.6). SQL narrows the candidates, the matcher decides; only the page that
 * was asked for is built.
 */
import type { DicomDataSet, ValueRepresentation } from '../../src/dicom-json.ts';
import { WetreadError } from '../../src/errors.ts';
import {
  COMPUTED_KEYS,
  CONDITIONAL_KEYS,
  DEFAULT_KEYS,
  element,
  isIndexed,
  isVisibleAt,
  type Level,
} from './attributes.ts';
import { dataSetOf, type InstanceIndex, type Row, text } from './instance-index.ts';
import { type AttributeMatch, matcherOf } from './matching.ts';

export interface SearchQuery {
  readonly level: Level;
  /** From the path of the resource; results then leave out the attributes of these levels. */
  readonly studyInstanceUid?: string;
  readonly seriesInstanceUid?: string;
  readonly matches: readonly AttributeMatch[];
  /** Tags of attributes to return besides the default ones. */
  readonly include: readonly string[] | 'all';
  readonly offset: number;
  readonly limit: number;
}

export interface SearchResult {
  /** Matches of the whole archive, before offset and limit. */
  readonly total: number;
  /** The page, in the order of arrival; stable while nothing is stored. */
  readonly dataSets: AsyncIterable<DicomDataSet>;
}

/** Reads the data set of an instance from its file, for attributes that the index does not hold. */
export type DataSetReader = (path: string) => Promise<DicomDataSet | undefined>;

const SELECT: Readonly<Record<Level, string>> = {
  study: `SELECT study.rowid AS id, study.study_instance_uid, study.attributes AS study_attributes FROM study`,
  series: `SELECT series.rowid AS id, series.study_instance_uid, series.series_instance_uid,
    study.attributes AS study_attributes, series.attributes AS series_attributes
    FROM series JOIN study USING (study_instance_uid)`,
  instance: `SELECT instance.rowid AS id, instance.study_instance_uid, instance.series_instance_uid,
    instance.sop_instance_uid, instance.sop_class_uid, instance.transfer_syntax_uid, instance.path,
    study.attributes AS study_attributes, series.attributes AS series_attributes, instance.attributes
    FROM instance JOIN series USING (study_instance_uid, series_instance_uid) JOIN study USING (study_instance_uid)`,
};

/** @throws WetreadError `request-invalid` where a value does not fit its attribute. */
export function search(index: InstanceIndex, query: SearchQuery, readDataSet: DataSetReader): SearchResult {
  const { level, offset, limit } = query;
  for (const { path } of query.matches) checkMatchable(level, path[0]!);
  const [where, values] = narrow(query);
  const matches = matcherOf(query.matches);
  const computes = query.matches.some(({ path }) => path[0]! in COMPUTED_KEYS);
  const ids: number[] = [];
  for (const row of index.iterate(`${SELECT[level]} ${where} ORDER BY ${level}.rowid`, ...values)) {
    if (query.matches.length > 0 && !matches(merged(index, level, row, computes))) continue;
    ids.push(Number(row['id']));
  }
  return { total: ids.length, dataSets: page(index, query, ids.slice(offset, offset + limit), readDataSet) };
}

function checkMatchable(level: Level, tag: string): void {
  if (!isVisibleAt(level, tag)) throw new WetreadError('request-invalid', `${tag} is not an attribute of a ${level}`);
  if (!isIndexed(tag)) throw new WetreadError('request-invalid', `${tag} cannot be searched for`);
}

async function* page(
  index: InstanceIndex,
  query: SearchQuery,
  ids: readonly number[],
  readDataSet: DataSetReader,
): AsyncGenerator<DicomDataSet, void, undefined> {
  const { level, include } = query;
  const readsFile = level === 'instance' && (include === 'all' || include.some((tag) => !isIndexed(tag)));
  for (const id of ids) {
    const row = index.get(`${SELECT[level]} WHERE ${level}.rowid = ?`, id);
    if (row === undefined) continue;
    const file = readsFile ? await readDataSet(text(row, 'path')) : undefined;
    yield returned(query, { ...merged(index, level, row, true), ...(file && attributesOfFile(file)) });
  }
}

function attributesOfFile(dataSet: DicomDataSet): DicomDataSet {
  return Object.fromEntries(Object.entries(dataSet).filter(([tag]) => !(tag in COMPUTED_KEYS) && tag !== '00080005'));
}

/** Conditions that indexes serve. They may let too much through, never too little. */
function narrow(query: SearchQuery): [where: string, values: readonly string[]] {
  const conditions: [condition: string, value: string][] = [];
  const exact = (column: string, value: string): void => void conditions.push([`${column} = ?`, value]);
  if (query.studyInstanceUid !== undefined) exact(`${query.level}.study_instance_uid`, query.studyInstanceUid);
  if (query.seriesInstanceUid !== undefined) exact(`${query.level}.series_instance_uid`, query.seriesInstanceUid);
  for (const { path, value } of query.matches) {
    const uid = UID_COLUMNS[path[0]!];
    if (path.length > 1 || value === '' || /[*?"\\]/.test(value)) continue;
    if (uid !== undefined) {
      conditions.push([`${uid(query.level)} IN (SELECT value FROM json_each(?))`, JSON.stringify(value.split(','))]);
    } else if (path[0] === '00100020') exact('study.patient_id', value.trim());
    else if (path[0] === '00080050') exact('study.accession_number', value.trim());
    else if (path[0] === '00080020') conditions.push(...dateConditions(value));
  }
  const where = conditions.map(([condition]) => condition).join(' AND ');
  return [where === '' ? '' : `WHERE ${where}`, conditions.map(([, value]) => value)];
}

const UID_COLUMNS: Readonly<Record<string, (level: Level) => string>> = {
  '0020000D': (level) => `${level}.study_instance_uid`,
  '0020000E': (level) => `${level}.series_instance_uid`,
  '00080018': () => 'instance.sop_instance_uid',
};

function dateConditions(value: string): [condition: string, value: string][] {
  const [from = '', to = from] = value.trim().split('-');
  const conditions: [string, string][] = [
    ['study.study_date >= ?', from],
    ['study.study_date <= ?', to],
  ];
  return conditions.filter(([, bound]) => bound !== '');
}

/** Everything that the index knows of a row, its levels above included. */
function merged(index: InstanceIndex, level: Level, row: Row, computes: boolean): DicomDataSet {
  const dataSet: Record<string, DicomDataSet[string]> = { ...dataSetOf(row, 'study_attributes') };
  if (level !== 'study') Object.assign(dataSet, dataSetOf(row, 'series_attributes'));
  if (level === 'instance') {
    Object.assign(dataSet, dataSetOf(row, 'attributes'));
    dataSet['00083002'] = element('UI', text(row, 'transfer_syntax_uid'));
  }
  return computes ? { ...dataSet, ...computed(index, level, row) } : dataSet;
}

/** Counts and lists over what the archive holds (PS3.4 C.3.4). */
function computed(index: InstanceIndex, level: Level, row: Row): DicomDataSet {
  const study = text(row, 'study_instance_uid');
  const count = (sql: string, ...values: readonly string[]): number => Number(index.get(sql, ...values)?.['n']);
  const list = (sql: string): readonly string[] => index.all(sql, study).map((found) => text(found, 'v'));
  const modalities =
    "SELECT DISTINCT modality AS v FROM series WHERE study_instance_uid = ? AND modality <> '' ORDER BY 1";
  const classes = 'SELECT DISTINCT sop_class_uid AS v FROM instance WHERE study_instance_uid = ? ORDER BY 1';
  const seriesCount = 'SELECT count(*) AS n FROM series WHERE study_instance_uid = ?';
  const instanceCount = 'SELECT count(*) AS n FROM instance WHERE study_instance_uid = ?';
  const available = { '00080056': element('CS', 'ONLINE') };
  if (level === 'instance') return available;
  if (level === 'series') {
    const sql = `${instanceCount} AND series_instance_uid = ?`;
    return { ...available, '00201209': element('IS', count(sql, study, text(row, 'series_instance_uid'))) };
  }
  return {
    ...available,
    '00080061': element('CS', ...list(modalities)),
    '00080062': element('UI', ...list(classes)),
    '00201206': element('IS', count(seriesCount, study)),
    '00201208': element('IS', count(instanceCount, study)),
  };
}

/** The default attributes, empty where unknown, and those asked for; in the order of their tags. */
function returned(query: SearchQuery, known: DicomDataSet): DicomDataSet {
  const { level, include } = query;
  const levels: Level[] = [level];
  if (level !== 'study' && query.studyInstanceUid === undefined) levels.push('study');
  if (level === 'instance' && query.seriesInstanceUid === undefined) levels.push('series');
  const defaults: Record<string, ValueRepresentation> = Object.assign({}, ...levels.map((at) => DEFAULT_KEYS[at]));
  const asked = include === 'all' ? Object.keys(known).filter((tag) => isVisibleAt(level, tag)) : include;
  const result: Record<string, DicomDataSet[string]> = {};
  for (const [tag, vr] of Object.entries(defaults)) {
    const value = known[tag] ?? (CONDITIONAL_KEYS.has(tag) ? undefined : { vr });
    if (value !== undefined) result[tag] = value;
  }
  for (const tag of asked) if (known[tag] !== undefined && isVisibleAt(level, tag)) result[tag] = known[tag];
  // JSON is UTF-8, whatever the files are in (PS3.18 F.2).
  result['00080005'] = element('CS', 'ISO_IR 192');
  return Object.fromEntries(Object.entries(result).sort(([a], [b]) => (a < b ? -1 : 1)));
}
