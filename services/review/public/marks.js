/** Where findings lie, drawn on the slices that they cross: a line around each, its name beside it. */

/**
 * @import { View } from '../../../contracts/generated/types.ts'
 * @import { Placement } from './drawing.js'
 * @typedef {{ findingKey: string, label: string, points: readonly number[] }} Mark
 */

/** Seen on lung, soft tissue and bone alike, and no colour that segments have. */
export const MARK_COLOR = /** @type {const} */ ([255, 214, 10]);
const STROKE = `rgb(${MARK_COLOR.join(' ')})`;
/** CSS pixels. */
const POINT_ARM = 9;
const GAP = 5;
/** For the letter that says which side of the patient it is. */
const EDGE = 26;

/**
 * @param {View} view
 * @param {number} index of the slice
 * @returns {readonly Mark[]}
 */
export function marksOn({ marks = [] }, index) {
  return marks.flatMap(({ findingKey, label, shapes }) =>
    shapes.filter(({ slice }) => slice === index).map(({ points }) => ({ findingKey, label, points })),
  );
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Placement} placement of the image on the canvas
 * @param {readonly Mark[]} marks
 * @param {readonly string[]} selected finding keys; the others are drawn fainter
 */
export function paintMarks(context, { left, top, scaleX, scaleY }, marks, selected) {
  for (const { findingKey, label, points } of marks) {
    const corners = pairs(points).map(([column, row]) => ({ x: left + column * scaleX, y: top + row * scaleY }));
    const chosen = selected.includes(findingKey);
    context.globalAlpha = selected.length > 0 && !chosen ? 0.45 : 1;
    context.strokeStyle = STROKE;
    context.lineWidth = (chosen ? 2.5 : 1.5) * devicePixelRatio;
    context.stroke(corners.length === 1 ? cross(corners[0]) : outline(corners));
    name(context, label, corners);
  }
  context.globalAlpha = 1;
}

/**
 * @param {readonly number[]} points
 * @returns {readonly (readonly [number, number])[]}
 */
function pairs(points) {
  return Array.from({ length: points.length / 2 }, (_, i) => [points[2 * i] ?? 0, points[2 * i + 1] ?? 0]);
}

/** @param {readonly { x: number, y: number }[]} corners */
function outline(corners) {
  const path = new Path2D();
  for (const { x, y } of corners) path.lineTo(x, y);
  path.closePath();
  return path;
}

/**
 * Open in the middle: the place itself stays to be seen.
 * @param {{ x: number, y: number } | undefined} corner
 */
function cross({ x, y } = { x: 0, y: 0 }) {
  const path = new Path2D();
  const [near, far] = [(POINT_ARM / 3) * devicePixelRatio, POINT_ARM * devicePixelRatio];
  for (const [dx, dy] of /** @type {const} */ ([
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ])) {
    path.moveTo(x + dx * near, y + dy * near);
    path.lineTo(x + dx * far, y + dy * far);
  }
  return path;
}

/**
 * Right of the mark, or left of it where the image ends, with a dark edge that keeps it readable on bone.
 * @param {CanvasRenderingContext2D} context
 * @param {string} label
 * @param {readonly { x: number, y: number }[]} corners
 */
function name(context, label, corners) {
  const gap = GAP * devicePixelRatio;
  const across = corners.map(({ x }) => x);
  const middle = corners.reduce((sum, { y }) => sum + y, 0) / corners.length;
  context.font = `600 ${12 * devicePixelRatio}px system-ui, sans-serif`;
  const { width } = context.measureText(label);
  const right = Math.max(...across) + gap;
  const start =
    right + width + EDGE * devicePixelRatio <= context.canvas.width
      ? right
      : Math.max(Math.min(...across) - gap - width, gap);
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.lineWidth = 3 * devicePixelRatio;
  context.strokeStyle = '#000';
  context.strokeText(label, start, middle);
  context.fillStyle = STROKE;
  context.fillText(label, start, middle);
  context.textBaseline = 'alphabetic';
}
