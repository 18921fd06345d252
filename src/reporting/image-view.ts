/** Images on their own (CR, DX, MG, US …) as the page shows them: a view for each. No patient data. */
import type { View, ViewAlgorithm, ViewWindow } from '../../contracts/generated/types.ts';
import type { ImageHeader } from '../arrival/study.ts';
import type { ImageFrame, ImageSet } from '../assembly/volume.ts';
import type { Findings } from '../inference/findings.ts';
import { imageMarks } from './marks.ts';
import { percentileWindow } from './view.ts';

/** Greyscale images only: the page has no colour. @param findings those that lie on an image are marked there */
export function imageViews(set: ImageSet, algorithm: ViewAlgorithm, findings?: Findings): readonly View[] {
  return set.images
    .filter(({ header }) => header.samplesPerPixel === 1)
    .map((image, at) => {
      const place = { sopInstanceUid: image.header.sopInstanceUid, frameNumber: image.frameNumber };
      const marks = findings === undefined ? [] : imageMarks(place, findings);
      return { ...imageView(set, image, algorithm, at + 1), ...(marks.length === 0 ? {} : { marks: [...marks] }) };
    });
}

function imageView(
  { seriesInstanceUid, modality }: ImageSet,
  image: ImageFrame,
  { name, version, title }: ViewAlgorithm,
  number: number,
): View {
  const { header, frameNumber } = image;
  const { sopInstanceUid, rows, columns, viewPosition } = header;
  const spacing = header.frames[frameNumber - 1]?.pixelSpacing ?? header.imagerPixelSpacing ?? [1, 1];
  return {
    algorithm: { name, version, title },
    seriesInstanceUid,
    modality,
    units: '',
    label: viewPosition ?? `image ${number}`,
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
function windowsOf({ header, pixels, slope, intercept }: ImageFrame): View['windows'] {
  const { windowCenter, windowWidth } = header;
  const automatic = percentileWindow(Float64Array.from(pixels, (pixel) => pixel * slope + intercept));
  if (windowCenter === undefined || windowWidth === undefined || windowWidth <= 0) return [automatic];
  const acquired: ViewWindow = { key: 'acquired', label: 'As acquired', center: windowCenter, width: windowWidth };
  return [acquired, automatic];
}
