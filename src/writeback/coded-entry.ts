/** Code sequences (PS3.3 section 8.8) and the coding schemes that an object has to explain. */
import { type Code, PRIVATE_SCHEME } from '../codes.ts';
import { type DicomDataSet, itemsOf, stringOf } from '../dicom-json.ts';
import { dataSet, tagOf } from './data-set.ts';
import { line } from './text.ts';

/** The item of a code sequence (PS3.3 Table 8.8-1). */
export function codedEntry({ value, scheme, meaning }: Code): DicomDataSet {
  return dataSet({ codeValue: value, codingSchemeDesignator: scheme, codeMeaning: line(meaning, 64) });
}

/**
 * Coding Scheme Identification Sequence (PS3.3 C.12.1.1.2, Table C.12-1): one item for every private designator (`99…`)
 * anywhere in `content`; undefined where there is none.
 */
export function codingSchemes(content: DicomDataSet): readonly DicomDataSet[] | undefined {
  const designators = new Set<string>();
  collectPrivateDesignators(content, designators);
  if (designators.size === 0) return undefined;
  return [...designators].sort().map((designator) =>
    designator === PRIVATE_SCHEME.designator
      ? dataSet({
          codingSchemeDesignator: designator,
          codingSchemeUid: PRIVATE_SCHEME.uid,
          codingSchemeName: PRIVATE_SCHEME.name,
          codingSchemeResponsibleOrganization: PRIVATE_SCHEME.responsible,
        })
      : dataSet({ codingSchemeDesignator: designator }),
  );
}

function collectPrivateDesignators(item: DicomDataSet, found: Set<string>): void {
  for (const tag in item) {
    if (item[tag]!.vr === 'SQ') for (const child of itemsOf(item, tag)) collectPrivateDesignators(child, found);
  }
  const designator = stringOf(item, tagOf('codingSchemeDesignator'));
  if (designator?.startsWith('99')) found.add(designator);
}
