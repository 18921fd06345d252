/** Which images were read, and their common geometry: TID 1600 to 1604 (PS3.16). */
import type { StudyHeader } from '../../arrival/study.ts';
import { type Images, isVolume, type Volume } from '../../assembly/volume.ts';
import { type Code, code, MILLIMETER } from '../../codes.ts';
import { stringOf } from '../../dicom-json.ts';
import type { InstanceReference } from '../../inference/findings.ts';
import { tagOf } from '../data-set.ts';
import { patientAndStudy } from '../modules.ts';
import { planesOf } from '../planes.ts';
import { distinctInstances } from '../references.ts';
import * as concepts from './concepts.ts';
import {
  type ContentItem,
  codeItem,
  container,
  dateItem,
  imageItem,
  numberItem,
  timeItem,
  uidItem,
} from './content-item.ts';

/** What was read of a series. */
export interface LibrarySeries {
  readonly images: Images;
  readonly evidence: readonly InstanceReference[];
}

/** TID 1600 Image Library: a group for each series that was read. */
export function imageLibrary(study: StudyHeader, series: readonly LibrarySeries[]): ContentItem {
  const groups = series.map(({ images, evidence }) =>
    container('CONTAINS', concepts.IMAGE_LIBRARY_GROUP, [
      // PS3.16 TID 1600 row 3
      ...commonDescriptors(study, images),
      // PS3.16 TID 1600 row 4, TID 1601 row 1; without a frame number the reference means every frame
      ...distinctInstances(evidence).map(({ sopInstanceUid, sopClassUid }) =>
        imageItem(
          'CONTAINS',
          undefined,
          { sopInstanceUid, sopClassUid },
          // PS3.16 TID 1601 row 2
          { children: ownDescriptors(images, sopInstanceUid) },
        ),
      ),
    ]),
  );
  // PS3.16 TID 1600 rows 1 and 2
  return container('CONTAINS', concepts.IMAGE_LIBRARY, groups);
}

/** TID 1602 Image Library Entry Descriptors, common to the group. */
function commonDescriptors(study: StudyHeader, images: Images): readonly ContentItem[] {
  const header = patientAndStudy(study);
  const date = stringOf(header, tagOf('studyDate'));
  const time = stringOf(header, tagOf('studyTime'));
  return [
    // PS3.16 TID 1602 row 1
    codeItem('HAS ACQ CONTEXT', concepts.MODALITY, modality(images.modality)),
    // PS3.16 TID 1602 row 4
    ...(date === undefined ? [] : [dateItem('HAS ACQ CONTEXT', concepts.STUDY_DATE, date)]),
    // PS3.16 TID 1602 row 5
    ...(time === undefined ? [] : [timeItem('HAS ACQ CONTEXT', concepts.STUDY_TIME, time)]),
    ...(isVolume(images) ? volumeDescriptors(images) : []),
  ];
}

/** Slices of a volume share them; images on their own have each its own. */
function volumeDescriptors(volume: Volume): readonly ContentItem[] {
  const [, rows, columns] = volume.shape;
  return [
    // PS3.16 TID 1602 row 10
    uidItem('HAS ACQ CONTEXT', concepts.FRAME_OF_REFERENCE_UID, volume.frameOfReferenceUid),
    ...matrixDescriptors(rows, columns),
    ...crossSectionalDescriptors(volume),
  ];
}

function matrixDescriptors(rows: number, columns: number): readonly ContentItem[] {
  return [
    // PS3.16 TID 1602 row 11
    numberItem('HAS ACQ CONTEXT', concepts.PIXEL_DATA_ROWS, { value: rows, unit: concepts.PIXELS }),
    // PS3.16 TID 1602 row 12
    numberItem('HAS ACQ CONTEXT', concepts.PIXEL_DATA_COLUMNS, { value: columns, unit: concepts.PIXELS }),
  ];
}

/** TID 1602, and of projections TID 1603 Image Library Entry Descriptors for Projection Radiography, of one image. */
function ownDescriptors(images: Images, sopInstanceUid: string): readonly ContentItem[] {
  if (isVolume(images)) return [];
  const header = images.images.find((image) => image.header.sopInstanceUid === sopInstanceUid)?.header;
  if (header === undefined) return [];
  const { rows, columns, imagerPixelSpacing } = header;
  const view = VIEWS[header.viewPosition ?? ''];
  // PS3.16 TID 1603: the spacing is that at the detector
  const spacing =
    imagerPixelSpacing === undefined
      ? []
      : ([
          [concepts.HORIZONTAL_PIXEL_SPACING, imagerPixelSpacing[1]],
          [concepts.VERTICAL_PIXEL_SPACING, imagerPixelSpacing[0]],
        ] as const);
  return [
    ...matrixDescriptors(rows, columns),
    ...(view === undefined ? [] : [codeItem('HAS ACQ CONTEXT', concepts.IMAGE_VIEW, view)]),
    ...spacing.map(([name, value]) => numberItem('HAS ACQ CONTEXT', name, { value, unit: MILLIMETER })),
  ];
}

/** View Position (0018,5101) as PS3.16 CID 4010 and CID 4014 name it; others are left out. */
const VIEWS: Readonly<Record<string, Code>> = {
  AP: code('399348003', 'SCT', 'antero-posterior'),
  PA: code('272479007', 'SCT', 'postero-anterior'),
  LL: code('399173006', 'SCT', 'left lateral'),
  RL: code('399198007', 'SCT', 'right lateral'),
  CC: code('399162004', 'SCT', 'cranio-caudal'),
  MLO: code('399368009', 'SCT', 'medio-lateral oblique'),
  ML: code('399260004', 'SCT', 'medio-lateral'),
};

/** TID 1604 Image Library Entry Descriptors for Cross-Sectional Modalities; positions stay with the images. */
function crossSectionalDescriptors(volume: Volume): readonly ContentItem[] {
  const planes = planesOf(volume);
  const [betweenRows, betweenColumns] = planes.pixelSpacing;
  const millimeters = (name: Code, value: number): ContentItem =>
    numberItem('HAS ACQ CONTEXT', name, { value, unit: MILLIMETER });
  return [
    // PS3.16 TID 1604 row 1
    millimeters(concepts.HORIZONTAL_PIXEL_SPACING, betweenColumns),
    // PS3.16 TID 1604 row 2
    millimeters(concepts.VERTICAL_PIXEL_SPACING, betweenRows),
    // PS3.16 TID 1604 row 3
    millimeters(concepts.SPACING_BETWEEN_SLICES, planes.spacingBetweenSlices),
    // PS3.16 TID 1604 row 4
    millimeters(concepts.SLICE_THICKNESS, planes.sliceThickness),
    // PS3.16 TID 1604 rows 8 to 13
    ...planes.imageOrientationPatient.map((value, i) =>
      numberItem('HAS ACQ CONTEXT', concepts.IMAGE_ORIENTATION_PATIENT[i]!, { value, unit: concepts.RATIO }),
    ),
  ];
}

/** CID 29: the Modality value is the code value; its meaning is spelt out where it is common. */
function modality(value: string): Code {
  const meanings: Readonly<Record<string, string>> = {
    CT: 'Computed Tomography',
    MR: 'Magnetic Resonance',
    PT: 'Positron emission tomography',
    CR: 'Computed Radiography',
    DX: 'Digital Radiography',
    MG: 'Mammography',
    US: 'Ultrasound',
  };
  return code(value, 'DCM', meanings[value] ?? value);
}
