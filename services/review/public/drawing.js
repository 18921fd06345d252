/** One slice on a canvas: windowed grey values, outlines along the pixel edges, a scale bar. */
import { paintMarks } from './marks.js';
import { cssColor } from './viewer-parts.js';

/**
 * @import { View } from '../../../contracts/generated/types.ts'
 * @import { Slice } from './slices.js'
 * @import { Mark } from './marks.js'
 * @typedef {{ center: number, width: number }} Window
 * @typedef {{ left: number, top: number, scaleX: number, scaleY: number }} Placement
 */

const SCALE_BAR_MM = 50;

export class SlicePainter {
  #source = document.createElement('canvas');
  #lut = new Uint32Array(65_536);
  #lutKey = '';
  /** @type {WeakMap<Slice, readonly { segmentNumber: number, hole: boolean, path: Path2D }[]>} */
  #paths = new WeakMap();

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {View} view
   */
  constructor(canvas, view) {
    this.canvas = canvas;
    this.view = view;
    this.#source.width = view.columns;
    this.#source.height = view.rows;
    this.context = contextOf(canvas);
    this.source = contextOf(this.#source);
    this.image = this.source.createImageData(view.columns, view.rows);
  }

  /** Where the image lies on the canvas: as large as fits, with square millimetres. */
  placement() {
    const { rows, columns, pixelSpacing } = this.view;
    const [betweenRows, betweenColumns] = pixelSpacing;
    const scale = Math.min(this.canvas.width / (columns * betweenColumns), this.canvas.height / (rows * betweenRows));
    const [scaleX, scaleY] = [scale * betweenColumns, scale * betweenRows];
    const left = Math.round((this.canvas.width - columns * scaleX) / 2);
    const top = Math.round((this.canvas.height - rows * scaleY) / 2);
    return { left, top, scaleX, scaleY };
  }

  clear() {
    this.context.fillStyle = '#000';
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /**
   * @param {Slice} slice
   * @param {{ window: Window, outlines: boolean, selected: readonly number[],
   *   marks: readonly Mark[], selectedMarks: readonly string[] }} look
   */
  paint(slice, look) {
    const { context } = this;
    const placement = this.placement();
    this.clear();
    this.#paintVoxels(slice, look.window, placement);
    context.save();
    context.translate(placement.left, placement.top);
    context.scale(placement.scaleX, placement.scaleY);
    if (look.outlines) this.#paintOutlines(slice, look.selected, placement.scaleX);
    context.restore();
    if (look.outlines) paintMarks(context, placement, look.marks, look.selectedMarks);
    if (this.view.projection !== true) this.#paintScaleBar(placement);
  }

  /**
   * @param {Slice} slice
   * @param {Window} window
   * @param {Placement} placement
   */
  #paintVoxels(slice, window, { left, top, scaleX, scaleY }) {
    const { rows, columns } = this.view;
    const lut = this.#lutOf(slice, window);
    const pixels = new Uint32Array(this.image.data.buffer);
    const voxels = new Uint16Array(slice.voxels.buffer);
    for (let i = 0; i < pixels.length; i += 1)
      pixels[i] = /** @type {number} */ (lut[/** @type {number} */ (voxels[i])]);
    this.source.putImageData(this.image, 0, 0);
    this.context.imageSmoothingQuality = 'high';
    this.context.drawImage(this.#source, left, top, columns * scaleX, rows * scaleY);
  }

  /**
   * Linear window of PS3.3 C.11.2.1.2.1, as grey by the bits of a voxel.
   * @param {Slice} slice
   * @param {Window} window
   */
  #lutOf({ slope, intercept }, { center, width }) {
    const key = `${slope} ${intercept} ${center} ${width}`;
    if (key === this.#lutKey) return this.#lut;
    for (let bits = 0; bits < 65_536; bits += 1) {
      const value = (bits < 32_768 ? bits : bits - 65_536) * slope + intercept;
      const share = (value - (center - 0.5)) / Math.max(width - 1, 1) + 0.5;
      const bright = Math.round(Math.min(Math.max(share, 0), 1) * 255);
      const grey = this.view.inverted === true ? 255 - bright : bright;
      this.#lut[bits] = 0xff00_0000 | (grey << 16) | (grey << 8) | grey;
    }
    this.#lutKey = key;
    return this.#lut;
  }

  /**
   * Holes, such as vessels, are counted out and drawn fainter than the edge of the organ.
   * @param {Slice} slice
   * @param {readonly number[]} selected
   * @param {number} scale device pixels per column
   */
  #paintOutlines(slice, selected, scale) {
    const { context } = this;
    const pixel = devicePixelRatio / scale;
    context.lineJoin = 'round';
    for (const { segmentNumber, hole, path } of this.#pathsOf(slice)) {
      const chosen = selected.includes(segmentNumber);
      const muted = selected.length > 0 && !chosen;
      context.strokeStyle = this.#colorOf(segmentNumber);
      context.globalAlpha = (hole ? 0.55 : 1) * (muted ? 0.35 : 1);
      context.lineWidth = pixel * (hole ? 0.7 : chosen ? 3 : 1.6);
      context.stroke(path);
    }
    context.globalAlpha = 1;
  }

  /** @param {Slice} slice */
  #pathsOf(slice) {
    const known = this.#paths.get(slice);
    if (known !== undefined) return known;
    const paths = slice.outlines.flatMap(({ segmentNumber, contours }) =>
      contours.map(({ hole, points }) => ({ segmentNumber, hole, path: pathOf(points) })),
    );
    this.#paths.set(slice, paths);
    return paths;
  }

  /** @param {number} segmentNumber */
  #colorOf(segmentNumber) {
    const segment = this.view.segments.find(({ number }) => number === segmentNumber);
    return cssColor(segment?.color ?? [255, 255, 255]);
  }

  /** @param {Placement} placement */
  #paintScaleBar({ scaleX }) {
    const { context, canvas } = this;
    const length = (SCALE_BAR_MM / this.view.pixelSpacing[1]) * scaleX;
    const [right, bottom] = [canvas.width - 14 * devicePixelRatio, canvas.height - 16 * devicePixelRatio];
    context.strokeStyle = '#fff';
    context.lineWidth = 1.5 * devicePixelRatio;
    context.beginPath();
    for (const share of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
      context.moveTo(right - length * share, bottom);
      context.lineTo(right - length * share, bottom - (share % 1 === 0 ? 7 : 4) * devicePixelRatio);
    }
    context.moveTo(right - length, bottom);
    context.lineTo(right, bottom);
    context.stroke();
    context.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    context.fillStyle = '#fff';
    context.textAlign = 'right';
    context.fillText(`${SCALE_BAR_MM / 10} cm`, right, bottom - 10 * devicePixelRatio);
  }
}

/** @param {readonly number[]} points */
function pathOf(points) {
  const path = new Path2D();
  for (let i = 0; i < points.length; i += 2) {
    path.lineTo(/** @type {number} */ (points[i]), /** @type {number} */ (points[i + 1]));
  }
  path.closePath();
  return path;
}

/** @param {HTMLCanvasElement} canvas */
function contextOf(canvas) {
  const context = canvas.getContext('2d', { alpha: false });
  if (context === null) throw new Error('This browser has no canvas');
  return context;
}
