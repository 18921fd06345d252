/** Studies as rules see them, from a few words a series. */
import type { Series, Study } from '../../src/arrival/study.ts';
import type { DicomDataSet, DicomElement } from '../../src/dicom-json.ts';
import type { RuleSubject } from '../../src/inference/rules/attributes.ts';
import { nameBasedUid, type SeriesInstanceUid, type StudyInstanceUid } from '../../src/uid.ts';

export interface SeriesWords {
  readonly modality?: string;
  readonly count?: number;
  readonly seriesNumber?: number;
  readonly seriesDescription?: string;
  /** Values by tag of the instance that stands for the series; absent where the archive tells none. */
  readonly values?: Readonly<Record<string, readonly (string | number)[]>>;
}

export const AXIAL = [1, 0, 0, 0, 1, 0];
export const CORONAL = [1, 0, 0, 0, 0, -1];

export function seriesOf(words: SeriesWords, name = JSON.stringify(words)): Series {
  const { modality = 'CT', count = 100, seriesNumber, seriesDescription } = words;
  return {
    seriesInstanceUid: nameBasedUid<SeriesInstanceUid>('rules', name),
    modality,
    ...(seriesNumber !== undefined && { seriesNumber }),
    ...(seriesDescription !== undefined && { seriesDescription }),
    instances: Array.from({ length: count }, (_, index) => ({
      sopInstanceUid: nameBasedUid('rules', name, String(index)),
      sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
    })),
  };
}

export function dataSetOf(values: NonNullable<SeriesWords['values']>): DicomDataSet {
  return Object.fromEntries(
    Object.entries(values).map(([tag, Value]) => [tag, { vr: 'UN', Value } satisfies DicomElement]),
  );
}

export function subjectOf(
  words: readonly SeriesWords[],
  header: Partial<Study['header']> = {},
  event: RuleSubject['event'] = { source: 'test' },
): RuleSubject {
  const series = words.map((each) => seriesOf(each));
  const described = words.flatMap(({ values }, index) =>
    values === undefined ? [] : [[series[index]!.seriesInstanceUid, dataSetOf(values)] as const],
  );
  const studyInstanceUid = nameBasedUid<StudyInstanceUid>('rules');
  return {
    study: { header: { studyInstanceUid, requests: [], ...header }, series },
    described: new Map(described),
    event,
  };
}
