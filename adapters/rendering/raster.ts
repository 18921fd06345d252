/** A picture for the screen: 8 bits a channel, rows from the top, channels of a pixel together. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 red, green and blue. */
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}
