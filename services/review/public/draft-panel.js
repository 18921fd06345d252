/** The draft: impression first, numbers, density, then the rest. Every sentence leads to what it rests on. */
import { announce, element } from './dom.js';
import { histogram } from './histogram.js';
import { swatch } from './viewer-parts.js';

/**
 * @import { DraftAnswer } from '../answers.ts'
 * @import { MeasurementColumn } from '../measurement-table.ts'
 * @import { View, ReportSection } from '../../../contracts/generated/types.ts'
 * @typedef {(columns: readonly MeasurementColumn[]) => void} Select
 */

/**
 * @param {DraftAnswer} draft
 * @param {View | undefined} view
 * @param {Select} select
 */
export function draftPanel(draft, view, select) {
  const { report, table } = draft;
  const section = (/** @type {string} */ key) => {
    const found = report.sections.find((s) => s.key === key);
    return found && sectionOf(found, table.columns, view, select);
  };
  const figure = view && histogram(view, report.readings[0].findings);
  return element(
    'article',
    {
      class: 'draft',
      'aria-label': report.title,
      copy: (/** @type {ClipboardEvent} */ event) => labelCopy(event, report.label),
    },
    section('impression'),
    element('section', {}, element('h2', {}, 'Measurements'), measurementTable(draft, view, select)),
    figure && element('section', {}, element('h2', {}, 'Density'), figure),
    section('findings'),
    section('technique'),
    report.caveats.length > 0 &&
      element(
        'section',
        {},
        element('h2', {}, 'Limits'),
        element('ul', {}, ...report.caveats.map((c) => element('li', {}, c))),
      ),
  );
}

/**
 * @param {ReportSection} section
 * @param {readonly MeasurementColumn[]} columns
 * @param {View | undefined} view
 * @param {Select} select
 */
function sectionOf({ key, heading, sentences }, columns, view, select) {
  return element(
    'section',
    { class: key },
    element('h2', {}, heading),
    ...sentences.map(({ text, findingKeys }) => {
      const rests = columns.filter((column) => findingKeys.includes(column.findingKey));
      const shown = rests.length > 0 ? evidence(rests, view, select) : key !== 'technique' && noEvidence();
      return element('p', { class: 'sentence' }, text, ' ', shown);
    }),
  );
}

/**
 * @param {readonly MeasurementColumn[]} columns
 * @param {View | undefined} view
 * @param {Select} select
 */
function evidence(columns, view, select) {
  const name = columns.map(({ title }) => title).join(', ');
  const index = view && keyIndex(view, columns);
  return element(
    'button',
    {
      type: 'button',
      class: 'evidence',
      'data-findings': columns.map(({ findingKey }) => findingKey).join(' '),
      'aria-label': `Show ${name} in the images`,
      click: () => select(columns),
    },
    index === undefined ? name : `${name}, slice ${index + 1}`,
  );
}

/** Said where it is so, because silence would look like support. */
function noEvidence() {
  return element('span', { class: 'no-evidence' }, 'no image evidence');
}

/**
 * What the first sentence of the impression rests on: the image to begin with.
 * @param {DraftAnswer | undefined} draft
 */
export function leadingColumns(draft) {
  const keys = draft?.report.sections.find(({ key }) => key === 'impression')?.sentences[0]?.findingKeys ?? [];
  return (draft?.table.columns ?? []).filter(({ findingKey }) => keys.includes(findingKey));
}

/**
 * The slice of the first key image.
 * @param {View} view
 * @param {readonly MeasurementColumn[]} columns
 * @returns {number | undefined} index into the slices
 */
export function keyIndex(view, columns) {
  const key = columns.find(({ keyImage }) => keyImage !== undefined)?.keyImage;
  const index = view.slices.findIndex(
    (slice) => slice.sopInstanceUid === key?.sopInstanceUid && slice.frameNumber === key.frameNumber,
  );
  return index < 0 ? undefined : index;
}

/**
 * @param {DraftAnswer} draft
 * @param {View | undefined} view
 * @param {Select} select
 */
function measurementTable({ table }, view, select) {
  const { columns, rows } = table;
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
 * @param {MeasurementColumn} column
 * @param {View | undefined} view
 * @param {Select} select
 */
function columnHead(column, view, select) {
  const own = column.segmentNumbers.length === 1 ? column.segmentNumbers : [];
  const segment = view?.segments.find(({ number }) => own.includes(number));
  const choose = () => select([column]);
  const label = `Show ${column.title} in the images`;
  return element(
    'th',
    { scope: 'col' },
    element(
      'button',
      { type: 'button', 'data-findings': column.findingKey, 'aria-label': label, click: choose },
      segment && swatch(segment.color),
      column.title,
    ),
  );
}

/** @param {string} text begins and ends with the label */
export function copyButton(text) {
  const button = element('button', { type: 'button', class: 'copy' }, 'Copy as text');
  const say = (/** @type {string} */ words) => {
    button.textContent = words;
    announce(words);
    setTimeout(() => (button.textContent = 'Copy as text'), 2500);
  };
  button.addEventListener('click', () => {
    navigator.clipboard.writeText(text).then(
      () => say('Copied with its label'),
      () => say('Not allowed here: select the text'),
    );
  });
  return button;
}

/**
 * A selection copied by hand carries the label too.
 * @param {ClipboardEvent} event
 * @param {string} label
 */
function labelCopy(event, label) {
  const selection = String(getSelection() ?? '');
  if (selection === '' || event.clipboardData === null) return;
  event.clipboardData.setData('text/plain', `${label}\n\n${selection}`);
  event.preventDefault();
}
