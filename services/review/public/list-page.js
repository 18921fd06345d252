/** All studies: state and reason in words, patient and study from the archive, time by stage. */
import { getJson, isNotFound, studyPath, watch } from './api.js';
import { announce, byId, element, show } from './dom.js';
import { stateChip } from './record-panel.js';
import { dicomDate, duration, personName, relativeTime, shortUid } from './text.js';

/**
 * @import { StudyListAnswer, StudyRowAnswer, HeaderAnswer } from '../answers.ts'
 * @typedef {StudyRowAnswer['group'] | 'all'} Filter
 */

/** @type {readonly { key: Filter, label: string }[]} */
const FILTERS = [
  { key: 'all', label: 'All' },
  { key: 'draft', label: 'Drafts' },
  { key: 'attention', label: 'Needs attention' },
  { key: 'progress', label: 'In progress' },
  { key: 'done', label: 'Done' },
];

/** @param {(message: string) => void} onConnection */
export function listPage(onConnection) {
  const page = new ListPage();
  document.title = 'Studies – Wetread';
  watch('/api/studies', {
    onConnection,
    busy: (/** @type {StudyListAnswer} */ list) => list.studies.some(({ group }) => group === 'progress'),
    onValue: (list) => page.changed(list),
  });
}

class ListPage {
  /** @type {StudyListAnswer} */
  #list = { studies: [], total: 0, refused: [] };
  /** @type {Filter} */
  #filter = 'all';
  /** One of the states, or empty for all. */
  #state = '';
  /** @type {Map<string, Promise<HeaderAnswer>>} */
  #headers = new Map();
  /** @type {Map<string, string>} */
  #states = new Map();

