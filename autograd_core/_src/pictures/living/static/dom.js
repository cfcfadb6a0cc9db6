// Elements. Text only ever becomes text nodes and attributes, so labels cannot be markup.

const SVG = "http://www.w3.org/2000/svg";

function made(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== "" && child !== false));
  return element;
}
const h = (tag, attributes, ...children) => made(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => made(document.createElementNS(SVG, tag), attributes, children);

// Heading levels start at 1 on a page of its own, otherwise below those of the surrounding page.
const heading = (tag, below, ...children) => h(tag, { "aria-level": below + (document.querySelector("autograd-graph[data-page]") ? 1 : 2) }, ...children);
const head = (texts) => h("thead", {}, h("tr", {}, texts.map((text) => (text ? h("th", { scope: "col" }, text) : h("td", {})))));

const icon = (d) => s("svg", { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" }, s("path", { d, fill: "currentColor" }));
const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z", previous: "M11 3v10L4 8z", play: "M4 2.5v11L13 8z", pause: "M4 3h3v10H4zM9 3h3v10H9z",
  next: "M5 3v10l7-5z", last: "M11 3h2v10h-2zM3 3v10l7-5z",
};
// The accessible name contains the visible text, as speech control requires.
const named = (content, title) => (ICONS[content] || title.toLowerCase().includes(content.toLowerCase()) ? title : `${content}: ${title}`);
const button = (content, title, onclick, kind = "") => h("button", { type: "button", title, "aria-label": named(content, title), class: kind || null, onclick }, ICONS[content] ? icon(ICONS[content]) : content);

// Set an attribute or inline style only if it differs: most numbers on a page are unaffected by a change.
function put(element, key, value) {
  const known = (element.known ||= {});
  if (known[key] === value || (value === null && !(key in known))) return;
  known[key] = value;
  if (key.startsWith("--")) element.style.setProperty(key, value);
  else if (key === "strokeWidth" || key === "display") element.style[key] = value;
  else if (value === null) element.removeAttribute(key);
  else element.setAttribute(key, value);
}
// Reuse the text node: a new one would be styled and laid out from scratch.
function setText(element, text) {
  if (element.shownText === text) return;
  const own = element.firstChild;
  element.shownText = text;
  if (own && own === element.lastChild && own.nodeType === Node.TEXT_NODE) own.data = text;
  else element.textContent = text;
}
// Replace an element's children by new ones, but reuse equal nodes: only texts and attributes that differ are written, so
// that little is laid out again and the focus stays. Buttons carry handlers, so a button that differs is replaced.
function renew(element, fresh) {
  const known = [...element.childNodes];
  if (known.length !== fresh.length || known.some((one, k) => one.nodeName !== fresh[k].nodeName)) { element.replaceChildren(...fresh); return; }
  known.forEach((one, k) => renewNode(one, fresh[k]));
}
function renewNode(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) { if (old.data !== fresh.data) old.data = fresh.data; return; }
  if (old.isEqualNode(fresh)) return;
  if (old.nodeName === "BUTTON") {
    const isFocused = old === focusedNear(old);
    old.replaceWith(fresh);
    if (isFocused) fresh.focus({ preventScroll: true });
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) === value) continue;
    if (name === "style") old.style.cssText = value;  // the content security policy forbids style attributes
    else old.setAttribute(name, value);
  }
  renew(old, [...fresh.childNodes]);
}
// The focused element, also inside shadow roots, which notebooks and other pages may put around the element.
const focusedNear = (element) => element.getRootNode().activeElement;
const bySign = (x) => (x > 0 ? "pos" : x < 0 ? "neg" : Number.isNaN(x) ? "nan" : "");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
