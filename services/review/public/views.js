/** Which reading is shown: every model that read a series has a view of its own. */
import { studyPath } from './api.js';
import { element, show } from './dom.js';
import { keyIndex } from './draft-panel.js';
import { Viewer } from './viewer.js';

/**
 * @import { HeaderAnswer } from '../answers.ts'
 * @import { FindingHead } from '../measurement-table.ts'
 * @import { View } from '../../../contracts/generated/types.ts'
 */

export class Views {
  /** @type {readonly View[]} */
  #views = [];
  #shown = 0;
  /** @type {Viewer | undefined} */
  viewer;

  /** @param {string} uid of the study */
  constructor(uid) {
    this.uid = uid;
    this.choice = element('div', { class: 'views', role: 'group', 'aria-label': 'Reading shown' });
    this.stage = element('div', { class: 'images' });
    this.node = element('div', { class: 'image-side' }, this.choice, this.stage);
  }

  /**
   * Other views than before: begins with what the columns point at.
   * @param {readonly View[]} views
   * @param {readonly FindingHead[]} columns
   */
  replace(views, columns) {
    this.#views = views;
    this.viewer = undefined;
    const first = views[0];
    if (first === undefined) return;
    this.#show(this.#viewOf(columns) ?? 0, columns);
  }

  /**
   * What the choice is called; series have numbers only once the archive has told them.
   * @param {HeaderAnswer | undefined} header
   */
  name(header) {
    this.choice.hidden = this.#views.length < 2;
    show(
      this.choice,
      ...this.#views.map((view, index) =>
        element(
          'button',
          { type: 'button', 'aria-pressed': String(index === this.#shown), click: () => this.#choose(index, header) },
          element('strong', {}, seriesName(view, header)),
          ` ${view.algorithm.name}`,
        ),
      ),
    );
  }

  /**
   * Emphasises findings, in the view that shows the first of them.
   * @param {readonly FindingHead[]} columns
   * @param {HeaderAnswer | undefined} header
   */
  select(columns, header) {
    const index = this.#viewOf(columns);
    if (index !== undefined && index !== this.#shown) {
      this.#show(index, columns);
      this.name(header);
    }
    this.#emphasise(columns);
  }

  /**
   * @param {number} index
   * @param {HeaderAnswer | undefined} header
   */
  #choose(index, header) {
    this.#show(index, []);
    this.name(header);
  }

  /**
   * A series that is shown already stays where it is.
   * @param {number} index
   * @param {readonly FindingHead[]} columns
   */
  #show(index, columns) {
    const view = this.#views[index];
    if (view === undefined) return;
    const before = this.#views[this.#shown];
    const kept = this.viewer !== undefined && before?.seriesInstanceUid === view.seriesInstanceUid;
    const start = keyIndex(view, own(view, columns)) ?? (kept ? this.viewer?.index : undefined);
    this.#shown = index;
    this.viewer = new Viewer(studyPath(this.uid, `/views/${index}`), view, start);
    show(this.stage, this.viewer.parts.node);
  }

  /** @param {readonly FindingHead[]} columns */
  #emphasise(columns) {
    const view = this.#views[this.#shown];
    if (view === undefined) return;
    const shown = own(view, columns);
    this.viewer?.select(
      shown.flatMap(({ segmentNumbers }) => segmentNumbers),
      keyIndex(view, shown),
      shown.map(({ findingKey }) => findingKey),
    );
  }

  /**
   * Where the first finding is seen: here, if it can be.
   * @param {readonly FindingHead[]} columns
   */
  #viewOf([first]) {
    if (first === undefined) return undefined;
    const fits = (/** @type {View | undefined} */ view) => view !== undefined && own(view, [first]).length > 0;
    if (fits(this.#views[this.#shown])) return this.#shown;
    const index = this.#views.findIndex(fits);
    return index < 0 ? undefined : index;
  }
}

/**
 * The findings of the model that the view is of.
 * @param {View} view
 * @param {readonly FindingHead[]} columns
 */
function own(view, columns) {
  const { algorithm, seriesInstanceUid, projection } = view;
  return columns.filter(
    (c) =>
      c.algorithm === algorithm.name &&
      c.seriesInstanceUid === seriesInstanceUid &&
      (projection !== true || c.keyImage === undefined || keyIndex(view, [c]) !== undefined),
  );
}

/**
 * @param {View} view
 * @param {HeaderAnswer | undefined} header
 */
function seriesName({ seriesInstanceUid, modality, label }, header) {
  const series = header?.series.find((one) => one.seriesInstanceUid === seriesInstanceUid);
  const number = series?.seriesNumber === undefined ? '' : ` ${series.seriesNumber}`;
  return [`Series${number}`, modality, label].filter((part) => part !== undefined).join(', ');
}
