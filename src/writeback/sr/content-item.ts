/** Content items of SR documents (PS3.3 C.17.3): one function per value type. */
import type { Code } from '../../codes.ts';
import type { DicomDataSet } from '../../dicom-json.ts';
import type { InstanceReference } from '../../inference/findings.ts';
import { codedEntry } from '../coded-entry.ts';
import { dataSet } from '../data-set.ts';
import { sopReference } from '../references.ts';
import { decimalString, paragraph } from '../text.ts';
import { VALUE_UNKNOWN } from './concepts.ts';

/** An item of a Content Sequence (0040,A730). */
export type ContentItem = DicomDataSet;

/** Relationship Type (0040,A010), PS3.3 Table C.17.3-8. */
export type Relationship =
  | 'CONTAINS'
  | 'HAS OBS CONTEXT'
  | 'HAS CONCEPT MOD'
  | 'HAS ACQ CONTEXT'
  | 'HAS PROPERTIES'
  | 'INFERRED FROM'
  | 'SELECTED FROM';

function item(
  relationship: Relationship | undefined,
  valueType: string,
  name: Code | undefined,
  value: DicomDataSet,
  children: readonly ContentItem[] = [],
): ContentItem {
  return {
    ...dataSet({ relationshipType: relationship, valueType }),
    ...dataSet({ conceptNameCodeSequence: name && [codedEntry(name)] }),
    ...value,
    // An empty Content Sequence is an error (type 1C), so it is left out.
    ...dataSet({ contentSequence: children.length > 0 ? children : undefined }),
  };
}

/** CONTAINER; `template` is its template identifier where the container is the root of one (PS3.3 C.18.8). */
export function container(
  relationship: Relationship | undefined,
  name: Code,
  children: readonly ContentItem[],
  template?: string,
): ContentItem {
  const value = dataSet({
    continuityOfContent: 'SEPARATE',
    contentTemplateSequence:
      template === undefined
        ? undefined
        : [
            dataSet({
              mappingResource: 'DCMR',
              mappingResourceUid: '1.2.840.10008.8.1.1',
              templateIdentifier: template,
            }),
          ],
  });
  return item(relationship, 'CONTAINER', name, value, children);
}

export function codeItem(
  relationship: Relationship,
  name: Code,
  value: Code,
  children: readonly ContentItem[] = [],
): ContentItem {
  return item(relationship, 'CODE', name, dataSet({ conceptCodeSequence: [codedEntry(value)] }), children);
}

export function textItem(relationship: Relationship, name: Code, text: string): ContentItem {
  return item(relationship, 'TEXT', name, dataSet({ textValue: paragraph(text) }));
}

export function uidItem(relationship: Relationship, name: Code, uid: string): ContentItem {
  return item(relationship, 'UIDREF', name, dataSet({ uid }));
}

/** @param date DA */
export function dateItem(relationship: Relationship, name: Code, date: string): ContentItem {
  return item(relationship, 'DATE', name, dataSet({ date }));
}

/** @param time TM */
export function timeItem(relationship: Relationship, name: Code, time: string): ContentItem {
  return item(relationship, 'TIME', name, dataSet({ time }));
}

/** IMAGE; `segmentNumber` for a reference into a segmentation (PS3.3 C.18.4). */
export function imageItem(
  relationship: Relationship,
  name: Code | undefined,
  reference: InstanceReference,
  { segmentNumber, children }: { readonly segmentNumber?: number; readonly children?: readonly ContentItem[] } = {},
): ContentItem {
  const target = {
    ...sopReference(reference),
    ...dataSet({ referencedFrameNumber: reference.frameNumber, referencedSegmentNumber: segmentNumber }),
  };
  return item(relationship, 'IMAGE', name, dataSet({ referencedSopSequence: [target] }), children);
}

/** SCOORD (PS3.3 C.18.6): columns and rows of one image, as `[column, row, column, row …]`. */
export function imageCoordinatesItem(
  relationship: Relationship,
  name: Code,
  graphicType: 'POINT' | 'POLYLINE',
  graphicData: readonly number[],
  image: InstanceReference,
): ContentItem {
  const value = dataSet({ graphicData, graphicType });
  return item(relationship, 'SCOORD', name, value, [imageItem('SELECTED FROM', undefined, image)]);
}

/** SCOORD3D (PS3.3 C.18.9): mm in a frame of reference, LPS, as `[x, y, z, x, y, z …]`. */
export function patientCoordinatesItem(
  relationship: Relationship,
  name: Code,
  graphicType: 'POINT' | 'POLYGON' | 'ELLIPSOID',
  graphicData: readonly number[],
  frameOfReferenceUid: string,
): ContentItem {
  const referenced = dataSet({ graphicData, graphicType, referencedFrameOfReferenceUid: frameOfReferenceUid });
  return item(relationship, 'SCOORD3D', name, referenced);
}

export interface NumberValue {
  /** Absent where it could not be computed; then `qualifier` says why (CID 42). */
  readonly value?: number;
  readonly qualifier?: Code;
  readonly unit: Code;
}

/** NUM (PS3.3 C.18.1): an empty Measured Value Sequence with a qualifier where there is no value. */
export function numberItem(
  relationship: Relationship,
  name: Code,
  { value, qualifier, unit }: NumberValue,
  options: { readonly observationUid?: string; readonly children?: readonly ContentItem[] } = {},
): ContentItem {
  const reason = value === undefined ? (qualifier ?? VALUE_UNKNOWN) : qualifier;
  const measured = dataSet({
    observationUid: options.observationUid,
    measuredValueSequence: value === undefined ? [] : [measuredValue(value, unit)],
    numericValueQualifierCodeSequence: reason && [codedEntry(reason)],
  });
  return item(relationship, 'NUM', name, measured, options.children);
}

/** Numeric Value is a DS of 16 characters; Floating Point Value joins it where that loses digits (PS3.3 C.18.1). */
function measuredValue(value: number, unit: Code): DicomDataSet {
  const numericValue = Number(decimalString(value));
  return dataSet({
    measurementUnitsCodeSequence: [codedEntry(unit)],
    numericValue,
    floatingPointValue: numericValue === value ? undefined : value,
  });
}
