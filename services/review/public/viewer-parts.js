/** The elements of the image viewer; what they do is in viewer.js. */
import { element } from './dom.js';

/** @import { View } from '../../../contracts/generated/types.ts' */

/**
 * @param {View} view
 * @param {{ onSlice: (index: number) => void, onPreset: (index: number) => void, onOutline: () => void }} handlers
 */
export function viewerParts(view, { onSlice, onPreset, onOutline }) {
  const canvas = element('canvas', { role: 'img' });
  const position = element('p', { class: 'corner top-left' });
  const windowText = element('p', { class: 'corner top-right' });
  const probe = element('span', { class: 'probe' });
  const outlineMark = element('p', { class: 'corner bottom-left' }, 'AI outline, not verified');
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
  const node = element(
    'section',
    { class: 'viewer', 'aria-label': 'Images' },
    stage,
    element('div', { class: 'track' }, element('div', { class: 'extents' }, ...extentBars(view)), slider),
    element(
      'div',
      { class: 'toolbar' },
      element('div', { role: 'group', 'aria-label': 'Window' }, ...presets),
      outline,
      legend(view),
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
 * Where each segment lies in the stack, above the slider.
 * @param {View} view
 */
function extentBars({ segments, slices }) {
  const last = Math.max(slices.length - 1, 1);
  return segments.flatMap(({ color, extent }) => {
    if (extent === undefined) return [];
    const bar = element('span', { class: 'extent', 'aria-hidden': 'true' });
    bar.style.left = `${(100 * extent.first) / last}%`;
    bar.style.width = `${(100 * (extent.last - extent.first)) / last}%`;
    bar.style.background = cssColor(color);
    return [bar];
  });
}

/** @param {View} view */
function legend({ segments }) {
  return element(
    'ul',
    { class: 'legend', 'aria-label': 'Outlines by AI, not verified' },
    ...segments.map(({ label, color }) => element('li', {}, swatch(color), label)),
  );
}

/** @param {readonly number[]} color */
export function swatch(color) {
  const box = element('span', { class: 'swatch', 'aria-hidden': 'true' });
  box.style.background = cssColor(color);
  return box;
}

/** @param {readonly number[]} rgb */
export function cssColor([red, green, blue]) {
  return `rgb(${red} ${green} ${blue})`;
}
