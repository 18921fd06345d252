/** References to instances, as SR and SEG write them. */
import type { DicomDataSet } from '../dicom-json.ts';
import type { InstanceReference } from '../inference/findings.ts';
import { dataSet } from './data-set.ts';

/** SOP Instance Reference Macro (PS3.3 Table 10-11). */
export function sopReference(reference: InstanceReference): DicomDataSet {
  return dataSet({
    referencedSopClassUid: reference.sopClassUid,
    referencedSopInstanceUid: reference.sopInstanceUid,
  });
}

export function isSameImage(a: InstanceReference | undefined, b: InstanceReference): boolean {
  return a?.sopInstanceUid === b.sopInstanceUid && a.frameNumber === b.frameNumber;
}

/** Each instance once, in the order of its first frame. */
export function distinctInstances(references: readonly InstanceReference[]): readonly InstanceReference[] {
  const seen = new Map<string, InstanceReference>();
  for (const reference of references)
    if (!seen.has(reference.sopInstanceUid)) seen.set(reference.sopInstanceUid, reference);
  return [...seen.values()];
}

export interface SeriesReferences {
  readonly seriesInstanceUid: string;
  readonly instances: readonly InstanceReference[];
}

/** Hierarchical SOP Instance Reference Macro (PS3.3 Table C.17-3): study, each series once, instances. */
export function hierarchicalReference(studyInstanceUid: string, series: readonly SeriesReferences[]): DicomDataSet {
  const bySeries = Map.groupBy(series, ({ seriesInstanceUid }) => seriesInstanceUid);
  const distinct = [...bySeries].map(([seriesInstanceUid, same]): SeriesReferences => {
    return { seriesInstanceUid, instances: same.flatMap(({ instances }) => instances) };
  });
  return dataSet({
    studyInstanceUid,
    referencedSeriesSequence: distinct.map(({ seriesInstanceUid, instances }) =>
      dataSet({ seriesInstanceUid, referencedSopSequence: distinctInstances(instances).map(sopReference) }),
    ),
  });
}
