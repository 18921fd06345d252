/** Density histogram of the segments: share of voxels over value, with the thresholds that the measurements use. */

import { element, svg } from './dom.js';
import { number } from './text.js';
import { cssColor, swatch } from './viewer-parts.js';

/**
 * @import { View, Finding, Measurement } from '../../../contracts/generated/types.ts'
 * @typedef {{ key: string, label: string, color: readonly number[], low: number, counts: readonly number[], total: number,
 *   perc15?: Measurement, share?: Measurement }} Curve
 */

const WIDTH = 560;
const HEIGHT = 190;
const MARGIN = { left: 34, right: 8, top: 16, bottom: 30 };
/** At the right end of the axis, for the units. */
const UNITS_ROOM = 44;
/** Values per bar. */
const BIN = 5;
/** The tail above this share of all voxels is left out. */
const SHOWN_SHARE = 0.998;

/**
 * @param {View} view
 * @param {readonly Finding[]} findings
 * @returns {HTMLElement | undefined}
 */
export function histogram(view, findings) {
  const curves = curvesOf(view, findings);
  if (curves.length === 0) return undefined;
  const threshold = curves.find(({ share }) => share !== undefined)?.share?.threshold?.value;
  const text = curves.map((curve) => describe(curve, view.units)).join('. ');
  return element(
    'figure',
    { class: 'histogram' },
    chart(curves, threshold, view.units, text),
    element(
      'figcaption',
      {},
      ...curves.map((curve) => element('p', {}, swatch(curve.color), describe(curve, view.units))),
    ),
  );
}

/**
 * @param {View} view
 * @param {readonly Finding[]} findings
 * @returns {Curve[]}
 */
function curvesOf(view, findings) {
  return view.histograms.flatMap(({ segmentKey, low, counts }) => {
    const segment = view.segments.find(({ key }) => key === segmentKey);
    if (segment === undefined) return [];
    const finding = findings.find(({ segmentNumber }) => segmentNumber === segment.number);
    const measured = finding?.measurements.filter(({ value }) => value !== undefined) ?? [];
    const total = counts.reduce((sum, count) => sum + count, 0);
    const { label, color } = segment;
    return [
      {
        key: segmentKey,
        label,
        color,
        low,
        counts,
        total,
        perc15: measured.find(({ key }) => key === 'perc15'),
        share: measured.find((m) => m.threshold !== undefined),
      },
    ];
  });
}

/**
 * @param {Curve} curve
 * @param {string} units
 */
function describe({ label, perc15, share }, units) {
  const parts = [
    perc15?.value !== undefined && `${perc15.name ?? perc15.concept.meaning} ${number(perc15.value)} ${units}`,
    share?.value !== undefined && `${number(share.value, 1)} % below ${number(share.threshold?.value ?? 0)} ${units}`,
  ].filter(Boolean);
  return [label, parts.join(', ')].filter((part) => part !== '').join(': ');
}

/**
 * @param {readonly Curve[]} curves
 * @param {number | undefined} threshold
 * @param {string} units
 * @param {string} text
 */
