/** The trace as a table: one row a span, its bar against the whole. */
import { element } from './dom.js';
import { duration } from './text.js';

/** @import { TraceSpan } from '../trace.ts' */

/** @param {readonly TraceSpan[]} spans */
export function waterfall(spans) {
  const total = Math.max(...spans.map(({ startMs, durationMs }) => startMs + durationMs), 1);
  return element(
    'table',
    { class: 'waterfall' },
    element(
      'thead',
      {},
      element('tr', {}, ...['Span', 'Time', 'When'].map((head) => element('th', { scope: 'col' }, head))),
    ),
    element('tbody', {}, ...spans.map((span) => row(span, total))),
  );
}

/**
 * @param {TraceSpan} span
 * @param {number} total
 */
function row({ name, depth, service, startMs, durationMs, failed, attributes }, total) {
  const facts = Object.entries(attributes).map(([key, value]) => `${key} ${value}`);
  const label = element('span', { title: [service, ...facts].filter(Boolean).join('\n') }, name);
  label.style.paddingLeft = `${depth}em`;
  const bar = element('span', { class: failed ? 'bar failed' : 'bar' });
  bar.style.left = `${(100 * startMs) / total}%`;
  bar.style.width = `${(100 * durationMs) / total}%`;
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, label, failed && ' (failed)'),
    element('td', { class: 'number' }, duration(durationMs)),
    element('td', { class: 'lane' }, element('span', { class: 'hidden' }, `starts at ${duration(startMs)}`), bar),
  );
}
