/**
 * What a rule may ask about a study. The list is closed and holds nothing of the patient: a rule decides by what was
 * examined and how, never by who was examined. Names are the keywords of PS3.6; what no image says is in lower case.
 */
import type { Series, Study } from '../../arrival/study.ts';
import type { DicomDataSet } from '../../dicom-json.ts';
import type { SeriesInstanceUid } from '../../uid.ts';

/** A study as rules see it. Values are whatever the archive sends: nothing about their form is taken for granted. */
export interface RuleSubject {
  readonly study: Study;
  /** Metadata of one instance for each series, where a rule needs it. */
  readonly described: ReadonlyMap<SeriesInstanceUid, DicomDataSet>;
  /** What was said of the study when it was noticed. */
  readonly event: { readonly source: string; readonly archive?: string; readonly priority?: string };
}

type Reader = (subject: RuleSubject, series: readonly Series[]) => readonly (string | number | undefined)[];

const requests =
  (key: keyof Study['header']['requests'][number]): Reader =>
  ({ study }) =>
    study.header.requests.map((request) => request[key]);

/** Told by the event, by the study and its order, or by the list of its series: no instance is asked for. */
const LISTED = {
  source: ({ event }) => [event.source],
  archive: ({ event }) => [event.archive],
  priority: ({ event }) => [event.priority],
  StudyDescription: ({ study }) => [study.header.studyDescription],
  AccessionNumber: (subject, series) => [
    subject.study.header.accessionNumber,
    ...requests('accessionNumber')(subject, series),
  ],
  NumberOfStudyRelatedSeries: ({ study }) => [study.series.length],
  NumberOfStudyRelatedInstances: ({ study }) => [study.series.reduce((sum, each) => sum + each.instances.length, 0)],
  RequestedProcedureID: requests('requestedProcedureId'),
  RequestedProcedureDescription: requests('requestedProcedureDescription'),
  PlacerOrderNumberImagingServiceRequest: requests('placerOrderNumber'),
  FillerOrderNumberImagingServiceRequest: requests('fillerOrderNumber'),
  Modality: (_, series) => series.map(({ modality }) => modality),
  SeriesDescription: (_, series) => series.map(({ seriesDescription }) => seriesDescription),
  SeriesNumber: (_, series) => series.map(({ seriesNumber }) => seriesNumber),
  NumberOfSeriesRelatedInstances: (_, series) => series.map(({ instances }) => instances.length),
} as const satisfies Record<string, Reader>;

/** Told by an instance of the series. */
const DESCRIBED = {
  SOPClassUID: '00080016',
  ImageType: '00080008',
  VolumeBasedCalculationTechnique: '00089207',
  BodyPartExamined: '00180015',
  ProtocolName: '00181030',
  Manufacturer: '00080070',
  ManufacturerModelName: '00081090',
  SoftwareVersions: '00181020',
  InstitutionName: '00080080',
  InstitutionalDepartmentName: '00081040',
  StationName: '00081010',
  DeviceSerialNumber: '00181000',
  Laterality: '00200060',
  ImageLaterality: '00200062',
  ViewPosition: '00185101',
  PatientPosition: '00185100',
  ContrastBolusAgent: '00180010',
  SliceThickness: '00180050',
  SpacingBetweenSlices: '00180088',
  PixelSpacing: '00280030',
  ImageOrientationPatient: '00200037',
  ReconstructionDiameter: '00181100',
  GantryDetectorTilt: '00181120',
  ConvolutionKernel: '00181210',
  ScanOptions: '00180022',
  KVP: '00180060',
  MagneticFieldStrength: '00180087',
  MRAcquisitionType: '00180023',
  ScanningSequence: '00180020',
  SequenceVariant: '00180021',
  SequenceName: '00180024',
  RepetitionTime: '00180080',
  EchoTime: '00180081',
  InversionTime: '00180082',
  DiffusionBValue: '00189087',
  PhotometricInterpretation: '00280004',
  NumberOfFrames: '00280008',
  Rows: '00280010',
  Columns: '00280011',
  BurnedInAnnotation: '00280301',
  LossyImageCompression: '00282110',
} as const satisfies Record<string, string>;

export type AttributeName = keyof typeof LISTED | keyof typeof DESCRIBED;

export const ATTRIBUTE_NAMES = [...Object.keys(LISTED), ...Object.keys(DESCRIBED)] as readonly AttributeName[];

/** Whether an instance has to be asked for the attribute. */
export function isDescribed(name: AttributeName): name is keyof typeof DESCRIBED {
  return Object.hasOwn(DESCRIBED, name);
}

/** The different values of an attribute over some series of a study, as text; empty ones are none. */
export function valuesOf(name: AttributeName, subject: RuleSubject, series: readonly Series[]): readonly string[] {
  const found = isDescribed(name)
    ? series.flatMap(({ seriesInstanceUid }) => textsAt(subject.described.get(seriesInstanceUid), DESCRIBED[name]))
    : LISTED[name](subject, series);
  const texts = found.flatMap((value) => (value === undefined ? [] : [String(value).trim()]));
  return [...new Set(texts)].filter((text) => text !== '');
}

/** The same as numbers, in their order; what is none is left out. */
export function numbersIn(values: readonly string[]): readonly number[] {
  return values.flatMap((value) => (value !== '' && Number.isFinite(Number(value)) ? [Number(value)] : []));
}

/** All values of a described attribute of one series, repeated ones too: the six of an orientation. */
export function describedTexts(name: keyof typeof DESCRIBED, dataSet: DicomDataSet | undefined): readonly string[] {
  return textsAt(dataSet, DESCRIBED[name]);
}

const PER_FRAME_FUNCTIONAL_GROUPS = '52009230';
const SHARED_FUNCTIONAL_GROUPS = '52009229';

/** Of the data set itself or, in enhanced objects, of the functional groups of the first frame or of all (PS3.3 C.7.6.16). */
function textsAt(dataSet: unknown, tag: string): readonly string[] {
  const own = texts(elementAt(dataSet, tag));
  if (own.length > 0) return own;
  const groups = [PER_FRAME_FUNCTIONAL_GROUPS, SHARED_FUNCTIONAL_GROUPS].map((each) => firstItem(dataSet, each));
  for (const group of groups) {
    for (const sequence of Object.keys(group ?? {})) {
      const found = texts(elementAt(firstItem(group, sequence), tag));
      if (found.length > 0) return found;
    }
  }
  return [];
}

/** Servers leave out `vr` (PS3.18 F.2.2 wants it) and give text for numbers or numbers for text: only the values count. */
function texts(element: unknown): readonly string[] {
  const values = isObject(element) ? element['Value'] : undefined;
  if (!Array.isArray(values)) return [];
  return values
    .flatMap((value: unknown) => {
      if (typeof value === 'number') return [String(value)];
      // Some servers send several values as one.
      return typeof value === 'string' ? value.split('\\') : [];
    })
    .map((text) => text.trim())
    .filter((text) => text !== '');
}

function firstItem(dataSet: unknown, tag: string): object | undefined {
  const element = elementAt(dataSet, tag);
  const values = isObject(element) ? element['Value'] : undefined;
  const first: unknown = Array.isArray(values) ? values[0] : undefined;
  return isObject(first) ? first : undefined;
}

function elementAt(dataSet: unknown, tag: string): unknown {
  return isObject(dataSet) && Object.hasOwn(dataSet, tag) ? dataSet[tag] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
