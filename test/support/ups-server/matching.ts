/** Search for work items: attribute matching as PS3.18 8.3.4.1 writes it, sequences with a dot, values as they stand. */
import { type DicomDataSet, itemsOf, stringsOf } from '../../../src/dicom-json.ts';

export type Keys = readonly (readonly [path: string, value: string])[];

const NO_KEYS: readonly string[] = ['limit', 'offset', 'includefield', 'fuzzymatching', 'deletionlock', 'filter'];

export function keysOf(query: URLSearchParams): Keys {
  return [...query].filter(([name]) => !NO_KEYS.includes(name));
}

/** `filter` of a filtered worklist subscription (PS3.18 11.10.1.2): `attribute=value`, several with a comma. */
export function filterKeysOf(query: URLSearchParams): Keys {
  return query.getAll('filter').flatMap((filter) =>
    filter.split(',').map((pair) => {
      const [path = '', value = ''] = pair.split('=');
      return [path, value] as const;
    }),
  );
}

export function isMatch(dataSet: DicomDataSet, keys: Keys): boolean {
  return keys.every(([path, value]) => valuesAt(dataSet, path.split('.')).includes(value));
}

function valuesAt(dataSet: DicomDataSet, [tag = '', ...rest]: readonly string[]): readonly string[] {
  if (rest.length === 0) return stringsOf(dataSet, tag);
  return itemsOf(dataSet, tag).flatMap((item) => valuesAt(item, rest));
}
