/** The documents of a study: under which names and media types they are handed out, and which there are. */
import type { ViewSet } from '../../contracts/generated/types.ts';
import type { DocumentName, Ledger, SegmentationName } from '../../src/ports.ts';
import type { StudyInstanceUid } from '../../src/uid.ts';

export interface DocumentKind {
  readonly mediaType: string;
  readonly label: string;
  readonly detail: string;
}

type FixedName = Exclude<DocumentName, SegmentationName>;

const DOCUMENTS: Readonly<Record<FixedName, DocumentKind>> = {
  'sr.dcm': { mediaType: 'application/dicom', label: 'DICOM SR', detail: 'Comprehensive 3D SR, TID 1500' },
  'bundle.json': {
    mediaType: 'application/fhir+json',
    label: 'FHIR transaction',
    detail: 'as sent to the health record',
  },
  'report.json': { mediaType: 'application/json', label: 'Draft', detail: 'report.json with every finding' },
  'view.json': { mediaType: 'application/json', label: 'View', detail: 'geometry and histograms of this page' },
  'embedding.json': { mediaType: 'application/json', label: 'Vectors', detail: 'embeddings of the images' },
  'trace.json': { mediaType: 'application/json', label: 'Trace', detail: 'OpenTelemetry spans, OTLP JSON' },
};

/** Those that a study has at most one of. */
export const DOCUMENT_NAMES = Object.keys(DOCUMENTS) as readonly FixedName[];

/** As models are named in their cards, and behind a point the image, counted from 1, where there are several. */
const SEGMENTATION = /^seg(-[a-z0-9][a-z0-9-]*(\.[1-9]\d*)?)?\.dcm$/;

/** Undefined where no document can have the name. */
export function documentKind(name: string): DocumentKind | undefined {
  if (isSegmentation(name)) {
    const [model, image] = name === 'seg.dcm' ? [] : name.slice('seg-'.length, -'.dcm'.length).split('.');
    const of = `${model === undefined ? '' : ` of ${model}`}${image === undefined ? '' : `, image ${image},`}`;
    return { mediaType: 'application/dicom', label: 'DICOM SEG', detail: `outlines${of} as stored in the archive` };
  }
  return Object.hasOwn(DOCUMENTS, name) ? DOCUMENTS[name as FixedName] : undefined;
}

export function isDocumentName(name: string): name is DocumentName {
  return documentKind(name) !== undefined;
}

function isSegmentation(name: string): name is SegmentationName {
  return SEGMENTATION.test(name);
}

/** The SEGs of a draft: one for each model that outlines, of images on their own one for each image. */
export function segmentationsOf({ views }: ViewSet): readonly SegmentationName[] {
  return [...new Set(views.flatMap(({ segmentation = '' }) => (isSegmentation(segmentation) ? [segmentation] : [])))];
}

/** The same, of a study of the ledger. */
export async function segmentationDocuments(
  ledger: Pick<Ledger, 'document'>,
  studyInstanceUid: StudyInstanceUid,
): Promise<readonly SegmentationName[]> {
  const bytes = await ledger.document(studyInstanceUid, 'view.json');
  return bytes === undefined ? [] : segmentationsOf(JSON.parse(new TextDecoder().decode(bytes)) as ViewSet);
}