function chart(curves, threshold, units, text) {
  const binned = curves.map((curve) => ({ curve, bins: binsOf(curve) }));
  const low = Math.min(...curves.map((c) => c.low));
  const high = Math.max(...curves.map(upperEnd));
  const peak = Math.max(...binned.flatMap(({ bins }) => bins.map(([, share]) => share)));
  const x = (/** @type {number} */ value) =>
    MARGIN.left + ((value - low) / (high - low)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (/** @type {number} */ share) =>
    HEIGHT - MARGIN.bottom - (share / peak) * (HEIGHT - MARGIN.bottom - MARGIN.top);
  const base = y(0);
  const line = (/** @type {number} */ value, /** @type {string} */ name) =>
    svg('line', { class: name, x1: x(value), x2: x(value), y1: MARGIN.top, y2: base });
  return svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `Histogram of density. ${text}` },
    threshold !== undefined &&
      svg('rect', {
        class: 'below',
        x: x(low),
        width: Math.max(x(threshold) - x(low), 0),
        y: MARGIN.top,
        height: base - MARGIN.top,
      }),
    ...binned.flatMap(({ curve, bins }) => curvePaths(curve, bins, x, y, high)),
    threshold !== undefined && line(threshold, 'threshold'),
    threshold !== undefined && svg('text', { x: x(threshold) + 4, y: MARGIN.top - 4 }, `${number(threshold)} ${units}`),
    ...curves.flatMap((curve, i) => perc15Mark(curve, x, base, 11 - 4 * i)),
    ...axis(low, high, x, base, units),
    svg('text', { class: 'muted', x: 2, y: MARGIN.top - 4 }, `% per ${BIN} ${units}`),
    svg('text', { class: 'muted', x: MARGIN.left - 4, y: y(peak) + 8, 'text-anchor': 'end' }, number(peak, 1)),
  );
}

/**
 * @param {Curve} curve
 * @returns {[number, number][]} lower end of the bin, share in percent
 */
function binsOf({ low, counts, total }) {
  /** @type {Map<number, number>} */
  const bins = new Map();
  for (const [i, count] of counts.entries()) {
    const bin = Math.floor((low + i) / BIN) * BIN;
    bins.set(bin, (bins.get(bin) ?? 0) + (100 * count) / total);
  }
  return [...bins];
}

/** @param {Curve} curve */
function upperEnd({ low, counts, total }) {
  let seen = 0;
  const end = counts.findIndex((count) => {
    seen += count;
    return seen >= SHOWN_SHARE * total;
  });
  return low + end + BIN;
}

/**
 * @param {Curve} curve
 * @param {readonly [number, number][]} bins
 * @param {(value: number) => number} x
 * @param {(share: number) => number} y
 * @param {number} high
 */
function curvePaths({ color }, bins, x, y, high) {
  const points = bins.filter(([value]) => value <= high).map(([value, share]) => `${x(value)},${y(share)}`);
  const [from, to] = [points[0]?.split(',')[0], points.at(-1)?.split(',')[0]];
  const stroke = cssColor(color);
  return [
    svg('path', { d: `M${from},${y(0)} L${points.join(' ')} L${to},${y(0)} Z`, fill: stroke, class: 'area' }),
    svg('polyline', { points: points.join(' '), stroke, class: 'curve' }),
  ];
}

/**
 * A mark under the axis; those of later curves are smaller, so that equal values stay visible.
 * @param {Curve} curve
 * @param {(value: number) => number} x
 * @param {number} base
 * @param {number} size
 */
function perc15Mark({ perc15, color }, x, base, size) {
  if (perc15?.value === undefined) return [];
  const [at, half] = [x(perc15.value), size / 2];
  const points = `${at},${base} ${at - half},${base + size} ${at + half},${base + size}`;
  return [svg('polygon', { fill: cssColor(color), class: 'perc15', points })];
}

/**
 * @param {number} low
 * @param {number} high
 * @param {(value: number) => number} x
 * @param {number} base
 * @param {string} units
 */
function axis(low, high, x, base, units) {
  const step = [10, 20, 50, 100, 200, 500, 1000].find((size) => (high - low) / size <= 7) ?? 2000;
  const ticks = [];
  for (let value = Math.ceil(low / step) * step; x(value) < WIDTH - UNITS_ROOM; value += step) {
    ticks.push(svg('text', { class: 'muted', x: x(value), y: base + 22, 'text-anchor': 'middle' }, number(value)));
  }
  return [
    svg('line', { class: 'axis', x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: base, y2: base }),
    ...ticks,
    svg('text', { class: 'muted', x: WIDTH - 2, y: base + 22, 'text-anchor': 'end' }, units),
  ];
}
