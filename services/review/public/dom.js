/** Building the document. Text is always set as text, never parsed: headers of images are not to be trusted. */

/** @typedef {Node | string | number | undefined | false | null} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | undefined | ((event: any) => void)>} [properties] attributes;
 *   functions become listeners, `true` an empty attribute, `false` and undefined none
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | undefined>} [properties]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), properties, children);
}

/**
 * @template {Element} E
 * @param {E} node
 * @param {Record<string, string | number | boolean | undefined | ((event: any) => void)>} properties
 * @param {readonly Child[]} children
 * @returns {E}
 */
function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (value !== undefined && value !== false) node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...present(children));
  return node;
}

/**
 * Replaces what a node holds. Whoever was at a button or a link in it goes on at the same one.
 * @param {Element} node
 * @param {...Child} children
 */
export function show(node, ...children) {
  const held = document.activeElement;
  const isInside = held !== node && node.contains(held);
  node.replaceChildren(...present(children));
  if (!isInside || held === null || node.contains(held)) return;
  const same = [...node.querySelectorAll(held.tagName)].find((one) => one.textContent === held.textContent);
  if (same instanceof HTMLElement) same.focus();
}

/**
 * @param {readonly Child[]} children
 * @returns {(Node | string)[]}
 */
function present(children) {
  return children
    .filter((child) => child !== undefined && child !== false && child !== null)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/**
 * A part of `index.html`.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no element '${id}'`);
  return found;
}

/**
 * Read out by screen readers, not shown.
 * @param {string} text
 */
export function announce(text) {
  byId('announcements').textContent = text;
}
