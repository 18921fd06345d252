/** The elements of the image viewer; what they do is in viewer.js. */
import { element } from './dom.js';
import { MARK_COLOR } from './marks.js';

/** @import { View } from '../../../contracts/generated/types.ts' */

/** Of an outline at least, 0 to 1. */
const LUMINANCE = 0.6;

/**
 * @param {View} view
 * @param {{ onSlice: (index: number) => void, onPreset: (index: number) => void, onOutline: () => void }} handlers
 */
export function viewerParts(view, { onSlice, onPreset, onOutline }) {
  const canvas = element('canvas', { role: 'img' });
  const position = element('p', { class: 'corner top-left' });
  const windowText = element('p', { class: 'corner top-right' });
  const probe = element('span', { class: 'probe' });
  const outlineMark = element('div', { class: 'corner bottom-left' }, legend(view), 'AI outline, not verified');
  const message = element('p', { class: 'message' });
  const edges = Object.entries(view.edges).map(([side, letters]) =>
    element('span', { class: `edge ${side}` }, letters),
  );
  const stage = element(
    'div',
    { class: 'stage', tabindex: 0, role: 'group', 'aria-label': 'Image; arrow keys scroll, ? lists all keys' },
    ...[canvas, position, windowText, outlineMark, ...edges, message],
  );
  const slider = element('input', {
    type: 'range',
    min: 0,
    max: view.slices.length - 1,
    'aria-label': 'Slice',
    input: () => onSlice(Number(slider.value)),
  });
  const presets = view.windows.map(({ label }, i) => toolButton(label, String(i + 1), () => onPreset(i)));
  const outline = toolButton('Outline', 'O', onOutline);
  outline.hidden = !isOutlined(view);
  const track = element('div', { class: 'track' }, element('div', { class: 'extents' }, ...extentBars(view)), slider);
  track.hidden = view.slices.length === 1;
  const node = element(
    'section',
    { class: 'viewer', 'aria-label': 'Images' },
    stage,
    track,
    element(
      'div',
      { class: 'toolbar' },
      element('div', { role: 'group', 'aria-label': 'Window' }, ...presets),
      outline,
    ),
  );
  return { node, stage, canvas, position, windowText, probe, outlineMark, message, slider, presets, outline };
}

/**
 * @param {string} label
 * @param {string} key
 * @param {() => void} click
 */
function toolButton(label, key, click) {
  return element('button', { type: 'button', click }, label, element('kbd', {}, key));
}

/**
 * Where each segment and each mark lies in the stack, above the slider.
 * @param {View} view
 */
function extentBars({ segments, slices, marks = [] }) {
  const last = Math.max(slices.length - 1, 1);
  const bar = (/** @type {number} */ from, /** @type {number} */ to, /** @type {string} */ color) => {
    const node = element('span', { class: 'extent', 'aria-hidden': 'true' });
    node.style.left = `${(100 * from) / last}%`;
    node.style.width = `max(2px, ${(100 * (to - from)) / last}%)`;
    node.style.background = color;
    return node;
  };
  const outlined = segments.flatMap(({ color, extent }) =>
    extent === undefined ? [] : [bar(extent.first, extent.last, cssColor(color))],
  );
  if (marks.length === 0) return outlined;
  const track = marks.map(({ shapes }) => {
    const crossed = shapes.map(({ slice }) => slice);
    return bar(Math.min(...crossed), Math.max(...crossed), cssColor(MARK_COLOR));
  });
  return [...outlined, element('span', { class: 'extent-row', 'aria-hidden': 'true' }, ...track)];
}

/**
 * Whether any of its slices has something drawn on it.
 * @param {View} view
 */
export function isOutlined({ segments, marks = [] }) {
  return segments.length > 0 || marks.length > 0;
}

/** @param {View} view */
function legend({ segments, marks = [] }) {
  return element(
    'ul',
    { class: 'legend', 'aria-label': 'Outlines by AI, not verified' },
    ...segments.map(({ label, color }) => element('li', {}, swatch(color), label)),
    marks.length > 0 && element('li', {}, swatch(MARK_COLOR), 'Marked regions'),
  );
}

/** @param {readonly number[]} color */
export function swatch(color) {
  const box = element('span', { class: 'swatch', 'aria-hidden': 'true' });
  box.style.background = cssColor(color);
  return box;
}

/**
 * The recommended colour of a segment, lightened until it stands out from black: dark blue lines vanish on a lung.
 * @param {readonly number[]} rgb
 */
export function cssColor(rgb) {
  const luminance = (0.2126 * (rgb[0] ?? 0) + 0.7152 * (rgb[1] ?? 0) + 0.0722 * (rgb[2] ?? 0)) / 255;
  const white = Math.max(0, (LUMINANCE - luminance) / (1 - luminance));
  return `rgb(${rgb.map((part) => Math.round(part + (255 - part) * white)).join(' ')})`;
}
