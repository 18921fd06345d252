/** The draft: impression first, what each model found, density, then the rest. Every sentence leads to what it rests on. */
import { announce, element } from './dom.js';
import { tableOf } from './findings-table.js';
import { histogram } from './histogram.js';

/**
 * @import { DraftAnswer } from '../answers.ts'
 * @import { FindingHead } from '../measurement-table.ts'
 * @import { InstanceReference, View, ReportSection, Sentence } from '../../../contracts/generated/types.ts'
 * @typedef {(columns: readonly FindingHead[]) => void} Select
 */

/**
 * @param {DraftAnswer} draft
 * @param {readonly View[]} views
 * @param {Select} select
 */
export function draftPanel(draft, views, select) {
  const { report, tables } = draft;
  const section = (/** @type {string} */ key) => {
    const found = report.sections.find((s) => s.key === key);
    return found && sectionOf(found, draft, views, select);
  };
  return element(
    'article',
    {
      class: 'draft',
      'aria-label': report.title,
      copy: (/** @type {ClipboardEvent} */ event) => labelCopy(event, report.label),
    },
    section('impression'),
    ...tables.map((table) => tableOf(table, viewOf(views, table.algorithm.name), isOfSeveral(draft), select)),
    ...figures(draft, views),
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
 * Models that gave no result: whoever reads the draft must not take their silence for a negative.
 * @param {DraftAnswer} draft
 */
export function partialNotice({ unavailable }) {
  if (unavailable.length === 0) return undefined;
  return element(
    'section',
    { class: 'notice attention partial', 'aria-label': 'Partial draft' },
    element('h2', {}, 'Partial draft: not every model gave a result'),
    ...unavailable.flatMap(({ algorithm, text, detail, advice }) => [
      element('p', { class: 'reason' }, `${algorithm}: ${detail === undefined ? text : `${text}: ${detail}`}`),
      element('p', {}, element('strong', {}, 'What you can do: '), advice),
    ]),
  );
}

/**
 * @param {DraftAnswer} draft
 * @param {readonly View[]} views
 */
function figures({ report }, views) {
  return report.readings.flatMap(({ algorithm, findings }) => {
    const view = viewOf(views, algorithm.name);
    const figure = view && histogram(view, findings);
    const name = report.readings.length > 1 ? `Density, ${algorithm.name}` : 'Density';
    return figure === undefined ? [] : [element('section', {}, element('h2', {}, name), figure)];
  });
}

/**
 * Of images on their own, which have a view each, the one that shows the findings.
 * @param {readonly View[]} views
 * @param {string} algorithm
 * @param {readonly FindingHead[]} columns
 */
function viewOf(views, algorithm, columns = []) {
  const own = views.filter((view) => view.algorithm.name === algorithm);
  return own.find((view) => keyIndex(view, columns) !== undefined) ?? own[0];
}

/** @param {DraftAnswer} draft */
function isOfSeveral({ report: { readings, unavailable } }) {
  return readings.length + unavailable.length > 1;
}

/**
 * Every finding that the page can point at.
 * @param {DraftAnswer | undefined} draft
 * @returns {readonly FindingHead[]}
 */
export function columnsOf(draft) {
  return (draft?.tables ?? []).flatMap(({ columns, statements }) => [...columns, ...statements]);
}

/**
 * @param {ReportSection} section
 * @param {DraftAnswer} draft
 * @param {readonly View[]} views
 * @param {Select} select
 */
function sectionOf({ key, heading, sentences }, draft, views, select) {
  const columns = columnsOf(draft);
  return element(
    'section',
    { class: key },
    element('h2', {}, heading),
    // The banner above says it, with what can be done.
    ...sentences
      .filter(({ notice }) => notice !== 'partial')
      .map((sentence) => {
        const rests = columns.filter((column) => sentence.findingKeys.includes(column.findingKey));
        const shown = rests.length > 0 ? evidence(rests, views, select) : withoutFindings(sentence, views, select);
        const mark = [sentence.notice, (sentence.flags ?? []).length > 0 && 'flagged'].filter(Boolean).join(' ');
        return element(
          'p',
          { class: `sentence ${mark}`.trim() },
          ...saidBy(sentence, isOfSeveral(draft)),
          ' ',
          ...writtenBy(sentence),
          ...shown,
        );
      }),
  );
}

/**
 * The name of the model that a sentence begins with, set apart.
 * @param {Sentence} sentence
 * @param {boolean} several
 */
function saidBy({ text }, several) {
  const [, name, rest] = (several ? /^\[([a-z0-9-]+)\] (.*)$/s.exec(text) : null) ?? [];
  return name === undefined ? [text] : [element('span', { class: 'origin' }, name), ' ', rest];
}

/**
 * Prose of a language model is told from sentences that were made of findings.
 * @param {Sentence} sentence
 */
function writtenBy({ generatedBy }) {
  if (generatedBy === undefined) return [];
  return [element('span', { class: 'generated' }, `written by ${generatedBy}`), ' '];
}

/**
 * Of a claim, the images that its language model names: its word, and no place in them. What was looked for, and how,
 * claims nothing of the images.
 * @param {Sentence} sentence
 * @param {readonly View[]} views
 * @param {Select} select
 */
function withoutFindings({ evidence: images = [], findingKeys, generatedBy }, views, select) {
  const named = images.flatMap((image) => namedImage(image, generatedBy, views, select));
  if (named.length > 0) return named;
  return findingKeys.length > 0 || generatedBy !== undefined ? [noEvidence()] : [];
}

/**
 * @param {InstanceReference} image
 * @param {string | undefined} author
 * @param {readonly View[]} views
 * @param {Select} select
 */
function namedImage({ sopInstanceUid, frameNumber = 1 }, author, views, select) {
  return views
    .filter(({ algorithm: { name, version } }) => `${name} ${version}` === author)
    .flatMap((view) => {
      const { algorithm, seriesInstanceUid } = view;
      const keyImage = { sopInstanceUid, frameNumber };
      const place = {
        findingKey: '',
        title: '',
        algorithm: algorithm.name,
        seriesInstanceUid,
        segmentNumbers: [],
        keyImage,
      };
      const index = keyIndex(view, [place]);
      if (index === undefined) return [];
      const words = `points to ${placeOf(view, index)}`;
      return [element('button', { type: 'button', class: 'evidence', click: () => select([place]) }, words), ' '];
    });
}

/**
 * A button for each model whose findings they are: what two models say is looked at one after the other.
 * @param {readonly FindingHead[]} columns
 * @param {readonly View[]} views
 * @param {Select} select
 */
function evidence(columns, views, select) {
  const byModel = Map.groupBy(columns, ({ algorithm }) => algorithm);
  return [...byModel].flatMap(([algorithm, own]) => {
    const name = own.map(({ title }) => title).join(', ');
    const view = viewOf(views, algorithm, own);
    const index = view && keyIndex(view, own);
    const origin = byModel.size > 1 ? `${algorithm}: ` : '';
    const button = element(
      'button',
      {
        type: 'button',
        class: 'evidence',
        'data-findings': own.map(({ findingKey }) => findingKey).join(' '),
        'aria-label': `Show ${name} in the images${byModel.size > 1 ? `, ${algorithm}` : ''}`,
        click: () => select(own),
      },
      `${origin}${view === undefined || index === undefined ? name : `${name}, ${placeOf(view, index)}`}`,
    );
    return [button, ' '];
  });
}

/**
 * @param {View} view
 * @param {number} index
 */
function placeOf({ projection, label }, index) {
  return projection === true ? (label ?? 'image') : `slice ${index + 1}`;
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
  const keys =
    draft?.report.sections
      .find(({ key }) => key === 'impression')
      ?.sentences.find(({ findingKeys }) => findingKeys.length > 0)?.findingKeys ?? [];
  return columnsOf(draft).filter(({ findingKey }) => keys.includes(findingKey));
}

/**
 * The slice of the first key image.
 * @param {View} view
 * @param {readonly FindingHead[]} columns
 * @returns {number | undefined} index into the slices
 */
export function keyIndex(view, columns) {
  const key = columns.find(({ keyImage }) => keyImage !== undefined)?.keyImage;
  const index = view.slices.findIndex(
    (slice) => slice.sopInstanceUid === key?.sopInstanceUid && slice.frameNumber === key.frameNumber,
  );
  return index < 0 ? undefined : index;
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
