// The picture: scopes, edges and cards on a stage that pans and zooms, with the selection highlighted.
// A change updates what is in view first; the rest follows when it comes into view, or when the page is idle.

const MARGIN = 16, TALLEST = 1.8, WINDOW = 0.8;  // heights of the picture as shares of the window's: above the first it pans; below the second it pans sideways
const MANY = 400, ILLEGIBLE = 0.4, MAP = 0.25;  // number of cards up to which all are created at once; scales below which text is illegible, and cards are blocks
const LEGIBLE = 9 / Math.min(SIZE.name, SIZE.number, SIZE.caption, SIZE.chipFont);  // the least initial scale, at which all text is 9 pixels high
const SIDES = { left: "to the left", right: "to the right", top: "above", bottom: "below" };
const PRINT = 11, LETTER = 0.66;  // of scopes' names on a map, in pixels, and a letter's width as a share of it
const SLACK = 60, QUIET = 500, SLICE = 2, BREATH = 30;  // pixels around what is in view; milliseconds

class GraphView {
  constructor(host) {
    this.host = host;
    this.model = host.model;
    this.scopes = host.scopes;
    this.labelled = new Set(this.model.state.labelled);
    this.showsGhosts = false;
    this.svg = s("svg", { class: "agl-svg", role: "group", "aria-label": "Graph" });
    this.stage = h("div", { class: "agl-stage" }, this.svg);
    this.tools = h("div", { class: "agl-tools", role: "group", "aria-label": "Zoom" },
      button("−", "Zoom out", () => this.zoom(1 / 1.25)), button("+", "Zoom in", () => this.zoom(1.25)), button("Fit", "Show all", () => this.fit()));
    this.cue = h("p", { class: "agl-cue" }, h("span", {}), h("button", { type: "button", class: "agl-small", onclick: () => { if (this.stage.dataset.more) this.fit(); else { this.moved = false; this.place(this.across); } } }));
    this.body = h("div", { class: "agl-body" }, this.cue, this.stage);
    this.listen();
    listenForEdits(this);
    new ResizeObserver(() => this.resized()).observe(this.stage);
    addEventListener("beforeprint", () => this.forPrint());
    addEventListener("afterprint", () => { this.offPaper(); this.look(this.view, this.moved); });
  }

  isCut(card, port) { return card.kind === "node" && port.operands.length === 1 && this.scene.isCut(card.node, port.operands[0]); }

  // --- rebuilding: after a fold, or when the available width has changed much ---

  // The focus stays on its card; if that is gone, it moves to the scope that was folded or opened, if any.
  build(refolded = -1) {
    const kept = this.places(), active = focusedNear(this.svg), focused = this.svg.contains(active) ? active : null;
    this.scene = new Scene(this.model, this.scopes, this.host.written);
    const room = this.stage.clientWidth;  // read before anything is written
    this.room = this.across = Math.max(320, room || 900);
    this.plan = layout(this.scene, this.room);
    const [w, t] = this.plan.size;
    this.size = [w + 2 * MARGIN, t + 2 * MARGIN];
    this.rootCards = new Set(this.model.roots.map((root) => this.scene.cardOf[root]));
    this.cards = new Map([...this.scene.cards.values()].map((card) => [card.id, new CardView(this, card)]));
    this.edges = this.plan.routes.map((route) => new EdgeView(this, route));
    this.items = [...this.edges, ...this.cards.values()];
    if (this.cards.size <= MANY) for (const item of this.items) item.fill();
    const boxes = this.plan.boxes.map((box) => this.box(box));
    this.names = boxes.map(([, label], k) => ({ label, box: this.plan.boxes[k] }));
    this.layer = s("g", {}, boxes.map(([frame]) => frame), this.edges.map(({ element }) => element), boxes.map(([, name]) => name), [...this.cards.values()].map(({ element }) => element));
    this.svg.replaceChildren(s("title", {}, this.model.state.title || "Computation graph"), this.markers(), this.layer);
    this.moved = false;
    if (room) this.place(room);
    this.compute();
    for (const item of this.items) item.tell();
    this.draw(this.cards.size <= MANY);
    this.glide(kept);
    if (focused) this.nextTo(focused, refolded)?.element.focus({ preventScroll: true });
  }

