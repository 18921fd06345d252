/** What one model found: measurements side by side, and below them what it looked for. */
import { element } from './dom.js';
import { swatch } from './viewer-parts.js';

/**
 * @import { FindingHead, MeasurementTable, Statement } from '../measurement-table.ts'
 * @import { View } from '../../../contracts/generated/types.ts'
 * @typedef {(columns: readonly FindingHead[]) => void} Select
 */

/**
 * @param {MeasurementTable} table
 * @param {View | undefined} view
 * @param {boolean} several whether other models have tables too
 * @param {Select} select
 */
export function tableOf(table, view, several, select) {
  const { algorithm, columns, statements } = table;
  const isMeasured = columns.length > 0 || statements.some(({ presence }) => presence === undefined);
  const heading = isMeasured ? 'Measurements' : 'Findings looked for';
  return element(
    'section',
    { class: 'findings-of' },
    element(
      'h2',
      {},
      heading,
      several && element('span', { class: 'origin' }, `${algorithm.name} ${algorithm.version}`),
    ),
    columns.length > 0 && measurements(table, view, select),
    statements.length > 0 && list(statements, view, select),
  );
}

/**
 * @param {readonly Statement[]} statements
 * @param {View | undefined} view
 * @param {Select} select
 */
function list(statements, view, select) {
  return element(
    'table',
    { class: 'statements' },
    element('caption', { class: 'hidden' }, 'What was looked for'),
    element(
      'tbody',
      {},
      ...statements.map((statement) =>
        element(
          'tr',
          { class: statement.presence ?? 'stated' },
          element(
            'th',
            { scope: 'row' },
            canBeShown(statement) ? findingButton(statement, view, select) : statement.title,
          ),
          element('td', {}, statement.text),
        ),
      ),
    ),
  );
}

/**
 * @param {MeasurementTable} table
 * @param {View | undefined} view
 * @param {Select} select
 */
function measurements({ columns, rows }, view, select) {
  return element(
    'table',
    { class: 'measurements' },
    element('caption', { class: 'hidden' }, 'Measurements by finding'),
    element(
      'thead',
      {},
      element('tr', {}, element('td'), ...columns.map((column) => columnHead(column, view, select))),
    ),
    element(
      'tbody',
      {},
      ...rows.map(({ label, definition, cells }) =>
        element(
          'tr',
          {},
          element('th', { scope: 'row', title: definition }, label),
          ...cells.map((c) => element('td', {}, c)),
        ),
      ),
    ),
  );
}

/**
 * @param {FindingHead} column
 * @param {View | undefined} view
 * @param {Select} select
 */
function columnHead(column, view, select) {
  return element('th', { scope: 'col' }, findingButton(column, view, select));
}

/**
 * What is absent can be seen nowhere.
 * @param {FindingHead} head
 */
function canBeShown({ keyImage, segmentNumbers }) {
  return keyImage !== undefined || segmentNumbers.length > 0;
}

/**
 * In the colour of its outline, where it has one of its own.
 * @param {FindingHead} head
 * @param {View | undefined} view
 * @param {Select} select
 */
function findingButton(head, view, select) {
  const own = head.segmentNumbers.length === 1 ? head.segmentNumbers : [];
  const segment = view?.segments.find(({ number }) => own.includes(number));
  return element(
    'button',
    {
      type: 'button',
      'data-findings': head.findingKey,
      'aria-label': `Show ${head.title} in the images`,
      click: () => select([head]),
    },
    segment && swatch(segment.color),
    head.title,
  );
}
