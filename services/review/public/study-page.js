/** One study: who, the label, the images, the draft, and what happened. */
import { getJson, studyPath, watch } from './api.js';
import { decisions } from './decisions.js';
import { announce, byId, element, show } from './dom.js';
import { copyButton, draftPanel, leadingColumns, partialNotice } from './draft-panel.js';
import { useKeys } from './keys.js';
import { PatientBar } from './patient-bar.js';
import { notice, recordPanel, stateChip } from './record-panel.js';
import { relativeTime } from './text.js';
import { Views } from './views.js';

/**
 * @import { StudyAnswer, StudyRowAnswer, HeaderAnswer } from '../answers.ts'
 * @import { FindingHead } from '../measurement-table.ts'
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
  /** The draft whose images are shown. */
  #revision = 0;

  /** @param {string} uid */
  constructor(uid) {
    this.uid = uid;
    this.patient = new PatientBar();
    this.label = element('p', { class: 'label' });
    this.views = new Views(uid);
    this.panel = element('div', { class: 'panel', tabindex: 0, role: 'region', 'aria-label': 'Draft and record' });
    this.body = element('div', { class: 'study' }, this.views.node, this.panel);
    show(byId('main'), element('h1', { class: 'hidden' }, 'Study'), this.patient.node, this.label, this.body);
    useKeys(
      () => this.views.viewer,
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
    const { draft, views } = study;
    this.label.hidden = draft === undefined;
    show(this.label, draft?.report.label);
    if (views.length > 0 && (this.views.viewer === undefined || this.#revision !== study.revision)) {
      this.views.replace(views, leadingColumns(draft));
      this.#revision = study.revision;
    }
    this.views.name(this.#header);
    this.body.classList.toggle('without-images', views.length === 0);
    show(
      this.panel,
      element(
        'div',
        { class: 'panel-head' },
        element('p', {}, stateChip(study), ' ', relativeTime(study.changedAt)),
        draft && copyButton(draft.text),
      ),
      notice(study),
      draft && partialNotice(draft),
      study.group !== 'draft' && this.#decisions(study),
      draft && draftPanel(draft, views, (columns) => this.#select(columns)),
      // Who reads a draft wants it first; what else could be done with the study comes after.
      study.group === 'draft' && this.#decisions(study),
      recordPanel(study, this.#header),
    );
  }

  /** @param {StudyAnswer} study */
  #decisions(study) {
    return decisions(study, () => void this.#load());
  }

  /** @param {readonly FindingHead[]} columns */
  #select(columns) {
    const keys = columns.map(({ findingKey }) => findingKey);
    for (const button of this.panel.querySelectorAll('[data-findings]')) {
      const own = (button.getAttribute('data-findings') ?? '').split(' ');
      const chosen = keys.length > 0 && own.every((key) => keys.includes(key));
      button.setAttribute('aria-pressed', String(chosen));
    }
    this.views.select(columns, this.#header);
  }
}
