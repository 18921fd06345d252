/** What an operator may do with the study: a button each, and a question before anything is done. */
import { postMove } from './api.js';
import { announce, byId, element, show } from './dom.js';

/** @import { StudyAnswer } from '../answers.ts' */

/**
 * @param {StudyAnswer} study
 * @param {() => void} onDone
 */
export function decisions({ moves, studyInstanceUid }, onDone) {
  if (moves.length === 0) return undefined;
  const buttons = moves.map((move) =>
    element(
      'button',
      { type: 'button', 'data-move': move.move, click: () => ask(studyInstanceUid, move, onDone) },
      `${move.label} …`,
    ),
  );
  return element('div', { role: 'group', 'aria-label': 'Decide', class: 'decisions' }, ...buttons);
}

/**
 * Escape and Cancel leave the study as it is. Closing gives the focus back to the button, or to the page where the button
 * has gone with the state that allowed it.
 * @param {string} uid
 * @param {StudyAnswer['moves'][number]} move
 * @param {() => void} onDone
 */
function ask(uid, { move, label, consequence }, onDone) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('decision'));
  const note = element('input', { type: 'text', maxlength: 200, id: 'decision-note', autocomplete: 'off' });
  const problem = element('p', { class: 'problem', role: 'alert' });
  const confirm = element('button', { type: 'submit', class: 'primary' }, `${label} the study`);
  const decide = async () => {
    confirm.disabled = true;
    try {
      await postMove(uid, move, note.value);
      dialog.close();
      announce(`${label}: done`);
      onDone();
      byId('main').focus();
    } catch (error) {
      confirm.disabled = false;
      problem.textContent = error instanceof Error ? error.message : String(error);
    }
  };
  show(
    dialog,
    element(
      'form',
      {
        submit: (event) => {
          event.preventDefault();
          void decide();
        },
      },
      element('h2', { id: 'decision-title' }, `${label} this study?`),
      element('p', { id: 'decision-consequence' }, consequence),
      element('label', { for: 'decision-note' }, 'Why, for the history (no names of patients)'),
      note,
      problem,
      element(
        'div',
        { class: 'decisions' },
        confirm,
        element('button', { type: 'button', click: () => dialog.close() }, 'Cancel'),
      ),
    ),
  );
  dialog.setAttribute('aria-describedby', 'decision-consequence');
  // The button may have been made anew meanwhile.
  const giveBack = () => {
    const button = document.querySelector(`[data-move="${move}"]`);
    if (document.activeElement === document.body && button instanceof HTMLElement) button.focus();
  };
  dialog.addEventListener('close', giveBack, { once: true });
  dialog.showModal();
}