  nextTo({ dataset }, scope) {
    const id = dataset.card === undefined ? null : idOf(dataset.card), within = ({ card }) => card.around.includes(scope) && card.kind !== "junction";
    return this.cards.get(id) ?? this.cards.get(`s${scope}`) ?? [...this.cards.values()].find(within) ?? this.cards.get(this.host.focusCard());
  }

  markers() {
    const tip = (kind) => s("marker", { id: `${this.host.uid}-${kind}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, s("path", { class: `agl-tip ${kind}`, d: "M0.5 1L7.5 4L0.5 7Z" }));
    return s("defs", {}, ["plain", "pos", "neg", "now"].map(tip));
  }

  box({ scope, x, y, width, height }) {
    const shown = this.scopes.shownAt(scope), path = this.scopes.paths[shown], name = this.scopes.names[shown], folds = this.scopes.isFoldable(scope);
    const close = () => { if (folds) this.host.refold(scope, false); };
    const label = s("text", { class: "scopename", x: x + 9, y: y + 15, role: folds ? "button" : null, tabindex: folds ? 0 : null, "aria-label": folds ? `Fold ${path}` : null, onclick: close, onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.stopPropagation(); event.preventDefault(); close(); } } }, `${folds ? "▾ " : ""}${shorten(name, Math.max(4, Math.floor((width - 24) / 6.9)))}`);
    return [s("g", {}, s("title", {}, `scope ${path}`), s("rect", { class: "scope", x, y, width, height, rx: 8 })), label];
  }

  // --- updates ---

  update() {
    this.compute();
    this.draw();
  }

  // What all cards and edges depend on: the selection, and the largest number of each kind.
  compute() {
    const { model, host } = this, chosen = host.chosenCards(), focus = host.focusCard(), before = this.lit;
    let gradient = 0, flow = 0;
    for (const card of this.cards.values()) {
      const one = card.only();
      if (one >= 0 && finite(model.adjoint[one])) gradient = Math.max(gradient, Math.abs(model.adjoint[one]));
    }
    for (const edge of this.edges) {
      edge.flow = edge.flowing();
      if (finite(edge.flow)) flow = Math.max(flow, Math.abs(edge.flow));
    }
    // Cards that have or had the keyboard focus are updated even out of view.
    const reached = new Set([...chosen, focus, ...(before ? [...before.chosen, before.focus] : [])]);
    this.lit = { chosen, focus, trail: host.trail, isBack: host.isBackward(), gradient: gradient || 1, flow, reached };
    this.version = (this.version || 0) + 1;
  }

  // Update and show what is in view, hide the rest; with `all`, or for print, show everything.
  draw(all = false, isPrinted = false) {
    const [x, y, w, t] = this.view || [0, 0, ...this.size], left = x - MARGIN - SLACK, top = y - MARGIN - SLACK, right = x - MARGIN + w + SLACK, bottom = y - MARGIN + t + SLACK;
    const isFar = !all && this.across / w < ILLEGIBLE, { reached } = this.lit;
    for (const item of this.items) {
      const [x0, y0, x1, y1] = item.box, isOut = !isPrinted && (x1 < left || x0 > right || y1 < top || y0 > bottom);
      put(item.element, "data-out", isOut ? "" : null);
      if (item.version === this.version || (!all && (isOut || (isFar && !item.isFilled)) && !reached.has(item.id))) continue;
      item.version = this.version;
      item.fill();
      item.follow();
      if (reached.has(item.id) || this.host.steps.isOn) item.tell();  // while stepping, tooltips must not reveal later numbers
      else this.isBehind = true;
    }
    clearTimeout(this.later);
    this.later = setTimeout(() => this.drawOthers(), QUIET);
  }

  // Accessible names of cards are invisible, so they are updated after the changes, or on hover and focus.
  tellAll() {
    for (const item of this.items) if (item.version === this.version) item.tell();
    this.isBehind = false;
  }

  // Update what is out of view, a few cards at a time: fully if it was in view before, else its accessible name.
  drawOthers(at = 0) {
    const { items } = this, until = performance.now() + SLICE;
    for (; at < items.length && performance.now() < until; at++) {
      const item = items[at];
      if (item.isFilled && item.version !== this.version) {
        item.version = this.version;
        item.follow();
      }
      item.tell();
    }
    this.isBehind = at < items.length;
    if (at < items.length) this.later = setTimeout(() => { if (this.items === items) this.drawOthers(at); }, BREATH);
  }

  // --- the viewport ---

  resized() {
    const room = this.stage.clientWidth;
    if (!room) return;
    if (Math.abs(room - this.room) > 0.15 * this.room) { this.room = room; this.build(); } else this.place(room);
  }

  place(room) {
    this.across = room;
    const [w, t] = this.size, most = Math.max(260, innerHeight * (room / w < LEGIBLE ? WINDOW : TALLEST)), scale = Math.max(LEGIBLE, Math.min(1.25, room / w, most / t)), tall = Math.min(t * scale, most);
    this.isLarge = room / w < scale || tall < t * scale;
    this.svg.style.height = `${tall}px`;
    if (!this.moved) this.look(this.home(this.scene.cards.get(this.host.focusCard()), room / scale, tall / scale), false);
    else this.look([this.view[0], this.view[1], this.view[2], (this.view[2] * tall) / room], true);
  }

  // The initial view: everything if text is legible then (9 pixels), else at that scale around the selection or the root.
  home(card, width, height) {
    const around = (at, size, room) => (room >= size ? (size - room) / 2 : Math.min(Math.max(at + MARGIN - room / 2, 0), size - room));
    return [around(card.x + card.width / 2, this.size[0], width), Math.max(0, around(card.y + card.height / 2, this.size[1], height)), width, height];
  }

  look([x, y, w, t], moved = true) {
    const [width, height] = this.size;
    this.view = [Math.min(Math.max(x, -w / 2), width - w / 2), Math.min(Math.max(y, -t / 2), Math.max(height - t / 2, -t / 2)), w, t];
    this.moved = moved;
    this.aim(this.view);
    const more = { left: this.view[0], top: this.view[1], right: width - this.view[0] - w, bottom: height - this.view[1] - t };
    const sides = Object.keys(more).filter((side) => more[side] > MARGIN);
    put(this.stage, "data-more", sides.join(" "));
    put(this.cue, "hidden", this.isLarge ? null : "");
    setText(this.cue.firstChild, sides.length ? `There is more ${sides.map((side) => SIDES[side]).join(", ").replace(/, (?!.*, )/, " and ")}: drag the picture, or` : "All of it is in view.");
    setText(this.cue.lastChild, sides.length ? "Show all" : "Readable size");
    this.chart(w / this.across);
    if (this.lit) this.draw();
  }

  // Zoomed out, cards are blocks, and a scope has its name in legible letters within or beside it, if it is tall
  // enough and nothing else is there.
  chart(unit) {
    const isMap = unit * MAP > 1, taken = [];
    if (!isMap && !this.isMap) return;
    this.isMap = isMap;
    put(this.svg, "data-map", isMap ? "" : null);
    put(this.svg, "--print", `${(PRINT * unit).toFixed(1)}px`);
    const meets = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height, holds = (a, b) => a.x <= b.x && a.y <= b.y && a.x + a.width >= b.x + b.width && a.y + a.height >= b.y + b.height;
    const [left, top, across, down] = this.view, view = { x: left - MARGIN, y: top - MARGIN, width: across, height: down }, outer = this.names.map(({ box }) => box).filter((box) => this.scopes.chain(box.scope).length === 1);
    for (const { label, box } of this.names) {
      const width = label.textContent.length * LETTER * PRINT * unit, height = 1.3 * PRINT * unit, isLeft = box.x + box.width / 2 < this.size[0] / 2 - MARGIN;
      const x = width + 8 * unit < box.width ? box.x + 4 * unit : isLeft ? box.x - 4 * unit - width : box.x + box.width + 4 * unit, y = box.y + 4 * unit, at = { x, y, width, height };
      const hasRoom = isMap && height < box.height && holds(view, at) && !taken.some((one) => meets(one, at)) && !outer.some((one) => meets(one, at) && !holds(one, box));
      put(label, "display", isMap && !hasRoom ? "none" : "");
      put(label, "x", String(isMap ? x : box.x + 9));
      put(label, "y", String(isMap ? y + PRINT * unit : box.y + 15));
      if (hasRoom) taken.push(at);
    }
  }

  // Panning moves the layer: a new viewBox would make the browser lay out all text again.
  aim([x, y, w, t]) {
    put(this.svg, "viewBox", `0 0 ${w.toFixed(1)} ${t.toFixed(1)}`);
    put(this.layer, "transform", `translate(${(MARGIN - x).toFixed(1)} ${(MARGIN - y).toFixed(1)})`);
  }

  // Print the whole picture, whatever part is in view. Arrowheads are copied: markers in hidden elements do not render.
  forPrint() {
    this.offPaper();
    this.draw(true, true);
    this.aim([0, 0, ...this.size]);
    this.chart(1);
    const typed = this.host.querySelector("input.agl-expression")?.value, above = [".agl-names", ".agl-notice", ".agl-points", ".agl-film"].map((one) => this.host.querySelector(one)?.offsetHeight || 0);
    this.sheets = onSheets(this.svg, this.size, above.reduce((sum, height) => sum + height + (height && 10), typed ? 30 : 0));
    if (!this.sheets) return;
    if (typed) this.sheets.prepend(h("p", { class: "agl-called" }, typed));
    this.body.before(this.sheets);
    this.body.parentNode.classList.add("agl-sheeted");
    const isWide = this.sheets.matches(".agc-wide");
    this.host.classList.toggle("agc-wide", isWide);
    for (const table of this.host.querySelectorAll(":is(.agl-cases,.agl-copies) table")) splitTable(table, isWide ? 1000 : 670);
  }

  offPaper() {
    this.sheets?.remove();
    for (const table of this.host.querySelectorAll(".agc-columns")) table.remove();
    this.host.classList.remove("agc-wide");
    this.body.parentNode?.classList.remove("agl-sheeted");
  }

  fit() {
    const room = this.stage.clientWidth, tall = this.stage.clientHeight, [w, t] = this.size, scale = Math.min(room / w, tall / t, 1.25);
    this.look([(w - room / scale) / 2, (t - tall / scale) / 2, room / scale, tall / scale]);
  }

  zoom(factor, clientX, clientY) {
    const [x, y, w, t] = this.view, outer = this.stage.getBoundingClientRect(), width = Math.min(Math.max(w / factor, this.size[0] / 25), Math.max(this.size[0], w) * 1.3), ratio = width / w;
    const fx = clientX === undefined ? 0.5 : (clientX - outer.left) / outer.width, fy = clientY === undefined ? 0.5 : (clientY - outer.top) / outer.height;
    this.look([x + w * fx * (1 - ratio), y + t * fy * (1 - ratio), width, t * ratio]);
  }

  listen() {
    let from = null;
    this.stage.addEventListener("pointerdown", (event) => {
      this.dragged = false;
      if (event.button === 0 && !event.target.closest(".card, .scopename, .agl-hit, input")) from = [event.clientX, event.clientY, ...this.view];
    });
    this.stage.addEventListener("pointermove", (event) => {
      if (!from) return;
      const unit = this.view[2] / this.stage.clientWidth, [dx, dy] = [event.clientX - from[0], event.clientY - from[1]];
      if (Math.abs(dx) + Math.abs(dy) > 3 && !this.dragged) { this.dragged = true; this.stage.setPointerCapture(event.pointerId); }
      if (this.dragged) this.look([from[2] - dx * unit, from[3] - dy * unit, from[4], from[5]]);
    });
    for (const end of ["pointerup", "pointercancel"]) this.stage.addEventListener(end, () => { from = null; });
    this.stage.addEventListener("click", (event) => {
      const card = event.target.closest("[data-card]");
      if (card) this.host.cardClicked(this.scene.cards.get(idOf(card.dataset.card)), event);
      else if (!this.dragged && !event.target.closest(".agl-hit, .scopename")) this.host.select(null);
    });
    for (const reached of ["pointerover", "focusin"]) this.stage.addEventListener(reached, (event) => {
      const card = event.target.closest("[data-card]");
      if (card) this.cards.get(idOf(card.dataset.card))?.tell();
    });
    this.stage.addEventListener("dblclick", (event) => {
      const card = event.target.closest("[data-card]");
      if (card) this.host.cardOpened(this.scene.cards.get(idOf(card.dataset.card)));
    });
    this.stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
    }, { passive: false });
  }

  reveal(id) {
    const card = this.scene.cards.get(id), left = this.plan.flow === "LR" ? card?.chip : 0;
    if (card) this.bringIn(card.x - left, card.y - card.chip + left, card.width + left, card.height + card.chip - left);
  }

  // Bring into view a scope that was opened, or the card that it was folded to.
  revealScope(scope) {
    const box = this.plan.boxes.find((one) => one.scope === scope);
    if (box) this.bringIn(box.x, box.y, box.width, box.height);
    else this.reveal(`s${scope}`);
  }

  bringIn(left, top, width, height) {
    const [x, y, w, t] = this.view, shift = (low, size, from, room) => (low < from || size > room ? low - from - MARGIN : Math.max(0, low + size - from - room + MARGIN));
    const dx = shift(left + MARGIN, width, x, w), dy = shift(top + MARGIN, height, y, t);
    if (dx || dy) this.look([x + dx, y + dy, w, t]);
  }

  // --- animation of cards from their old positions ---

  places() {
    return this.cards ? new Map([...this.cards.keys()].map((id) => { const { x, y } = this.scene.cards.get(id); return [id, [x, y]]; })) : null;
  }

  glide(before) {
    if (!before || calm.matches || this.cards.size > 120) return;
    for (const [id, { element }] of this.cards) {
      const { x, y } = this.scene.cards.get(id), was = before.get(id);
      if (was && (Math.abs(was[0] - x) > 1 || Math.abs(was[1] - y) > 1)) element.animate([{ transform: `translate(${was[0]}px,${was[1]}px)` }, { transform: `translate(${x}px,${y}px)` }], { duration: 260, easing: "ease-out" });
      else if (!was) element.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 260 });
    }
  }
}

const idOf = (text) => (/^\d/.test(text) ? +text : text);

// Split a table that is wider than the sheet into several of equal width, each with the row headers and some columns.
function splitTable(table, room) {
  const widths = [...(table.rows[0]?.cells || [])].map((cell) => cell.getBoundingClientRect().width + 3), parts = [];
  if (table.getBoundingClientRect().width <= room) return;
  let used = Infinity;
  widths.forEach((width, k) => {
    if (!k) return;
    if (used + width > room - widths[0]) { parts.push(new Set([0])); used = 0; }
    parts[parts.length - 1].add(k);
    used += width;
  });
  const copies = parts.map((kept) => {
    const copy = table.cloneNode(true);
    for (const row of copy.rows) [...row.cells].forEach((cell, k) => { if (!kept.has(k)) cell.remove(); });
    return copy;
  });
  table.before(h("div", { class: "agc-columns", "aria-hidden": "true" }, copies));
}
