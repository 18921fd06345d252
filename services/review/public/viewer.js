/** The image viewer: scrolls, windows, shows outlines. Mouse, wheel, touch and keyboard do the same things. */

import { element, show } from './dom.js';
import { SlicePainter } from './drawing.js';
import { marksOn } from './marks.js';
import { SliceStore } from './slices.js';
import { number } from './text.js';
import { isOutlined, viewerParts } from './viewer-parts.js';

/**
 * @import { View } from '../../../contracts/generated/types.ts'
 */

const WHEEL_PIXELS_PER_SLICE = 40;
const TOUCH_PIXELS_PER_SLICE = 8;
const PAGE = 10;

export class Viewer {
  /** @type {number} */
  #index;
  /** @type {{ center: number, width: number }} */
  #window;
  #outlines = true;
  /** @type {readonly number[]} */
  #selected = [];
  /** @type {readonly string[]} */
  #selectedMarks = [];
  #wheel = 0;

  /**
   * @param {string} path of the view in the API
   * @param {View} view
   * @param {number} [start] the slice to begin with
   */
  constructor(path, view, start = Math.floor(view.slices.length / 2)) {
    this.view = view;
    this.#index = start;
    this.#window = first(view.windows);
    this.parts = viewerParts(view, {
      onSlice: (index) => this.goTo(index),
      onPreset: (index) => this.preset(index),
      onOutline: () => this.toggleOutlines(),
    });
    this.painter = new SlicePainter(this.parts.canvas, view);
    this.store = new SliceStore({
      path,
      view,
      onLoad: (index) => index === this.#index && this.#paint(),
    });
    this.#listen();
    this.#paint();
  }

  /** The slice that is shown. */
  get index() {
    return this.#index;
  }

  /** @param {number} index */
  goTo(index) {
    this.#index = Math.min(Math.max(index, 0), this.view.slices.length - 1);
    this.#paint();
  }

