/** SR content as lines that a person can compare: `>> CONTAINS NUM Volume = 240 milliliter`. */
import { type DicomDataSet, itemsOf, numberOf, stringOf } from '../../src/dicom-json.ts';
import { tagOf } from '../../src/writeback/data-set.ts';

const meaning = (item: DicomDataSet | undefined): string =>
  item === undefined ? '' : (stringOf(item, tagOf('codeMeaning')) ?? '');

/** The content items directly below `item`. */
export function childrenOf(item: DicomDataSet): readonly DicomDataSet[] {
  return itemsOf(item, tagOf('contentSequence'));
}

/** Meaning of the concept name. */
export function nameOf(item: DicomDataSet): string {
  return meaning(itemsOf(item, tagOf('conceptNameCodeSequence'))[0]);
}

/** Every item below `item` with this concept name, depth first. */
export function itemsNamed(item: DicomDataSet, name: string): DicomDataSet[] {
  return childrenOf(item).flatMap((child) => [...(nameOf(child) === name ? [child] : []), ...itemsNamed(child, name)]);
}

/** One line per content item, in order, indented by depth. */
export function outline(item: DicomDataSet, depth = 0): string[] {
  const words = [
    stringOf(item, tagOf('relationshipType')),
    stringOf(item, tagOf('valueType')),
    nameOf(item),
    ...valueWords(item),
  ];
  const line = `${'>'.repeat(depth)} ${words.filter((word) => word !== undefined && word !== '').join(' ')}`;
  return [line.trim(), ...childrenOf(item).flatMap((child) => outline(child, depth + 1))];
}

function valueWords(item: DicomDataSet): string[] {
  const code = itemsOf(item, tagOf('conceptCodeSequence'))[0];
  if (code !== undefined) return ['=', meaning(code)];
  for (const keyword of ['textValue', 'uid', 'date', 'time'] as const) {
    const text = stringOf(item, tagOf(keyword));
    if (text !== undefined) return ['=', text];
  }
  const image = itemsOf(item, tagOf('referencedSopSequence'))[0];
  if (image !== undefined) return ['=', imageOf(image)];
  if (stringOf(item, tagOf('valueType')) !== 'NUM') return [];
  const measured = itemsOf(item, tagOf('measuredValueSequence'))[0];
  if (measured === undefined) return ['=', meaning(itemsOf(item, tagOf('numericValueQualifierCodeSequence'))[0])];
  const unit = meaning(itemsOf(measured, tagOf('measurementUnitsCodeSequence'))[0]);
  return ['=', String(numberOf(measured, tagOf('numericValue'))), unit];
}

function imageOf(reference: DicomDataSet): string {
  const uid = stringOf(reference, tagOf('referencedSopInstanceUid')) ?? '';
  const segment = stringOf(reference, tagOf('referencedSegmentNumber'));
  return segment === undefined ? uid : `${uid} segment ${segment}`;
}
