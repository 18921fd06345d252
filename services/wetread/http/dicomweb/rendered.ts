/** Rendered instances and frames (PS3.18 section 10.4.1.1.3) as PNG or JPEG. */
import type { Request, RequestHandler } from 'express';
import { encodeJpeg } from '../../../../adapters/rendering/jpeg.ts';
import { encodePng } from '../../../../adapters/rendering/png.ts';
import type { Raster } from '../../../../adapters/rendering/raster.ts';
import { renderFrame } from '../../../../adapters/rendering/render.ts';
import { scaled, type Viewport } from '../../../../adapters/rendering/viewport.ts';
import type { Window, WindowFunction } from '../../../../adapters/rendering/voi.ts';
import { WetreadError } from '../../../../src/errors.ts';
import { acceptedForms, covers } from './accept.ts';
import { closed, frameNumbers, readImage, refuseSkipped } from './frames.ts';
import type { DicomwebOptions } from './options.ts';
import { studyAddressOf } from './resource.ts';
import { found } from './wado.ts';

const ENCODERS = { 'image/jpeg': encodeJpeg, 'image/png': encodePng } as const;
type ImageType = keyof typeof ENCODERS;
const IMAGE_TYPES: readonly ImageType[] = ['image/jpeg', 'image/png'];
const DEFAULT_QUALITY = 90;
/** Larger pictures than any screen shows are not made. */
const MAX_VIEWPORT = 8192;

interface Presentation {
  window?: Window;
  viewport?: Viewport;
  quality: number;
}

/** One frame as a picture; of an instance without a frame number, the first. */
export function renderedHandler({ archive, reader, decoder }: DicomwebOptions): RequestHandler {
  return async (request, response) => {
    const type = imageType(request);
    const presentation = presentationOf(request);
    const [stored] = found(archive, studyAddressOf(request));
    const instance = await readImage(archive, reader, stored!);
    const [number, ...more] = frameNumbers(String(request.params['frames'] ?? 1), instance.frames.length);
    if (more.length > 0) throw new WetreadError('not-acceptable', 'A picture shows one frame');
    const frame = refuseSkipped(await decoder.decode(instance, number! - 1, closed(response)));
    const raster = refuseSkipped(renderFrame(frame, instance, number! - 1, presentation.window));
    const shown = presentation.viewport === undefined ? raster : inViewport(raster, presentation.viewport);
    const bytes = await ENCODERS[type](shown, presentation.quality);
    response.status(200).set('Content-Type', type).send(bytes);
  };
}

/** JPEG is the default (PS3.18 table 8.7.4-1). */
function imageType(request: Request): ImageType {
  for (const { container, type } of acceptedForms(request)) {
    const fits = container === 'multipart' ? undefined : IMAGE_TYPES.find((one) => covers(type, one));
    if (fits !== undefined) return fits;
  }
  throw new WetreadError('not-acceptable', 'Pictures come as image/jpeg and image/png');
}

/** @throws WetreadError `request-invalid` for parameters that are unknown, malformed or repeated. */
function presentationOf(request: Request): Presentation {
  const presentation: Presentation = { quality: DEFAULT_QUALITY };
  const seen = new Set<string>();
  for (const [name, value] of new URL(request.originalUrl, 'http://localhost').searchParams) {
    const set = PARAMETERS[name];
    if (set === undefined || seen.has(name)) throw invalid('A parameter is unknown or repeated');
    seen.add(name);
    set(presentation, value);
  }
  return presentation;
}

const PARAMETERS: Readonly<Record<string, (presentation: Presentation, value: string) => void>> = {
  accept: () => {},
  quality: (presentation, value) => {
    if (!/^([1-9]\d?|100)$/.test(value)) throw invalid('quality is a whole number from 1 to 100');
    presentation.quality = Number(value);
  },
  window: (presentation, value) => {
    presentation.window = windowOf(value);
  },
  viewport: (presentation, value) => {
    presentation.viewport = viewportOf(value);
  },
};

const FUNCTIONS: readonly WindowFunction[] = ['linear', 'linear-exact', 'sigmoid'];

function windowOf(value: string): Window {
  const [center, width, kind, ...more] = value.split(',');
  const window = { center: numeric(center), width: numeric(width), function: FUNCTIONS.find((name) => name === kind) };
  const valid = window.function === 'linear' ? window.width >= 1 : window.width > 0;
  if (window.function === undefined || !valid || more.length > 0) {
    throw invalid('window is center,width,function with linear, linear-exact or sigmoid');
  }
  return { ...window, function: window.function };
}

function viewportOf(value: string): Viewport {
  const numbers = value.split(',').map(numeric);
  const [width, height, x = 0, y = 0, regionWidth, regionHeight] = numbers as [number, number, ...number[]];
  const size = [width, height].every((side) => Number.isInteger(side) && side >= 1 && side <= MAX_VIEWPORT);
  if (!size || (numbers.length !== 2 && numbers.length !== 6) || regionWidth === 0 || regionHeight === 0) {
    throw invalid('viewport is width,height or width,height,x,y,width,height');
  }
  if (regionWidth === undefined || regionHeight === undefined) return { width, height };
  return { width, height, region: { x, y, width: regionWidth, height: regionHeight } };
}

/** @throws WetreadError `request-invalid` for a region that lies outside of the image. */
function inViewport(raster: Raster, viewport: Viewport): Raster {
  const { x, y, width, height } = viewport.region ?? { x: 0, y: 0, width: raster.width, height: raster.height };
  const inside = x >= 0 && y >= 0 && x + Math.abs(width) <= raster.width && y + Math.abs(height) <= raster.height;
  if (!inside) throw invalid('The region of the viewport lies outside of the image');
  return scaled(raster, viewport);
}

function numeric(text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || text.trim() === '' || !Number.isFinite(value)) throw invalid('A number is malformed');
  return value;
}

function invalid(message: string): WetreadError {
  return new WetreadError('request-invalid', message);
}
