// What every live output shares: the picture inline, pan and zoom, tooltips.
// This text stands in a function of its own; a kind adds `kinds.name = (view, data) => ...` to it.
const SVG = "http://www.w3.org/2000/svg", MATH = "http://www.w3.org/1998/Math/MathML";
const kinds = {};

// --- elements: text only ever becomes text nodes, so labels cannot be markup ---

function made(namespace, tag, attributes, children) {
  const element = document.createElementNS(namespace, tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}
const h = (tag, attributes, ...children) => made("http://www.w3.org/1999/xhtml", tag, attributes, children);
const m = (tag, ...children) => made(MATH, tag, null, children);

// A name in mathematical notation: w1 with an index, x in italics, words upright.
function nameOf(name) {
  const [, stem, index] = /^(\p{L})(\d+)$/u.exec(name) || [];
  if (index) return m("msub", m("mi", stem), m("mn", index));
  return /^[\p{L}\p{N}_.[\]']+…?$/u.test(name) ? m("mi", name) : m("mtext", `(${name})`);
}
const partial = (of, by) => m("mfrac", m("mrow", m("mo", "∂"), nameOf(of)), m("mrow", m("mo", "∂"), nameOf(by)));
const equation = (...parts) => {
  const math = m("math", m("mrow", ...parts.map((part) => (typeof part === "string" ? m("mo", part) : part))));
  math.setAttribute("displaystyle", "true");
  return math;
};

// --- the view: a stage with the picture, whose viewBox is the visible part ---

class View {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    const image = root.querySelector("img");
    const bytes = Uint8Array.from(atob(image.src.split(",")[1]), (c) => c.charCodeAt(0));
    this.home = data?.picture || new TextDecoder().decode(bytes);  // a large picture comes compressed, and the image is a smaller one
    this.name = image.alt;
    this.stage = h("div", { class: "agc-stage", tabindex: 0, role: "group", "aria-label": "Picture. Arrow keys move, plus and minus zoom, 0 shows all, Enter goes to the cards." });
    this.tools = h("div", { class: "agc-tools", role: "group", "aria-label": "Zoom" });
    this.heard = h("div", { class: "agc-heard", "aria-live": "polite" });
    this.tip = h("div", { class: "agc-tip", role: "tooltip", popover: "manual", id: `${root.id}-tip` });
    // A shadow alone is easily overlooked: a button at the right edge says that the picture goes on, and scrolls there.
    this.more = h("button", { type: "button", class: "agc-more", hidden: true, onclick: () => this.pan(-this.stage.clientWidth * 0.8, 0) }, "more →");
    this.body = h("div", { class: "agc-body" }, this.stage, this.more, this.tools);
    this.changed = [];
    this.count = 0;
    this.least = 0.86;  // pixels per unit; a picture is shown no smaller at first, or its print would be below 9 pixels
    this.tallest = Infinity;  // pixels; a kind may ask for less
    image.replaceWith(this.body);
    root.append(this.tip, this.heard);
    this.theme = followTheme(() => [root, root.querySelector("svg")], data && data.theme);
    this.show(this.home);
    this.button("−", "Zoom out (−)", () => this.zoom(1 / 1.25));
    this.button("+", "Zoom in (+)", () => this.zoom(1.25));
    this.button("Fit", "Show all (0)", () => this.fit());
    listen(this);
    addEventListener("beforeprint", () => this.forPrint());
    addEventListener("afterprint", () => { this.sheets?.remove(); this.look(this.box, this.moved); });
    new ResizeObserver(() => this.resized()).observe(this.stage);
    document.addEventListener("scroll", () => this.placeTip(), { capture: true, passive: true });
  }

  // Show another picture. Its ids get a unique prefix, since a page may contain the same picture twice.
  show(text) {
    const id = /<svg[^>]*? id="([^"]+)"/.exec(text)[1];
    this.of = id;
    const parsed = new DOMParser().parseFromString(text.replaceAll(id, `${this.root.id}-${++this.count}`), "image/svg+xml");
    this.svg = document.importNode(parsed.documentElement, true);
    this.size = [this.svg.viewBox.baseVal.width, this.svg.viewBox.baseVal.height];
    this.unit = this.svg.width.baseVal.value / this.size[0];
    this.svg.removeAttribute("style");
    this.svg.setAttribute("role", "group");
    this.svg.setAttribute("width", "100%");
    this.layer = made(SVG, "g", null, [...this.svg.children].filter((child) => !child.matches("title, desc, style, .bg")));
    this.svg.append(this.layer);
    this.stage.replaceChildren(this.svg);
    this.body.style.maxWidth = `${this.size[0] * this.unit}px`;
    this.theme();
    this.hideTip();
    this.resized(true);
    this.changed.forEach((then) => then());
  }

  cards() { return [...this.svg.querySelectorAll("[data-node]")]; }
  card(i) { return this.svg.querySelector(`[data-node="${i}"]`); }
  edges() { return [...this.svg.querySelectorAll("path.edge")]; }

  button(sign, title, onclick) {
    const button = h("button", { type: "button", title, "aria-label": title, onclick }, sign);
    this.tools.append(button);
    return button;
  }

  say(text) { this.heard.textContent = text; }

  // --- the viewport ---

  resized(anew = false) {
    const [width, height] = this.size, room = this.stage.clientWidth;
    if (!room) return;
    const scale = Math.max(Math.min(room / width, this.tallest / height), Math.min(this.unit, this.least));
    const tall = Math.min(height * scale, this.tallest);
    this.svg.setAttribute("height", tall);
    this.first = [Math.min(0, (width - room / scale) / 2), 0, room / scale, tall / scale];
    if (anew || !this.moved) this.look(this.first, false);
    else this.look([this.box[0], this.box[1], this.box[2], (this.box[2] * tall) / room]);
  }

  // Show a part, magnified at most twenty times and with its centre inside the picture.
  look([x, y, w, d], moved = true) {
    const [width, height] = this.size;
    const most = Math.max(width, this.first[2]) * 1.2, factor = Math.min(Math.max(w, width / 20), most) / w;
    x -= (w * (factor - 1)) / 2;
    y -= (d * (factor - 1)) / 2;
    w *= factor;
    d *= factor;
    x = Math.min(Math.max(x, -w / 2), width - w / 2);
    y = Math.min(Math.max(y, -d / 2), height - d / 2);
    this.box = [x, y, w, d];
    this.moved = moved;
    this.layer.removeAttribute("transform");
    this.svg.setAttribute("viewBox", this.box.map((v) => +v.toFixed(2)).join(" "));
    ["x", "y", "width", "height"].forEach((key, k) => this.svg.querySelector(".bg")?.setAttribute(key, this.box[k]));
    this.stage.classList.toggle("agc-moved", moved);
    this.cue();
  }

  // Shadows on the sides where the picture goes on.
  cue() {
    const [x, y, w, d] = this.box, [width, height] = this.size, more = "var(--cue)";
    const sides = [[x > 1, "10px 0"], [x + w < width - 1, "-10px 0"], [y > 1, "0 10px"], [y + d < height - 1, "0 -10px"]];
    const shadows = sides.filter(([on]) => on).map(([, place]) => `inset ${place} 9px -7px ${more}`);
    this.stage.style.setProperty("--cues", shadows.join(",") || "none");
    this.more.hidden = !sides[1][0];
  }

  // For print: the whole picture on sheets, whatever part is in view.
  forPrint() {
    this.sheets?.remove();
    this.layer.removeAttribute("transform");
    this.svg.setAttribute("viewBox", [0, 0, ...this.size].join(" "));
    ["x", "y", "width", "height"].forEach((key, k) => this.svg.querySelector(".bg")?.setAttribute(key, [0, 0, ...this.size][k]));
    this.sheets = onSheets(this.svg, this.size);
    if (this.sheets) this.body.before(this.sheets);
  }

  fit() {
    const [width, height] = this.size, [, , w, d] = this.first;
    const factor = Math.max(width / w, height / d);
    this.look([(width - w * factor) / 2, (height - d * factor) / 2, w * factor, d * factor], factor > 1);
  }

  // Zoom about a point of the screen, or about the middle.
  zoom(factor, clientX, clientY) {
    const [x, y, w, d] = this.box;
    const at = clientX === undefined ? { x: x + w / 2, y: y + d / 2 } : this.point(clientX, clientY);
    this.look([at.x - (at.x - x) / factor, at.y - (at.y - y) / factor, w / factor, d / factor]);
  }

  pan(dx, dy) {  // pixels of the screen
    const unit = this.box[2] / this.stage.clientWidth;
    this.look([this.box[0] - dx * unit, this.box[1] - dy * unit, this.box[2], this.box[3]]);
  }

  point(clientX, clientY) {
    return new DOMPoint(clientX, clientY).matrixTransform(this.layer.getScreenCTM().inverse());
  }

  // Bring an element into sight, by as little as it takes.
  reveal(element) {
    this.follow(element);
    element.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // The same without scrolling the page, keeping as many of the other elements in view as possible.
  follow(element, ...others) {
    const outer = this.stage.getBoundingClientRect(), boxes = [element, ...others].map((one) => one.getBoundingClientRect()), rim = 12;
    const shift = (start, end) => {
      const from = outer[start] + rim, to = outer[end] - rim;
      let [low, high] = [boxes[0][start], boxes[0][end]];
      for (const box of boxes) {
        const [least, most] = [Math.min(low, box[start]), Math.max(high, box[end])];
        if (most - least <= to - from) [low, high] = [least, most];
      }
      return low < from ? from - low : high > to ? to - high : 0;
    };
    const [dx, dy] = [shift("left", "right"), shift("top", "bottom")];
    if (dx || dy) this.glide(dx, dy);
  }

  // Pan by transforming the drawing: a hundred times faster than a new viewBox, which makes the browser lay out all text.
  glide(dx, dy) {
    if (!this.box) return;  // a widget draws itself before it is on the page
    const unit = this.box[2] / this.stage.clientWidth, [left, top] = this.svg.getAttribute("viewBox").split(" ");
    this.box = [this.box[0] - dx * unit, this.box[1] - dy * unit, this.box[2], this.box[3]];
    this.moved = true;
    this.layer.setAttribute("transform", `translate(${left - this.box[0]} ${top - this.box[1]})`);
    this.stage.classList.add("agc-moved");
    this.cue();
  }

  // --- the tooltip: beside an element, or at a point ---

  showTip(target, ...content) {
    this.target = target;
    this.tip.replaceChildren(...content);
    if (this.tip.showPopover) this.tip.showPopover();
    this.tip.classList.add("agc-shown");
    this.placeTip();
  }

  // Below its target, or above where there is no room below.
  placeTip() {
    if (!this.tip.classList.contains("agc-shown")) return;
    const { x, y } = this.target;
    const at = this.target.getBoundingClientRect ? this.target.getBoundingClientRect() : new DOMRect(x - 8, y - 8, 16, 16);
    const { width, height } = this.tip.getBoundingClientRect(), { clientWidth, clientHeight } = document.documentElement;
    const room = Math.max(clientHeight, innerHeight);
    const below = at.bottom + 8 + height <= room || at.top < height + 8;
    const left = Math.min(Math.max(at.left + at.width / 2 - width / 2, 4), Math.max(clientWidth - width - 4, 4));
    const top = below ? Math.min(at.bottom + 8, Math.max(room - height - 4, 4)) : at.top - height - 8;
    const origin = this.tip.showPopover ? { left: 0, top: 0 } : this.root.getBoundingClientRect();
    this.tip.style.left = `${left - origin.left}px`;
    this.tip.style.top = `${top - origin.top}px`;
  }

  hideTip() {
    if (this.tip.hidePopover && this.tip.matches(":popover-open")) this.tip.hidePopover();
    this.tip.classList.remove("agc-shown");
  }
}

