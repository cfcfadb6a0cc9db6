// The picture: scopes, edges and cards on a stage that pans and zooms, with what is chosen lit.

const MARGIN = 16, TALLEST = 1.6;  // of the picture, as a share of the window's height: beyond that one pans

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
    this.body = h("div", { class: "agl-body" }, this.stage, this.tools);
    this.listen();
    listenForEdits(this);
    new ResizeObserver(() => this.resized()).observe(this.stage);
    addEventListener("beforeprint", () => this.svg.setAttribute("viewBox", `0 0 ${this.size.join(" ")}`));
    addEventListener("afterprint", () => this.look(this.view, this.moved));
  }

  isCut(card, port) { return card.kind === "node" && port.operands.length === 1 && this.model.isCut(card.node, port.operands[0]); }

  // --- drawing anew: after a fold, or when the room has changed much ---

  build() {
    const kept = this.places(), focused = this.svg.contains(document.activeElement) ? document.activeElement.dataset.card : undefined;
    this.scene = new Scene(this.model, this.scopes, this.host.written);
    this.room = Math.max(320, this.stage.clientWidth || 900);
    this.plan = layout(this.scene, this.room);
    const [w, t] = this.plan.size;
    this.size = [w + 2 * MARGIN, t + 2 * MARGIN];
    this.cards = new Map([...this.scene.cards.values()].map((card) => [card.id, new CardView(this, card)]));
    this.edges = this.plan.routes.map((route) => this.edge(route));
    const boxes = this.plan.boxes.map((box) => this.box(box));
    this.layer = s("g", { transform: `translate(${MARGIN} ${MARGIN})` }, boxes.map(([frame]) => frame), this.edges.map(({ element }) => element), boxes.map(([, name]) => name));
    for (const [id, view] of this.cards) {
      const { x, y } = this.scene.cards.get(id);
      view.element.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
      this.layer.append(view.element);
    }
    this.svg.replaceChildren(s("title", {}, this.model.state.title || "Computation graph"), this.markers(), this.layer);
    this.moved = false;
    this.resized();
    this.update();
    this.glide(kept);
    if (focused !== undefined) this.cards.get(idOf(focused))?.element.focus({ preventScroll: true });
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

  edge(route) {
    const d = curve(route.points, this.plan.flow), line = s("path", { class: "edge", d }), hit = s("path", { class: "agl-hit", d }), title = s("title", {});
    const element = s("g", { class: "agl-edge", "data-from": route.from.id, "data-to": route.card.id }, line, hit);
    hit.append(title);
    hit.addEventListener("click", () => { if (!this.dragged) this.host.edgeClicked(route); });
    return { ...route, line, hit, title, element };
  }

  // --- following the numbers ---

  update() {
    const { model } = this;
    let largest = 0;
    for (const { card } of this.cards.values()) if (card.kind === "node" && finite(model.adjoint[card.node])) largest = Math.max(largest, Math.abs(model.adjoint[card.node]));
    for (const view of this.cards.values()) view.update(largest || 1);
    this.light();
  }

  // What flows along an edge: |local derivative × adjoint|, for a folded scope that of all its edges together.
  // null before its step.
  flowOf({ card, port }) {
    const { model, scene } = this, { steps } = this.host;
    if (card.kind === "plate") return NaN;
    if (!(card.nodes || [card.node ?? -1]).every((i) => i < 0 || model.isLeaf[i] || steps.isSent(i))) return null;
    if (card.kind === "node") {
      const g = steps.adjoint(card.node), slopes = scene.slopesOf(card.node);
      return g === 0 ? 0 : port.operands.reduce((sum, k) => sum + (slopes[k] === 0 || model.isCut(card.node, k) ? 0 : slopes[k] * g), 0);
    }
    if (card.kind === "fold" && port.from !== undefined) {
      const inside = new Set(card.nodes);
      return model.users[port.from].reduce((sum, [user, k]) => { const d = inside.has(user) && !model.cuts.has(`${port.from}`) ? model.local[user][k] : 0, g = steps.adjoint(user); return d === 0 || g === 0 ? sum : sum + d * g; }, 0);
    }
    return NaN;
  }

  light() {
    const chosen = this.host.chosenCards(), focus = this.host.focusCard(), trail = this.host.trail, back = this.host.isBackward();
    const flows = this.edges.map((edge) => this.flowOf(edge)), largest = Math.max(...flows.map((x) => (finite(x) ? Math.abs(x) : 0)), 0);
    this.edges.forEach((edge, at) => {
      const x = flows[at], width = x === null || Number.isNaN(x) ? 1.4 : x === 0 || !largest ? 1 : 1.2 + 3.4 * Math.sqrt(Math.min(1, Math.abs(x) / largest));
      const cut = this.isCut(edge.card, edge.port), on = trail ? trail.has(`${edge.from.id} ${edge.card.id}`) : chosen.has(edge.card.id) || (!this.host.steps.isOn && chosen.has(edge.from.id));
      const isTold = x !== null && !(Number.isNaN(x) && edge.card.kind !== "node"), kind = !on ? "plain" : !isTold ? "now" : Number.isNaN(x) ? "neg" : bySign(x) || "plain";
      put(edge.line, "class", `edge ${edge.port.isDead || x === 0 ? "dead" : ""} ${cut ? "agl-cut" : ""} ${on ? `agl-on ${kind}` : trail ? "agl-faint" : ""}`);
      put(edge.line, "strokeWidth", width.toFixed(2));
      const marker = `url(#${this.host.uid}-${kind})`;
      put(edge.line, "marker-start", back ? marker : null);
      put(edge.line, "marker-end", back ? null : marker);
      setText(edge.title, cut ? "Nothing flows here: it is cut. A click takes it back." : x === null ? "" : edge.port.operands.length === 1 ? `${numberText(x)} flows back here; a click cuts this edge` : "");
    });
    for (const [id, { element, card, kind }] of this.cards) {
      put(element, "class", `${kind} ${chosen.has(id) ? "agl-chosen" : ""} ${card.kind === "node" && this.model.cuts.has(`${card.node}`) ? "agl-off" : ""} ${trail && !trail.has(String(id)) ? "agl-faint" : ""}`);
      if (card.kind === "junction") continue;
      put(element, "tabindex", id === focus ? "0" : "-1");
      put(element, "aria-pressed", String(chosen.has(id)));
    }
  }

  // --- what one sees ---

  resized() {
    const room = this.stage.clientWidth;
    if (!room) return;
    if (Math.abs(room - this.room) > 0.15 * this.room) { this.room = room; this.build(); return; }
    const [w, t] = this.size, scale = Math.min(1.25, Math.max(room / w, NARROWEST)), tall = Math.min(t * scale, Math.max(260, innerHeight * TALLEST));
    this.svg.style.height = `${tall}px`;
    if (!this.moved) this.look([Math.min(0, (w - room / scale) / 2), 0, room / scale, tall / scale], false);
    else this.look([this.view[0], this.view[1], this.view[2], (this.view[2] * tall) / room], true);
  }

  look([x, y, w, t], moved = true) {
    const [width, height] = this.size;
    this.view = [Math.min(Math.max(x, -w / 2), width - w / 2), Math.min(Math.max(y, -t / 2), Math.max(height - t / 2, -t / 2)), w, t];
    this.moved = moved;
    this.svg.setAttribute("viewBox", this.view.map((v) => v.toFixed(1)).join(" "));
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
    const card = this.scene.cards.get(id), [x, y, w, t] = this.view;
    if (!card) return;
    const shift = (low, high, from, size) => (low < from ? low - from - MARGIN : high > from + size ? high - from - size + MARGIN : 0);
    const left = this.plan.flow === "LR" ? card.chip : 0, dx = shift(card.x + MARGIN - left, card.x + MARGIN + card.width, x, w), dy = shift(card.y + MARGIN - card.chip + left, card.y + MARGIN + card.height, y, t);
    if (dx || dy) this.look([x + dx, y + dy, w, t]);
  }

  // --- cards move from where they were ---

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
