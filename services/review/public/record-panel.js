/** What happened to a study: state and reason in words, results, timeline, what was set aside, the trace. */
import { element } from './dom.js';
import { clockTime, duration, relativeTime, shortUid } from './text.js';
import { waterfall } from './waterfall.js';

/**
 * @import { StudyAnswer, StudyRowAnswer, HeaderAnswer } from '../answers.ts'
 */

const GLYPHS = { progress: '◔', draft: '●', attention: '▲', done: '✓' };

/** @param {{ label: string, group: keyof typeof GLYPHS }} state */
export function stateChip({ label, group }) {
  return element('span', { class: `state ${group}` }, element('span', { 'aria-hidden': 'true' }, GLYPHS[group]), label);
}

/**
 * Why there is no filed draft, and what can be done. Nothing where the draft is filed without a remark.
 * @param {StudyRowAnswer} study
 */
export function notice(study) {
  if (study.reason === undefined && study.group !== 'progress') return undefined;
  const { reason, retryAt } = study;
  return element(
    'section',
    { class: `notice ${study.group}`, 'aria-label': 'State' },
    element('h2', {}, study.means),
    reason &&
      element('p', { class: 'reason' }, reason.detail === undefined ? reason.text : `${reason.text}: ${reason.detail}`),
    reason && element('p', {}, element('strong', {}, 'What you can do: '), reason.advice),
    retryAt && element('p', {}, 'Next try ', relativeTime(retryAt), `, after ${study.attempts} so far.`),
    study.group === 'progress' && steps(study),
  );
}

const WAY = ['settling', 'accepted', 'reading', 'drafted', 'filed'];
const WAY_LABELS = ['Arriving', 'Queued', 'Reading', 'Filing', 'Draft ready'];

/** @param {StudyRowAnswer} study */
function steps({ state }) {
  const at = WAY.indexOf(state === 'triaging' ? 'accepted' : state);
  return element(
    'ol',
    { class: 'steps' },
    ...WAY_LABELS.map((label, i) =>
      element('li', { 'aria-current': i === at && 'step', class: at > i && 'past' }, label),
    ),
  );
}

/**
 * @param {StudyAnswer} study
 * @param {HeaderAnswer | undefined} header
 */
export function recordPanel(study, header) {
  return element(
    'div',
    { class: 'record' },
    results(study),
    setAside(study, header),
    judgement(study),
    timeline(study),
    study.trace.length === 0 && timings(study),
    study.trace.length > 0 &&
      element(
        'section',
        {},
        element('h2', {}, 'Trace'),
        element('p', { class: 'muted' }, `Trace id ${study.traceId ?? 'unknown'}`),
        waterfall(study.trace),
      ),
    provenance(study),
  );
}

/** @param {StudyAnswer} study */
function results({ links }) {
  if (links.length === 0) return undefined;
  return element(
    'section',
    {},
    element('h2', {}, 'Results'),
    element(
      'ul',
      { class: 'links' },
      ...links.map(({ key, label, detail, href }) =>
        element(
          'li',
          {},
          element('a', { href, 'data-link': key }, label),
          ' ',
          element('span', { class: 'muted' }, detail),
        ),
      ),
    ),
  );
}

/**
 * @param {StudyAnswer} study
 * @param {HeaderAnswer | undefined} header
 */
function setAside({ notRead }, header) {
  if (notRead.length === 0) return undefined;
  const nameOf = (/** @type {string | undefined} */ uid) =>
    header?.series.find((s) => s.seriesInstanceUid === uid)?.seriesDescription;
  return element(
    'section',
    {},
    element('h2', {}, 'Set aside'),
    table(
      ['What', 'Images', 'Why', 'What you can do'],
      notRead.map(({ seriesInstanceUid, sopInstanceUid, count, text, detail, advice }) => {
        const uid = sopInstanceUid ?? seriesInstanceUid;
        const name = nameOf(seriesInstanceUid);
        return [
          element('span', {}, name && `${name} `, uid && shortUid(uid)),
          String(count),
          detail === undefined ? text : `${text}: ${detail}`,
          advice,
        ];
      }),
    ),
  );
}

/** @param {StudyAnswer} study */
function timeline({ history, source, attempts, revision }) {
  return element(
    'section',
    {},
    element('h2', {}, 'Timeline'),
    element(
      'ol',
      { class: 'timeline' },
      ...history.map(({ at, label, group, means, reason }) =>
        element(
          'li',
          {},
          clockTime(at),
          stateChip({ label, group }),
          element('span', {}, reason === undefined ? means : reasonText(reason)),
        ),
      ),
    ),
    element('p', { class: 'muted' }, `Source ${source}, revision ${revision}, attempts ${attempts}.`),
  );
}

/** @param {NonNullable<StudyAnswer['reason']>} reason */
function reasonText({ text, detail }) {
  return detail === undefined ? text : `${text}: ${detail}`;
}

/**
 * Why the study was read when it was, and as what.
 * @param {StudyAnswer} study
 */
function judgement({ completeness, rule, priority, archive }) {
  const counts = completeness && [
    `${completeness.instances} ${completeness.instances === 1 ? 'image' : 'images'} in ${completeness.series} series`,
    completeness.expectedInstances !== undefined && `${completeness.expectedInstances} expected`,
  ];
  /** @type {[string, string | Node | undefined][]} */
  const facts = [
    ['Complete', completeness?.text],
    [
      'Evidence',
      counts &&
        element('span', {}, counts.filter(Boolean).join(', '), ', unchanged since ', clockTime(completeness.since)),
    ],
    ['Rule', rule],
    ['Priority', priority],
    ['Archive', archive],
  ];
  const known = facts.filter(([, value]) => value !== undefined);
  if (known.length === 0) return undefined;
  return element(
    'section',
    { 'aria-label': 'Triage' },
    element('h2', {}, 'Triage'),
    element('dl', {}, ...known.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)])),
  );
}

/** @param {StudyAnswer} study */
function timings({ timingsMs }) {
  const stages = Object.entries(timingsMs);
  if (stages.length === 0) return undefined;
  return element(
    'section',
    {},
    element('h2', {}, 'Time by stage'),
    table(
      ['Stage', 'Time'],
      stages.map(([stage, milliseconds]) => [stage, duration(milliseconds)]),
    ),
  );
}

/** @param {StudyAnswer} study */
function provenance({ draft, studyInstanceUid }) {
  const readings = draft?.report.readings ?? [];
  const made = draft?.report.provenance;
  /** @type {[string, string | undefined][]} */
  const facts = [
    ['Study Instance UID', studyInstanceUid],
    ...readings.flatMap(
      ({ algorithm: { name, version, digest }, seriesInstanceUid }) =>
        /** @type {[string, string][]} */ ([
          ['Model', `${name} ${version}`],
          ['Package digest', digest],
          ['Series read', seriesInstanceUid],
        ]),
    ),
    ['Software', made && `${made.software.name} ${made.software.version}`],
    ['Draft made at', made?.createdAt],
  ];
  return element(
    'section',
    {},
    element('h2', {}, 'Provenance'),
    element(
      'dl',
      {},
      ...facts.flatMap(([name, value]) =>
        value === undefined ? [] : [element('dt', {}, name), element('dd', {}, element('code', {}, value))],
      ),
    ),
  );
}

/**
 * @param {readonly string[]} heads
 * @param {readonly (readonly (string | Node)[])[]} rows
 */
function table(heads, rows) {
  return element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...heads.map((head) => element('th', { scope: 'col' }, head)))),
    element('tbody', {}, ...rows.map((cells) => element('tr', {}, ...cells.map((cell) => element('td', {}, cell))))),
  );
}
