/** How the images were made, as sentences and limits speak of it. */
import { type Images, isVolume } from '../assembly/volume.ts';
import { numberText } from './text.ts';

/** What a text of a card can be filled in with, or depend on. */
export interface Acquisition {
  /** Convolution Kernel (0018,1210). */
  readonly kernel?: string;
  /** Slice Thickness (0018,0050), the spacing of the slices where it is not recorded, mm; absent for images on their own. */
  readonly thickness?: number;
  readonly contrast: boolean;
}

export function acquisitionOf(images: Images): Acquisition {
  const header = isVolume(images) ? images.header : images.images[0]?.header;
  const thickness = isVolume(images) ? (header?.frames[0]?.sliceThickness ?? images.spacing[0]) : undefined;
  return {
    ...(header?.convolutionKernel !== undefined && { kernel: header.convolutionKernel }),
    ...(thickness !== undefined && { thickness }),
    contrast: header?.contrastBolusAgent !== undefined,
  };
}

/** The words for `{kernel}` and `{thickness}`. */
export function acquisitionWords({ kernel, thickness }: Acquisition): Readonly<Record<string, string>> {
  return {
    kernel: kernel ?? 'not recorded',
    thickness: thickness === undefined ? 'not recorded' : `${numberText(thickness, 1)} mm`,
  };
}

/** Fills in `{name}`; a name that is not known stays as it is, so that nobody overlooks it. */
export function filledIn(text: string, words: Readonly<Record<string, string>>): string {
  return text.replace(/\{([a-z]+)\}/g, (whole, name: string) => words[name] ?? whole);
}

/** What was read of a series, and how it was made. @param bodyPart as the model that read it understands it */
export function techniqueText(images: Images, bodyPart: string): string {
  const head = `${images.modality} of the ${bodyPart.toLowerCase()}`;
  const contrast = acquisitionOf(images).contrast ? 'contrast agent recorded' : 'no contrast agent recorded';
  if (!isVolume(images)) {
    const views = [...new Set(images.images.flatMap(({ header }) => header.viewPosition ?? []))];
    const count = images.images.length === 1 ? '1 image' : `${images.images.length} images`;
    return `${head}: ${[count, views.length === 0 ? 'view not recorded' : `view ${views.join(', ')}`].join(', ')}.`;
  }
  const [slices, rows, columns] = images.shape;
  const { header, spacing } = images;
  const thickness = header.frames[0]?.sliceThickness;
  const parts = [
    `${slices} slices, ${columns} × ${rows} pixels of ${numberText(spacing[2], 2)} mm`,
    `spacing ${numberText(spacing[0], 2)} mm`,
    thickness === undefined ? 'slice thickness not recorded' : `slice thickness ${numberText(thickness, 2)} mm`,
    ...(images.modality === 'CT' ? [`kernel ${header.convolutionKernel ?? 'not recorded'}`] : []),
    contrast,
  ];
  return `${head}: ${parts.join(', ')}.`;
}
