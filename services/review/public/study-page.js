/** One study: who, the label, the images, the draft, and what happened. */
import { getJson, studyPath, watch } from './api.js';
import { decisions } from './decisions.js';
import { announce, byId, element, show } from './dom.js';
import { copyButton, draftPanel, keyIndex, leadingColumns } from './draft-panel.js';
import { useKeys } from './keys.js';
import { PatientBar } from './patient-bar.js';
import { notice, recordPanel, stateChip } from './record-panel.js';
import { relativeTime } from './text.js';
import { Viewer } from './viewer.js';

/**
 * @import { StudyAnswer, StudyRowAnswer, HeaderAnswer } from '../answers.ts'
 * @import { MeasurementColumn } from '../measurement-table.ts'
 */

/** The trace is complete, and saved, only after the state has changed. */
const TRACE_MS = 2000;

/**
 * @param {string} uid
 * @param {(message: string) => void} onConnection
 */
export function studyPage(uid, onConnection) {
  const page = new StudyPage(uid);
  document.title = 'Study – Wetread';
  watch(studyPath(uid, '/state'), {
    onConnection,
    busy: (/** @type {StudyRowAnswer} */ row) => row.group === 'progress' || row.state === 'failed',
    onValue: (row) => page.changed(row),
  });
}

class StudyPage {
  /** @type {HeaderAnswer | undefined} */
  #header;
  /** @type {StudyAnswer | undefined} */
  #study;
  /** @type {Viewer | undefined} */
  #viewer;
  #revision = 0;

  /** @param {string} uid */
  constructor(uid) {
    this.uid = uid;
    this.patient = new PatientBar();
    this.label = element('p', { class: 'label' });
    this.images = element('div', { class: 'images' });
    this.panel = element('div', { class: 'panel', tabindex: 0, role: 'region', 'aria-label': 'Draft and record' });
    this.body = element('div', { class: 'study' }, this.images, this.panel);
    show(byId('main'), element('h1', { class: 'hidden' }, 'Study'), this.patient.node, this.label, this.body);
    useKeys(
      () => this.#viewer,
      () => this.#select([]),
    );
    void this.#loadHeader();
  }

  /** @param {StudyRowAnswer} row */
  async changed(row) {
    await this.#load();
    announce(`${row.label}: ${row.reason?.text ?? row.means}`);
    if (row.traceId !== undefined && this.#study?.trace.length === 0) setTimeout(() => void this.#load(), TRACE_MS);
  }

  async #load() {
    this.#study = await getJson(studyPath(this.uid));
    this.#render();
  }

  async #loadHeader() {
    try {
      this.#header = await getJson(studyPath(this.uid, '/header'));
      this.patient.show(/** @type {HeaderAnswer} */ (this.#header));
      this.#render();
    } catch (error) {
      this.patient.fail(error instanceof Error ? error.message : String(error));
    }
  }

  #render() {
    const study = this.#study;
    if (study === undefined) return;
    const { draft, view } = study;
    this.label.hidden = draft === undefined;
    show(this.label, draft?.report.label);
    if (view !== undefined && (this.#viewer === undefined || this.#revision !== study.revision)) {
      this.#viewer = new Viewer(this.uid, view, keyIndex(view, leadingColumns(draft)));
      this.#revision = study.revision;
      show(this.images, this.#viewer.parts.node);
    }
    this.body.classList.toggle('without-images', view === undefined);
    show(
      this.panel,
      element(
        'div',
        { class: 'panel-head' },
        element('p', {}, stateChip(study), ' ', relativeTime(study.changedAt)),
        draft && copyButton(draft.text),
      ),
      notice(study),
      study.group !== 'draft' && this.#decisions(study),
      draft && draftPanel(draft, view, (columns) => this.#select(columns)),
      // Who reads a draft wants it first; what else could be done with the study comes after.
      study.group === 'draft' && this.#decisions(study),
      recordPanel(study, this.#header),
    );
  }

  /** @param {StudyAnswer} study */
  #decisions(study) {
    return decisions(study, () => void this.#load());
  }

  /** @param {readonly MeasurementColumn[]} columns */
  #select(columns) {
    const keys = columns.map(({ findingKey }) => findingKey);
    for (const button of this.panel.querySelectorAll('[data-findings]')) {
      const own = (button.getAttribute('data-findings') ?? '').split(' ');
      const chosen = keys.length > 0 && own.every((key) => keys.includes(key));
      button.setAttribute('aria-pressed', String(chosen));
    }
    this.#viewer?.select(
      columns.flatMap((c) => c.segmentNumbers),
      this.#study?.view && keyIndex(this.#study.view, columns),
    );
  }
}
