/** Keyboard: one table for what the keys do and for the help that lists them. */
import { byId, element, show } from './dom.js';

/** @import { Viewer } from './viewer.js' */

/** @type {readonly { keys: readonly string[], shown: string, help: string, run: (viewer: Viewer) => void }[]} */
const MOVES = [
  { keys: ['ArrowDown', 'ArrowRight'], shown: '↓ →', help: 'Next slice', run: (v) => v.scroll(1) },
  { keys: ['ArrowUp', 'ArrowLeft'], shown: '↑ ←', help: 'Previous slice', run: (v) => v.scroll(-1) },
  { keys: ['PageDown'], shown: 'Page ↓', help: 'Ten slices on', run: (v) => v.page(1) },
  { keys: ['PageUp'], shown: 'Page ↑', help: 'Ten slices back', run: (v) => v.page(-1) },
  { keys: ['Home'], shown: 'Home', help: 'First slice', run: (v) => v.goTo(0) },
  { keys: ['End'], shown: 'End', help: 'Last slice', run: (v) => v.end() },
];

/** @type {typeof MOVES} */
const LETTERS = [
  { keys: ['1'], shown: '1', help: 'First window preset', run: (v) => v.preset(0) },
  { keys: ['2'], shown: '2', help: 'Second window preset', run: (v) => v.preset(1) },
  { keys: ['3'], shown: '3', help: 'Third window preset', run: (v) => v.preset(2) },
  { keys: ['+', '='], shown: '+', help: 'More contrast: narrower window', run: (v) => v.widen(1 / 1.2) },
  { keys: ['-'], shown: '−', help: 'Less contrast: wider window', run: (v) => v.widen(1.2) },
  { keys: ['o', 'O'], shown: 'O', help: 'Outline on or off', run: (v) => v.toggleOutlines() },
];

const OTHERS = [
  ['Esc', 'No finding emphasised'],
  ['?', 'This help'],
  ['Drag', 'Mouse: window width and centre; touch: scroll'],
];

/** Single keys can be switched off for people whose input device produces them by accident (WCAG 2.1.4). */
let lettersOn = true;

/**
 * @param {() => Viewer | undefined} viewerOf
 * @param {() => void} onEscape
 */
export function useKeys(viewerOf, onEscape) {
  document.addEventListener('keydown', (event) => {
    const viewer = viewerOf();
    if (viewer === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/** @type {HTMLElement} */ (event.target).closest('dialog, textarea, select') !== null) return;
    if (event.key === 'Escape') return onEscape();
    const move = takesMoves(event.target, viewer) ? find(MOVES, event.key) : undefined;
    const action = move ?? (lettersOn ? find(LETTERS, event.key) : undefined);
    if (action === undefined) return;
    event.preventDefault();
    action.run(viewer);
  });
}

/**
 * Moves belong to the image, and to the page where nothing else would scroll; the slider has its own.
 * @param {EventTarget | null} target
 * @param {Viewer} viewer
 */
function takesMoves(target, viewer) {
  if (!(target instanceof HTMLElement) || target === viewer.parts.slider) return false;
  return viewer.parts.node.contains(target) || target === document.body || target.id === 'main';
}

/**
 * @param {typeof MOVES} actions
 * @param {string} key
 */
function find(actions, key) {
  return actions.find(({ keys }) => keys.includes(key));
}

export function useHelp() {
  const dialog = /** @type {HTMLDialogElement} */ (byId('help'));
  const toggle = element('input', { type: 'checkbox', checked: true, change: () => (lettersOn = toggle.checked) });
  const rows = [...MOVES, ...LETTERS].map(({ shown, help }) => [shown, help]).concat(OTHERS);
  show(
    dialog,
    element('h2', { id: 'help-title' }, 'Keys'),
    element(
      'table',
      {},
      element(
        'tbody',
        {},
        ...rows.map(([key, help]) =>
          element('tr', {}, element('th', { scope: 'row' }, element('kbd', {}, key)), element('td', {}, help)),
        ),
      ),
    ),
    element('label', {}, toggle, ' Single-key shortcuts'),
    element('button', { type: 'button', autofocus: true, click: () => dialog.close() }, 'Close'),
  );
  byId('help-button').addEventListener('click', () => dialog.showModal());
  document.addEventListener('keydown', (event) => {
    if (event.key === '?' && lettersOn && !dialog.open) dialog.showModal();
  });
}