  /** @param {number} slices towards the end of the stack */
  scroll(slices) {
    this.goTo(this.#index + slices);
  }

  /** @param {number} pages */
  page(pages) {
    this.scroll(pages * PAGE);
  }

  end() {
    this.goTo(this.view.slices.length - 1);
  }

  /** @param {number} index of the preset */
  preset(index) {
    const preset = this.view.windows[index];
    if (preset !== undefined) this.#setWindow(preset);
  }

  /** @param {number} factor below 1 for more contrast */
  widen(factor) {
    this.#setWindow({ center: this.#window.center, width: this.#window.width * factor });
  }

  toggleOutlines() {
    this.#outlines = !this.#outlines;
    this.#paint();
  }

  /**
   * Emphasises segments and goes to the image that shows them.
   * @param {readonly number[]} segmentNumbers
   * @param {number | undefined} index
   * @param {readonly string[]} [findingKeys] findings whose marks are emphasised
   */
  select(segmentNumbers, index, findingKeys = []) {
    this.#selected = segmentNumbers;
    this.#selectedMarks = findingKeys.filter((key) => this.view.marks?.some(({ findingKey }) => findingKey === key));
    if (segmentNumbers.length > 0 || this.#selectedMarks.length > 0) this.#outlines = true;
    if (index === undefined) this.#paint();
    else this.goTo(index);
  }

  #listen() {
    this.parts.stage.addEventListener('wheel', (event) => this.#onWheel(event), { passive: false });
    this.parts.stage.addEventListener('pointerdown', (event) => this.#onDrag(event));
    this.parts.stage.addEventListener('pointermove', (event) => this.#showValue(event));
    this.parts.stage.addEventListener('pointerleave', () => show(this.parts.probe));
    new ResizeObserver(() => this.#resize()).observe(this.parts.stage);
  }

  #resize() {
    this.parts.canvas.width = Math.round(this.parts.stage.clientWidth * devicePixelRatio);
    this.parts.canvas.height = Math.round(this.parts.stage.clientHeight * devicePixelRatio);
    this.#paint();
  }

  /** @param {WheelEvent} event */
  #onWheel(event) {
    if (event.ctrlKey) return;
    event.preventDefault();
    const pixels =
      event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * WHEEL_PIXELS_PER_SLICE;
    this.#wheel += pixels;
    const slices = Math.trunc(this.#wheel / WHEEL_PIXELS_PER_SLICE);
    this.#wheel -= slices * WHEEL_PIXELS_PER_SLICE;
    if (slices !== 0) this.scroll(slices);
  }

  /**
   * A finger scrolls, a mouse windows: right and left for width, up and down for centre.
   * @param {PointerEvent} start
   */
  #onDrag(start) {
    if (start.button !== 0) return;
    this.parts.stage.setPointerCapture(start.pointerId);
    const [index, { center, width }] = [this.#index, this.#window];
    const unit = Math.max(1, first(this.view.windows).width / 512);
    const move = (/** @type {PointerEvent} */ event) => {
      const [dx, dy] = [event.clientX - start.clientX, event.clientY - start.clientY];
      if (start.pointerType !== 'mouse') this.goTo(index + Math.trunc(dy / TOUCH_PIXELS_PER_SLICE));
      else if (dx !== 0 || dy !== 0) this.#setWindow({ center: center + dy * unit, width: width + dx * unit });
    };
    const stop = () => this.parts.stage.removeEventListener('pointermove', move);
    this.parts.stage.addEventListener('pointermove', move);
    this.parts.stage.addEventListener('lostpointercapture', stop, { once: true });
  }

  /** @param {{ center: number, width: number }} window */
  #setWindow({ center, width }) {
    this.#window = { center, width: Math.max(width, 2) };
    this.#paint();
  }

  /** @param {PointerEvent} event */
  #showValue(event) {
    const slice = this.store.at(this.#index);
    const { left, top, scaleX, scaleY } = this.painter.placement();
    const column = Math.floor((event.offsetX * devicePixelRatio - left) / scaleX);
    const row = Math.floor((event.offsetY * devicePixelRatio - top) / scaleY);
    const outside = column < 0 || row < 0 || column >= this.view.columns || row >= this.view.rows;
    const voxel = slice?.voxels[row * this.view.columns + column];
    if (slice === undefined || outside || voxel === undefined) show(this.parts.probe);
    else show(this.parts.probe, `${number(voxel * slice.slope + slice.intercept)} ${this.view.units}`);
  }

  #paint() {
    const slice = this.store.at(this.#index);
    const failure = this.store.failure(this.#index);
    if (slice === undefined) this.painter.clear();
    else this.painter.paint(slice, this.#look());
    show(this.parts.message, slice === undefined && (failure === undefined ? 'Loading…' : `No image: ${failure}`));
    this.#describe(slice);
  }

  #look() {
    return {
      window: this.#window,
      outlines: this.#outlines,
      selected: this.#selected,
      marks: marksOn(this.view, this.#index),
      selectedMarks: this.#selectedMarks,
    };
  }

  /** @param {import('./slices.js').Slice | undefined} slice */
  #describe(slice) {
    const { slices, windows, segments } = this.view;
    const { center, width } = this.#window;
    const current = /** @type {import('../../../contracts/generated/types.ts').ViewSlice} */ (slices[this.#index]);
    const place = `${this.view.projection === true ? 'Image' : 'Slice'} ${this.#index + 1} of ${slices.length}`;
    const preset = windows.find((w) => w.center === center && w.width === width);
    const named = preset?.label ?? 'Own window';
    const { position, probe, outlineMark } = this.parts;
    const where = this.view.projection === true ? (this.view.label ?? '') : `${number(current.positionMm, 1)} mm`;
    show(position, place, element('br'), where, element('br'), probe);
    outlineMark.hidden = !this.#outlines || !isOutlined(this.view);
    show(this.parts.windowText, named, element('br'), `C ${number(center)}  W ${number(width)}`);
    for (const [i, button] of this.parts.presets.entries())
      button.setAttribute('aria-pressed', String(windows[i] === preset));
    this.parts.outline.setAttribute('aria-pressed', String(this.#outlines));
    this.parts.slider.value = String(this.#index);
    this.parts.slider.setAttribute('aria-valuetext', `${place}, ${where}`);
    const shown = segments.filter((s) => slice?.outlines.some((o) => o.segmentNumber === s.number));
    const outlined = this.#outlines && shown.length > 0 ? `; outlined: ${shown.map((s) => s.label).join(', ')}` : '';
    const marks = this.#outlines ? marksOn(this.view, this.#index) : [];
    const marked = marks.length > 0 ? `; marked: ${marks.map(({ label }) => label).join(', ')}` : '';
    this.parts.canvas.setAttribute(
      'aria-label',
      `${this.view.modality}, ${place}, ${named} window${outlined}${marked}`,
    );
  }
}

/**
 * @template T
 * @param {readonly T[]} items at least one
 * @returns {T}
 */
function first(items) {
  return /** @type {T} */ (items[0]);
}
