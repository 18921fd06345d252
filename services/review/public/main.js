/** Which page this is, by its address: `/` or `/studies/{uid}`. */
import { byId } from './dom.js';
import { useHelp } from './keys.js';
import { listPage } from './list-page.js';
import { studyPage } from './study-page.js';
import { refreshTimes } from './text.js';

/** @param {string} message empty when all is well */
function showConnection(message) {
  const connection = byId('connection');
  if (connection.textContent !== message) connection.textContent = message;
}

const [, uid] = /^\/studies\/([^/]+)\/?$/.exec(location.pathname) ?? [];
useHelp();
setInterval(refreshTimes, 10_000);
if (uid === undefined) listPage(showConnection);
else studyPage(decodeURIComponent(uid), showConnection);
