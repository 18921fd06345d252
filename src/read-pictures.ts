/** One language model on one series of images that each stand on their own (CR, DX, MG …): all of them in one question. */
import type { StudyHeader } from './arrival/study.ts';
import { askAboutPictures, keptBack } from './ask-about-pictures.ts';
import type { ImageFrame, ImageSet } from './assembly/volume.ts';
import { outsideImageLimits, outsidePixelLimits, outsideSeriesLimits } from './inference/images/gate-image.ts';
import { imageReference, leftOutNotes } from './inference/images/image-findings.ts';
import { greyPicture, preparePicture, viewOf } from './inference/images/picture-of-image.ts';
import type { CardOf, ModelPackage, PicturesInput, PictureView } from './inference/model-package.ts';
import type { Picture } from './inference/pictures.ts';
import type { Reading } from './inference/reading.ts';
import type { Ports } from './ports.ts';
import { isSkipped, type Reason, reason, type Skipped } from './reasons.ts';

type PicturesModel = ModelPackage & { readonly card: CardOf<'pictures'> };

/** An image that the model may see. */
interface ImagePicture {
  readonly image: ImageFrame;
  /** Of the card; undefined where it declares none. */
  readonly view: PictureView | undefined;
  readonly picture: Picture;
}

/**
 * Gate every image, order those that are left by view, ask.
 * @param study whose words are kept from the draft: no model was given them
 */
export async function readPictures(
  ports: Pick<Ports, 'text' | 'log'>,
  model: PicturesModel,
  images: ImageSet,
  study: StudyHeader,
  signal: AbortSignal,
): Promise<Reading | Skipped> {
  const refused = outsideSeriesLimits(images, model.card);
  if (refused !== undefined) return { skipped: refused };
  const seen: ImagePicture[] = [];
  const leftOut: Reason[] = [];
  for (const image of images.images) {
    signal.throwIfAborted();
    const made = keptBack(image.header, model, ports.text) ?? pictureOfImage(image, model.card);
    if ('picture' in made) seen.push(made);
    else leftOut.push(made);
  }
  const ordered = inOrder(seen, model.card.input);
  if (isSkipped(ordered)) return leftOut[0] === undefined ? ordered : { skipped: leftOut[0] };
  const [first, ...others] = ordered;
  const shown = {
    images,
    header: first.image.header,
    lateralities: ordered.map(({ image }) => image.header.imageLaterality),
    references: [imageReference(first.image), ...others.map(({ image }) => imageReference(image))] as const,
    pictures: ordered.map(({ picture }) => picture),
    description: descriptionOf(ordered),
    notes: leftOutNotes(leftOut, images.images.length),
  };
  return await askAboutPictures(ports, model, shown, study, signal);
}

function pictureOfImage(image: ImageFrame, card: CardOf<'pictures'>): ImagePicture | Reason {
  const unfit = outsideImageLimits(image, card);
  if (unfit !== undefined) return unfit;
  const prepared = preparePicture(image, card.input);
  const implausible = outsidePixelLimits(image, prepared, card);
  return implausible ?? { image, view: viewOf(image, card.input), picture: greyPicture(prepared, card.input) };
}

/** In the order of the views, of equals in that of the series. */
function inOrder(
  seen: readonly ImagePicture[],
  input: PicturesInput,
): readonly [ImagePicture, ...ImagePicture[]] | Skipped {
  const views: readonly PictureView[] = input.views ?? [];
  const missing = views.find((view) => view.required && !seen.some((one) => one.view === view));
  if (missing !== undefined) return { skipped: reason('wrong-view', `no image is ${missing.meaning}`) };
  const placeOf = ({ view }: ImagePicture): number => (view === undefined ? 0 : views.indexOf(view));
  const [first, ...others] = seen.toSorted((a, b) => placeOf(a) - placeOf(b));
  return first === undefined ? { skipped: reason('no-readable-series') } : [first, ...others];
}

/** `2 pictures, grey, numbered from 1; 1: frontal; 2: lateral`. In words of the card: a header may say anything. */
function descriptionOf(shown: readonly ImagePicture[]): string {
  const count = shown.length === 1 ? '1 picture' : `${shown.length} pictures`;
  const named = shown.map(({ image, view }, at) => {
    const side = SIDES[image.header.imageLaterality ?? ''];
    const words = [view?.meaning, side].filter((word) => word !== undefined);
    return words.length === 0 ? [] : [`${at + 1}: ${words.join(', ')}`];
  });
  return [`${count}, grey, numbered from 1`, ...named.flat()].join('; ');
}

/** Image Laterality (0020,0062). */
const SIDES: Readonly<Record<string, string>> = { R: 'right side', L: 'left side', B: 'both sides' };
