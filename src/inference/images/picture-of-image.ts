/** Images on their own as pictures: the whole image in the patient's aspect ratio, brighter larger. */
import type { ImageFrame } from '../../assembly/volume.ts';
import { applied, type ChannelStep, linearStep } from '../channel-steps.ts';
import type { PicturesInput, PictureView } from '../model-package.ts';
import type { Picture } from '../pictures.ts';
import { brightness } from './brightness.ts';
import { aspectOf, type PreparedImage } from './prepare-image.ts';
import { placementOf, resized } from './resize.ts';

/** @param image greyscale. @returns in the size of the picture, before its values become shades */
export function preparePicture(image: ImageFrame, { window, size }: PicturesInput): PreparedImage {
  const { rows, columns } = image.header;
  const aspect = aspectOf(image);
  const scale = Math.min(1, size / Math.max(rows * aspect, columns));
  const pixels = (length: number): number => Math.max(1, Math.round(length * scale));
  const shape = [pixels(rows * aspect), pixels(columns)] as const;
  const placement = placementOf([rows, columns], shape, 'stretch', aspect);
  const worth = brightness(image, { values: window.kind === 'voi' ? 'voi' : 'modality' });
  return { placement, plane: resized(image, worth.table, placement), brightness: worth };
}

/** Which view of the card the image is, by View Position (0018,5101). */
export function viewOf({ header }: Pick<ImageFrame, 'header'>, { views }: PicturesInput): PictureView | undefined {
  const said = header.viewPosition?.trim().toUpperCase();
  return views?.find(({ positions }) => positions.some((position) => position.toUpperCase() === said));
}

/** 0 is black. */
export function greyPicture(
  { placement, plane, brightness: { counts } }: PreparedImage,
  input: PicturesInput,
): Picture {
  const [height, width] = placement.shape;
  const step = linearStep(shades(input), counts);
  const data = new Uint8Array(plane.length);
  for (let at = 0; at < plane.length; at++) data[at] = Math.round(applied(step, plane[at]!));
  return { width, height, channels: 1, data };
}

function shades({ window }: PicturesInput): ChannelStep {
  return { clip: window.kind === 'voi' ? { kind: 'units', low: 0, high: 1 } : window, to: { low: 0, high: 255 } };
}