// --- pointer, wheel and keys ---

function listen(view) {
  const { stage } = view, pointers = new Map();
  let dragged = false;
  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    if (!pointers.size) dragged = false;
    pointers.set(event.pointerId, event);
  });
  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const others = [...pointers.values()].filter((other) => other.pointerId !== event.pointerId);
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (others.length) {
      const [{ clientX: x, clientY: y }] = others;
      const distance = (p) => Math.hypot(p.clientX - x, p.clientY - y);
      view.zoom(distance(event) / Math.max(distance(before), 1), (event.clientX + x) / 2, (event.clientY + y) / 2);
    } else if (event.pointerType !== "touch" || view.moved) {
      if (!dragged && Math.hypot(dx, dy) < 4) return;
      view.pan(dx, dy);
    } else return;
    if (!dragged) stage.setPointerCapture(event.pointerId);
    dragged = true;
    stage.classList.add("agc-dragging");
    view.hideTip();
    pointers.set(event.pointerId, event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => {
      pointers.delete(event.pointerId);
      if (!pointers.size) stage.classList.remove("agc-dragging");
    });
  }
  // The end of a drag is no click.
  stage.addEventListener("click", (event) => { if (dragged) { event.stopPropagation(); dragged = false; } }, true);
  // Two fingers are ours; one finger scrolls the page until the reader has zoomed in.
  stage.addEventListener("touchmove", (event) => { if (event.cancelable && (event.touches.length > 1 || view.moved)) event.preventDefault(); }, { passive: false });
  stage.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) view.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.003)), event.clientX, event.clientY);
    else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) && view.box[2] < view.size[0] - 1) view.pan(-event.deltaX, 0);
    else return;
    event.preventDefault();
    view.hideTip();
  }, { passive: false });
  view.root.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const step = 60, arrows = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (event.key === "+" || event.key === "=") view.zoom(1.25);
    else if (event.key === "-" || event.key === "−") view.zoom(1 / 1.25);
    else if (event.key === "0") view.fit();
    else if (event.target === stage && arrows[event.key]) view.pan(...arrows[event.key]);
    else return;
    event.preventDefault();
  });
}

// --- beginning ---

function mount(root, kind, data) {
  root.dataset.live = kind;
  // JupyterLab asks only the focused element itself whether it handles keys; an ancestor's answer comes too late.
  root.addEventListener("focusin", ({ target }) => target.setAttribute("data-lm-suppress-shortcuts", "true"));
  root.id = `${root.id || "agc"}-${Math.random().toString(36).slice(2, 8)}`;
  const view = new View(root, data);
  const fallback = root.querySelector(".agc-fallback");
  if (fallback) fallback.hidden = true;
  kinds[kind](view, data);
  return view;
}

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

// A script may run away from its element, and a page may contain the same output twice.
async function start(id, kind, data) {
  if (typeof data === "string") {
    if (typeof DecompressionStream === "undefined") return;  // an old browser: the still picture stays
    data = await unpacked(data);
  }
  for (const root of document.querySelectorAll(`.autograd-core-live[id="${id}"]:not([data-live])`)) {
    mount(root, kind, data);
  }
  fitFrame([...document.querySelectorAll(".autograd-core-live")]);
}
