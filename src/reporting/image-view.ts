/** Images on their own (CR, DX, MG, US …) as the page shows them: a view for each. No patient data. */
import type { View, ViewAlgorithm, ViewSegment, ViewSlice, ViewWindow } from '../../contracts/generated/types.ts';
import type { ImageHeader } from '../arrival/study.ts';
import { inGrayscale } from '../assembly/color.ts';
import { isImagePlane } from '../assembly/image-plane.ts';
import { imageScale } from '../assembly/image-scale.ts';
import type { ImageFrame, ImageSet } from '../assembly/volume.ts';
import type { Findings, InstanceReference } from '../inference/findings.ts';
import type { Outlines } from '../inference/reading.ts';
import { imageMarks } from './marks.ts';
import { percentileWindow } from './view.ts';

/**
 * The page has no colour: a colour image is shown as bright as it is, and labelled so.
 * @param findings those that lie on an image are marked there
 * @param outlines of the images that have any
 */
export function imageViews(
  set: ImageSet,
  algorithm: ViewAlgorithm,
  findings?: Findings,
  outlines: readonly Outlines[] = [],
): readonly View[] {
  return set.images.map((image) => {
    const place = { sopInstanceUid: image.header.sopInstanceUid, frameNumber: image.frameNumber };
    const marks = findings === undefined ? [] : imageMarks(place, findings);
    const segments = outlines.filter((one) => isOver(one, image)).flatMap(viewSegments);
    const view = imageView(set, image, algorithm);
    return { ...view, segments, ...(marks.length === 0 ? {} : { marks: [...marks] }) };
  });
}

function isOver({ segmentation: { source } }: Outlines, image: ImageFrame): boolean {
  return isImagePlane(source) && source.image === image;
}

/** Their only slice is the first. */
function viewSegments({ segmentation, statistics }: Outlines): readonly ViewSegment[] {
  return segmentation.segments.map(({ number, key, label, color }) => {
    const isEmpty = statistics.find(({ segmentNumber }) => segmentNumber === number)?.voxels === 0;
    return { number, key, label, color: [...color], ...(isEmpty ? {} : { extent: { first: 0, last: 0, largest: 0 } }) };
  });
}

export function isOfImage(slice: ViewSlice, { sopInstanceUid, frameNumber = 1 }: InstanceReference): boolean {
  return slice.sopInstanceUid === sopInstanceUid && slice.frameNumber === frameNumber;
}

function labelOf(set: ImageSet, image: ImageFrame): string {
  const place = placeOf(set, image);
  return image.header.samplesPerPixel === 1 ? place : `${place}, in grey`;
}

/** Its position where no other image has the same; images are counted as the draft counts them. */
function placeOf({ images }: ImageSet, image: ImageFrame): string {
  const { viewPosition } = image.header;
  const number = `image ${images.indexOf(image) + 1}`;
  const isShared = images.some((other) => other !== image && other.header.viewPosition === viewPosition);
  if (viewPosition === undefined) return number;
  return isShared ? `${viewPosition}, ${number}` : viewPosition;
}

function imageView(set: ImageSet, image: ImageFrame, { name, version, title }: ViewAlgorithm): View {
  const { seriesInstanceUid, modality } = set;
  const { header, frameNumber } = image;
  const { sopInstanceUid, rows, columns } = header;
  const spacing = imageScale(image)?.pixelSpacing ?? [1, 1];
  return {
    algorithm: { name, version, title },
    seriesInstanceUid,
    modality,
    units: '',
    label: labelOf(set, image),
    projection: true,
    ...(header.photometricInterpretation === 'MONOCHROME1' && { inverted: true }),
    rows,
    columns,
    pixelSpacing: [spacing[0], spacing[1]],
    spacingBetweenSlices: 0,
    edges: edgesOf(header),
    slices: [{ sopInstanceUid, frameNumber, positionMm: 0 }],
    segments: [],
    histograms: [],
    windows: windowsOf(image),
  };
}

const OPPOSITE: Readonly<Record<string, string>> = { R: 'L', L: 'R', A: 'P', P: 'A', H: 'F', F: 'H' };

/** As the image says it; without letters where it does not. */
function edgesOf({ patientOrientation: [right, bottom] = ['', ''] }: ImageHeader): View['edges'] {
  const opposite = (letters: string): string => letters.replace(/./g, (letter) => OPPOSITE[letter] ?? '');
  return { left: opposite(right), right, top: opposite(bottom), bottom };
}

/** In values of the header's window, whichever way round the pixels are. */
function windowsOf(image: ImageFrame): View['windows'] {
  const { header, pixels, slope, intercept } = inGrayscale(image);
  const { windowCenter, windowWidth } = header;
  const automatic = percentileWindow(Float64Array.from(pixels, (pixel) => pixel * slope + intercept));
  if (windowCenter === undefined || windowWidth === undefined || windowWidth <= 0) return [automatic];
  const acquired: ViewWindow = { key: 'acquired', label: 'As acquired', center: windowCenter, width: windowWidth };
  return [acquired, automatic];
}
