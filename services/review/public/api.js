/** Talking to the API of this origin. Answers live in memory only: nothing of a patient is stored in the browser. */

/** How long until the next look: while something is in progress, and when all is quiet. */
const BUSY_MS = 1500;
const QUIET_MS = 5000;

/**
 * @param {string} studyInstanceUid
 * @param {string} [rest]
 */
export function studyPath(studyInstanceUid, rest = '') {
  return `/api/studies/${encodeURIComponent(studyInstanceUid)}${rest}`;
}

/**
 * @template T
 * @param {string} path
 * @returns {Promise<T>}
 */
export async function getJson(path) {
  const response = await fetch(path);
  if (!response.ok) throw Object.assign(new Error(await messageOf(response)), { status: response.status });
  return response.json();
}

/**
 * Whether the server has answered that there is no such thing.
 * @param {unknown} error
 */
export function isNotFound(error) {
  return error instanceof Error && 'status' in error && error.status === 404;
}

/**
 * An operator's decision; the header field tells the server that its own page asks.
 * @param {string} studyInstanceUid
 * @param {string} move
 * @param {string} note
 */
export async function postMove(studyInstanceUid, move, note) {
  const response = await fetch(studyPath(studyInstanceUid, '/moves'), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Wetread-Operator': 'page' },
    body: JSON.stringify({ move, note }),
  });
  if (!response.ok) throw new Error(await messageOf(response));
}

/**
 * Voxels of one slice: value in units = voxel × slope + intercept.
 * @param {string} path
 */
export async function getVoxels(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(await messageOf(response));
  const [slope, intercept] = ['Wetread-Slope', 'Wetread-Intercept'].map((name) => Number(response.headers.get(name)));
  return { voxels: new Int16Array(await response.arrayBuffer()), slope: slope ?? 1, intercept: intercept ?? 0 };
}

/** @param {Response} response */
async function messageOf(response) {
  const { message } = await response.json().catch(() => ({ message: `The server answered ${response.status}` }));
  return message;
}

/**
 * Polls for changes as long as the page is visible; an unchanged answer costs a 304.
 * @template T
 * @param {string} path
 * @param {{ onValue: (value: T) => void | Promise<void>, onConnection: (message: string) => void, busy: (value: T) => boolean }} handlers
 */
export function watch(path, { onValue, onConnection, busy }) {
  /** @type {string | null} */
  let entityTag = null;
  let pause = QUIET_MS;

  const look = async () => {
    try {
      const response = await fetch(path, entityTag === null ? {} : { headers: { 'If-None-Match': entityTag } });
      if (response.status !== 304) {
        if (!response.ok) throw new Error(await messageOf(response));
        const value = await response.json();
        pause = busy(value) ? BUSY_MS : QUIET_MS;
        await onValue(value);
        entityTag = response.headers.get('ETag');
      }
      onConnection('');
    } catch (error) {
      onConnection(
        error instanceof TypeError
          ? 'No connection to Wetread; trying again'
          : error instanceof Error
            ? error.message
            : String(error),
      );
    }
    setTimeout(whenVisible, pause, look);
  };
  void look();
}

/** @param {() => void} work */
function whenVisible(work) {
  if (!document.hidden) work();
  else document.addEventListener('visibilitychange', () => whenVisible(work), { once: true });
}
