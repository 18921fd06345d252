/** From readings to a report, and the same as SEGs and SR. */
import type { StudyHeader } from './arrival/study.ts';
import { isImagePlane, type MaskSource } from './assembly/image-plane.ts';
import { type Images, isVolume } from './assembly/volume.ts';
import type { InstanceReference } from './inference/findings.ts';
import type { Outlines, Reading } from './inference/reading.ts';
import type { DocumentName, SegmentationName } from './ports.ts';
import { draft } from './reporting/draft.ts';
import type { Report, ReportProvenance, UnavailableModel } from './reporting/report.ts';
import type { DicomObject } from './writeback/artifact.ts';
import { imageOutlined, segmentationObject } from './writeback/segmentation-object.ts';
import { structuredReport } from './writeback/structured-report.ts';

export interface DraftInput {
  readonly study: StudyHeader;
  /** At least one; in the order in which they are told. */
  readonly readings: readonly Reading[];
  /** Models that gave no result. */
  readonly unavailable: readonly UnavailableModel[];
  /** The last draft of the study, which the SR may name as its predecessor. */
  readonly last?: Report | undefined;
}

/** A result, and the name under which the ledger keeps it. */
export interface NamedObject {
  readonly name: DocumentName;
  readonly object: DicomObject;
}

/** The same input and provenance always give the same objects. */
export function makeDraft(
  { study, readings, unavailable }: Pick<DraftInput, 'study' | 'readings' | 'unavailable'>,
  provenance: ReportProvenance,
): { readonly report: Report; readonly objects: readonly NamedObject[] } {
  const report = draft({ study, readings, unavailable, provenance });
  const common = { report, study, software: provenance.software };
  const named = namedOutlines(readings);
  const sources = readings.map(({ images, given = [], findings }, at) => {
    const segmentations = named[at]!.map(({ name, image, outlines: { segmentation } }) => {
      return { name, object: segmentationObject({ ...common, findings, segmentation }), ...(image && { image }) };
    });
    return { images, given, segmentations };
  });
  const segmentations = sources.flatMap((source) => source.segmentations.map(({ name, object }) => ({ name, object })));
  return { report, objects: [...segmentations, { name: 'sr.dcm', object: structuredReport({ ...common, sources }) }] };
}

/** Outlines, the document that holds them, and the one image that they are on where they are not of a volume. */
export interface NamedOutlines {
  readonly name: SegmentationName;
  readonly outlines: Outlines;
  readonly image: InstanceReference | undefined;
}

/** Of each reading; none where it outlines nothing. */
export function namedOutlines(
  readings: readonly Pick<Reading, 'images' | 'findings' | 'outlines'>[],
): readonly (readonly NamedOutlines[])[] {
  const first = readings.find(({ outlines }) => outlines !== undefined)?.outlines?.[0];
  return readings.map(({ images, findings: { algorithm }, outlines: all = [] }) =>
    all.map((outlines, at) => {
      const { source } = outlines.segmentation;
      // no name of a model has a point in it
      const number = at === 0 ? '' : `.${numberOf(source, images)}`;
      const own = `seg-${algorithm.name}${number}.dcm` as const;
      return { name: outlines === first ? 'seg.dcm' : own, outlines, image: imageOutlined(source) };
    }),
  );
}

/** Of an image in its series, from 1, as the draft counts. */
function numberOf(source: MaskSource, images: Images): number {
  return isVolume(images) || !isImagePlane(source) ? 1 : images.images.indexOf(source.image) + 1;
}