  constructor() {
    this.filters = element('div', { role: 'group', 'aria-label': 'Show', class: 'filters' });
    this.states = element('select', { change: () => this.#chooseState(this.states.value) });
    this.stateFilter = element('label', { class: 'state-filter' }, 'State ', this.states);
    this.rows = element('div', { class: 'rows' });
    show(
      byId('main'),
      element(
        'div',
        { class: 'list' },
        element('div', { class: 'list-head' }, element('h1', {}, 'Studies'), this.filters, this.stateFilter),
        this.rows,
      ),
    );
  }

  /** @param {StudyListAnswer} list */
  changed(list) {
    this.#announceChanges(list.studies);
    this.#list = list;
    this.#render();
  }

  /** @param {readonly StudyRowAnswer[]} studies */
  #announceChanges(studies) {
    const before = this.#states;
    const changed = studies.filter((s) => before.size > 0 && before.get(s.studyInstanceUid) !== s.state);
    this.#states = new Map(studies.map((s) => [s.studyInstanceUid, s.state]));
    const [one] = changed;
    if (one !== undefined)
      announce(changed.length === 1 ? `One study: ${one.label}` : `${changed.length} studies changed`);
  }

  #render() {
    const { studies, total } = this.#list;
    const shown = studies
      .filter(({ group }) => this.#filter === 'all' || group === this.#filter)
      .filter(({ state }) => this.#state === '' || state === this.#state);
    this.#showStates();
    show(this.filters, ...(total === 0 ? [] : FILTERS.map((filter) => this.#filterButton(filter))));
    if (total === 0) show(this.rows, emptyState());
    else if (shown.length === 0) show(this.rows, element('p', { class: 'muted none' }, 'No such study.'));
    else
      show(
        this.rows,
        this.#table(shown),
        total > studies.length && element('p', { class: 'muted' }, `The newest ${studies.length} of ${total}.`),
      );
    if (this.#list.refused.length > 0) this.rows.append(refusedSection(this.#list.refused));
  }

  /** @param {string} state */
  #chooseState(state) {
    this.#state = state;
    this.#filter = 'all';
    this.#render();
  }

  /** The list of states is left alone while it is the same: it may be open. */
  #showStates() {
    const labels = new Map(this.#list.studies.map(({ state, label }) => [state, label]));
    const counted = [...labels]
      .sort(([, a], [, b]) => a.localeCompare(b))
      .map(([state, label]) => {
        const count = this.#list.studies.filter((study) => study.state === state).length;
        return { state: String(state), text: `${label} (${count})` };
      });
    // A state that was chosen stays, even when its last study has left it.
    const kept = this.#state === '' || labels.has(/** @type {never} */ (this.#state));
    const options = [
      { state: '', text: 'Any' },
      ...counted,
      ...(kept ? [] : [{ state: this.#state, text: this.#state }]),
    ];
    const key = options.map(({ text }) => text).join();
    this.stateFilter.hidden = this.#list.total === 0;
    if (this.states.getAttribute('data-options') !== key) {
      this.states.setAttribute('data-options', key);
      show(this.states, ...options.map(({ state, text }) => element('option', { value: state }, text)));
    }
    this.states.value = this.#state;
  }

  /** @param {{ key: Filter, label: string }} filter */
  #filterButton({ key, label }) {
    const count = this.#list.studies.filter(({ group }) => key === 'all' || group === key).length;
    const choose = () => {
      this.#filter = key;
      this.#state = '';
      this.#render();
    };
    return element(
      'button',
      { type: 'button', 'data-filter': key, 'aria-pressed': String(this.#filter === key), click: choose },
      `${label} `,
      element('span', { class: 'count' }, count),
    );
  }

  /** @param {readonly StudyRowAnswer[]} studies */
  #table(studies) {
    const heads = ['State', 'Patient', 'Study', 'What happened', 'Time', 'Changed'];
    return element(
      'table',
      { class: 'studies' },
      element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
      element('tbody', {}, ...studies.map((study) => this.#row(study))),
    );
  }

  /** @param {StudyRowAnswer} study */
  #row(study) {
    const { studyInstanceUid, reason, means, notReadCount, revision, timingsMs, changedAt } = study;
    const patient = element('td', { class: 'patient-cell' });
    const link = element('a', { href: `/studies/${studyInstanceUid}` }, 'Study');
    const described = element('td', {}, link, element('br'), shortUid(studyInstanceUid));
    void this.#fillHeader(studyInstanceUid, patient, link);
    const why =
      reason === undefined ? means : reason.detail === undefined ? reason.text : `${reason.text}: ${reason.detail}`;
    const remarks = [
      study.priority !== 'routine' && study.priority,
      notReadCount > 0 && `${notReadCount} set aside`,
      revision > 1 && `revision ${revision}`,
    ].filter(Boolean);
    return element(
      'tr',
      { 'data-study': studyInstanceUid },
      element('td', {}, stateChip(study)),
      patient,
      described,
      element('td', {}, why, remarks.length > 0 && element('span', { class: 'muted remarks' }, remarks.join(', '))),
      element('td', {}, stageBar(timingsMs)),
      element('td', {}, relativeTime(changedAt)),
    );
  }

  /**
   * @param {string} uid
   * @param {HTMLElement} patientCell
   * @param {HTMLElement} link
   */
  async #fillHeader(uid, patientCell, link) {
    const known = this.#headers.get(uid) ?? getJson(studyPath(uid, '/header'));
    this.#headers.set(uid, known);
    try {
      const { patient, study, series } = await known;
      const modalities = [...new Set(series.map(({ modality }) => modality))].filter((m) => m !== 'SR' && m !== 'SEG');
      const day = study.studyDate && dicomDate(study.studyDate);
      show(
        patientCell,
        element('strong', {}, patient.patientName ? personName(patient.patientName) : 'No name'),
        element('br'),
        element('span', { class: 'muted' }, patient.patientId ?? 'no ID'),
      );
      show(link, [study.studyDescription ?? 'No description', modalities.join('/'), day].filter(Boolean).join(' · '));
    } catch (error) {
      this.#headers.delete(uid);
      const why = isNotFound(error) ? 'not in the archive' : 'archive not reachable';
      show(patientCell, element('span', { class: 'muted' }, why));
    }
  }
}

/** @param {Readonly<Record<string, number>>} timingsMs */
function stageBar(timingsMs) {
  const stages = Object.entries(timingsMs);
  const total = stages.reduce((sum, [, milliseconds]) => sum + milliseconds, 0);
  if (total === 0) return element('span', { class: 'muted' }, '–');
  const words = stages.map(([stage, milliseconds]) => `${stage} ${duration(milliseconds)}`).join(', ');
  const bar = element('span', { class: 'stages', 'aria-hidden': 'true' });
  for (const [stage, milliseconds] of stages) {
    const part = element('span', { class: `stage-${stage}` });
    part.style.width = `${(100 * milliseconds) / total}%`;
    bar.append(part);
  }
  return element('span', { title: words }, duration(total), bar, element('span', { class: 'hidden' }, words));
}

/**
 * What the archive did not take: these images belong to no row above, or are missing from one.
 * @param {StudyListAnswer['refused']} refused
 */
function refusedSection(refused) {
  return element(
    'section',
    { class: 'refused' },
    element('h2', {}, 'Images that were not accepted'),
    element(
      'ul',
      {},
      ...refused.map(({ count, text, detail, advice, at, studyInstanceUid }) =>
        element(
          'li',
          {},
          element('strong', {}, `${count} × ${text}`),
          detail === undefined ? '' : ` (${detail})`,
          ...(studyInstanceUid === undefined ? [] : [', study ', shortUid(studyInstanceUid)]),
          ', last ',
          relativeTime(at),
          '. ',
          element('span', { class: 'muted' }, advice),
        ),
      ),
    ),
  );
}

function emptyState() {
  const address = `${location.origin}/dicom-web/studies`;
  return element(
    'section',
    { class: 'empty' },
    element('h2', {}, 'No study has arrived yet'),
    element('p', {}, 'Send one from the PACS by STOW-RS to'),
    element('p', {}, element('code', {}, address)),
    element('p', {}, 'or read a folder of DICOM files from the command line:'),
    element('p', {}, element('code', {}, 'npx wetread demo FOLDER')),
    element('p', { class: 'muted' }, 'It appears here as soon as its first image has been stored.'),
  );
}
