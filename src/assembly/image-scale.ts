/** How large the pixels of an image on its own are, and where that is so. */
import type { ImageFrame } from './volume.ts';

export interface ImageScale {
  /** `[between rows, between columns]`, mm. */
  readonly pixelSpacing: readonly [number, number];
  /**
   * `patient`: calibrated, or no projection; `detector`: what lies before it is smaller by an unknown magnification;
   * `unstated`: a projection that does not say which of both.
   */
  readonly at: 'patient' | 'detector' | 'unstated';
}

/** Projections by modality (PS3.3 10.7.1.3). */
const PROJECTIONS: ReadonlySet<string> = new Set(['CR', 'DX', 'MG', 'IO', 'PX', 'RF', 'XA', 'RG']);

/**
 * Of a projection, Pixel Spacing (0028,0030) is calibrated where it differs from Imager Pixel Spacing (0018,1164) and
 * that of the detector where it is the same; alone it may be either (PS3.3 10.7.1.3). Undefined where no spacing is stated.
 */
export function imageScale({ header, frameNumber }: ImageFrame): ImageScale | undefined {
  const { imagerPixelSpacing: detector, modality } = header;
  const own = header.frames[frameNumber - 1]?.pixelSpacing;
  if (own === undefined) return detector && { pixelSpacing: detector, at: 'detector' };
  if (detector !== undefined) return { pixelSpacing: own, at: isSame(own, detector) ? 'detector' : 'patient' };
  return { pixelSpacing: own, at: PROJECTIONS.has(modality) ? 'unstated' : 'patient' };
}

/** But for how decimals are written. */
function isSame(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a.every((length, axis) => Math.abs(length / b[axis]! - 1) < 1e-4);
}
