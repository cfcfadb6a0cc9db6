// The custom element: one state, one selection, and the views of both. Clicks and its public methods do the same.

let elements = 0;
const FRAME = 24;  // milliseconds

// The timeout is for pages in the background, which get no animation frames.
const nextFrame = (act) => { requestAnimationFrame(act); setTimeout(act, 4 * FRAME); };

function define(key) {
  if (!customElements.get("autograd-graph")) customElements.define("autograd-graph", AutogradGraph);
  document.dispatchEvent(new CustomEvent("autograd-graph-rules", { detail: key }));
}

class AutogradGraph extends HTMLElement {
  constructor() {
    super();
    this.ready = new Promise((resolve) => { this.resolveReady = resolve; });
  }

  connectedCallback() {
    if (this.started) return;
    const start = () => {
      const told = this.querySelector('script[type="application/json"]'), rules = window.autogradGraphs?.get(this.dataset.rules);
      if (this.started || !told || !rules) return;
      document.removeEventListener("autograd-graph-rules", start);
      this.started = true;
      this.begin(JSON.parse(told.textContent), rules);
    };
    document.addEventListener("autograd-graph-rules", start);
    start();
  }

  begin(state, rules) {
    this.place = ++elements;
    this.uid = `agl${this.place}`;
    this.classList.add("agl");
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", this.called(`Computation graph${state.title ? `: ${state.title}` : ""}`));
    followTheme(() => [this], state.theme);
    listenForKeys(this);
    this.holder = h("div", { class: "agl-holder" });
    this.replaceChildren(...[state.expression ? expressionLine(this, state.expression, rules) : null, this.holder].filter(Boolean));
    this.show(state, rules);
    if (state.at !== undefined) this.point(state.at);
    this.changes.forget();
    if (state.step !== undefined) this.step(state.step);
    if (state.trails) showTrail(this, state.trails.map((nodes) => ({ nodes })));
    fitFrame([this]);
    this.resolveReady(this);
  }

  // The name of a landmark, made unique on a page with several graphs.
  called(name) { return this.place > 1 ? `${name} (graph ${this.place})` : name; }

  headline(title) {
    const made = heading("h2", 0, title || "Computation graph");
    made.className = title ? "agl-title" : "agl-unseen";
    return made;
  }

  // Build the views of a state; again when the reader has typed another expression.
  show(state, rules) {
    this.steps?.stop();
    this.change = null;
    this.reached = undefined;
    this.model = new Model(state, rules);
    this.scopes = new Scopes(this.model);
    this.written = this.model.written;
    this.chosen = null;
    this.trail = null;
    this.steps = new Steps(this);
    this.graph = new GraphView(this);
    this.controls = new Controls(this);
    this.changes = new Changes(this);
    this.compared = new Comparison(this);
    this.panel = new Panel(this);
    this.cases = new Cases(this);
    this.copies = new Copies(this);
    this.heard = h("div", { class: "agl-heard", role: "status", "aria-live": "polite" });
    this.notice = h("p", { class: "agl-notice", role: "alert" });
    this.asRecorded = button("Reset", "All leaves as recorded", () => this.reset());
    this.mend = button("Restore", "Take back all cuts", () => this.restore());
    this.total = h("p", { class: "agl-total" });
    const folds = this.scopes.paths.some((_, scope) => this.scopes.isFoldable(scope));
    this.holder.replaceChildren(h("div", { class: "agl-root" },
      h("div", { class: "agl-top" }, h("div", { class: "agl-names" }, this.headline(state.title), this.total), h("div", { class: "agl-group" }, this.changes.element, this.asRecorded, this.mend,
        this.graph.tools, folds ? [button("Fold", "Fold all scopes", () => this.foldAll(true)), button("Unfold", "Open all scopes", () => this.foldAll(false))] : null)),
      this.notice, h("div", { class: "agl-main" }, h("div", { class: "agl-left" }, this.controls.element, pointsControl(this), filmOf(this), this.graph.body), this.panel.element, this.cases.element, this.copies.element), this.heard));
    this.graph.build();
    this.refresh();
  }

  // --- public interface for scripts ---

  get values() { return this.model.values(); }
  // A promise, resolved when the page shows the current numbers, also if changes arrive faster than frames.
  get updateComplete() {
    if (!this.planned && !this.isBehind()) return Promise.resolve(true);
    return new Promise(nextFrame).then(() => { this.catchUp(); return true; });
  }

  comparison(name) { return this.compared.toJSON(name); }
  explanation(name) { return new Flow(this.model, this.model.find(name)).toJSON(); }

  set(name, number) {
    const i = this.model.find(name), x = Number(number);
    if (!this.model.isLeaf[i]) throw new RangeError(`expected a leaf, got ${JSON.stringify(name)}, which is computed; its operands can be changed`);
    if (typeof number !== "number" && typeof number !== "string") throw new TypeError(`expected a number for ${name}, got ${typeof number}`);
    this.beginChange(i);
    this.drag(i, x);
    this.endChange();
  }

  select(name) {
    const i = name === null || name === undefined ? null : this.model.find(name);
    if (i === this.chosen) return;
    this.takeUp(i);
    this.graph.update();
    this.panel.show();
    this.filmShown?.();
    if (i !== null) this.graph.reveal(this.graph.scene.cardOf[i]);
    this.tellChosen();
  }

  unfold(scope) { this.refold(this.scopes.find(scope), true); }
  fold(scope) { this.refold(this.scopes.find(scope), false); }

  step(k, playing = false) {
    this.steps.go(k);
    this.controls.update();
    if (this.steps.isOn) this.chosen = this.steps.node;
    this.trail = null;
    if (this.steps.isOn && this.scopes.plates.follow(this.chosen)) this.graph.build();
    else this.graph.update();
    this.panel.show();
    this.copies.follow();
    this.showTotal();
    if (this.steps.isOn) this.graph.reveal(this.graph.scene.cardOf[this.chosen]);
    this.say(this.steps.isOn ? this.panel.stepText() : "All numbers are shown");
    this.dispatch("step", { index: this.steps.now, count: this.steps.count, node: this.steps.isOn ? this.model.state.names[this.steps.node] : null, playing });
  }

  point(k) {
    const { points } = this.model.state;
    if (!points || !(k >= 0 && k < points.data.length)) throw new RangeError(`expected a point from 0 to ${(points?.data.length ?? 0) - 1}, got ${k}`);
    this.changes.begin("point");
    this.change = null;
    this.at = Math.trunc(k);
    this.model.remember();
    this.graph.showsGhosts = true;
    this.model.set(points.leaves.map((leaf, j) => [leaf, asNumber(points.data[this.at][j])]));
    this.changed({ point: this.at, label: points.labels[this.at] });
  }

  // Cut an edge, or without an operand a unit; returns the root's value if all that is cut carried 0.
  cut(name, operand) {
    const i = this.model.find(name), list = this.written.operandsOf(i);
    if (operand === undefined || operand === null) {
      if (this.model.roots.includes(i)) throw new RangeError(`expected a value below the root to cut, got ${name}`);
      this.setCut(i, undefined, true);
    } else {
      if (!(operand >= 0 && operand < list.length)) throw new RangeError(`expected an operand of ${name} from 0 to ${list.length - 1}, got ${operand}`);
      this.setCut(i, Math.trunc(operand), true);
    }
    return this.model.valuesWithout()[this.model.roots[0]];
  }

  undo() { this.changes.undo(); }
  redo() { this.changes.redo(); }

  restore() {
    if (!this.model.cuts.size) return;
    this.changes.begin();
    this.model.cuts.clear();
    this.model.remember();
    this.model.recompute(!this.model.isChanged());
    this.changed({ restored: true });
  }

  // --- actions of clicks and keys ---

  // Change the selection without updating the views.
  takeUp(i) {
    this.chosen = i;
    this.trail = this.nudged = null;
    if (i !== null && this.scopes.plates.follow(i)) this.graph.build();
  }

  tellChosen() { this.dispatch("select", { name: this.chosen === null ? null : this.model.state.names[this.chosen] }); }

  setCut(i, k, on) {
    this.changes.begin();
    this.model.cut(i, k, on);
    this.changed({ cut: on, node: this.model.state.names[i], operand: k });
    const { shown } = this.model.state, what = k === undefined ? shown[i] : `The edge from ${shown[this.written.operandsOf(i)[k]]} to ${shown[i]}`;
    this.say(on ? `${what} is cut. ${withoutText(this.model)}` : `${what} is back`);
  }

  toggleUnit(i) {
    if (i !== null && !this.model.roots.includes(i)) this.setCut(i, undefined, !this.model.cuts.has(`${i}`));
  }

  edgeClicked({ card, port }) {
    if (card.kind !== "node" || port.operands.length !== 1) return this.say("Unfold to cut a single edge");
    const [k] = port.operands, { scene } = this.graph, from = scene.operandsOf(card.node)[k];
    if (this.model.cuts.has(`${from}`) || from !== this.written.operandsOf(card.node)[k]) return this.toggleUnit(from);
    this.setCut(card.node, k, !this.model.cuts.has(`${card.node} ${k}`));
  }

  cardClicked(card, event) {
    if (this.graph.dragged) return;
    if (card.kind === "fold") this.refold(card.scope, true);
    else if (card.kind === "plate") this.showCopy(card.plate, this.graph.cards.get(card.id).copyAt(event.clientX));
    else if (card.kind === "stub" || card.kind === "node") this.choose(card.node);
  }

  showCopy(plate, k) {
    if (!(k >= 0 && k < plate.names.length) || k === plate.current) return;
    plate.current = k;
    const hit = plate.at.get(this.chosen), twin = hit ? plate.items[k][hit[1]] : -1;
    this.graph.build();
    if (twin >= 0) this.select(this.model.state.names[twin]);
    this.say(`${plate.names[k]} is shown`);
  }

  // Select a value; while stepping, go to the step that completes it.
  choose(i) {
    if (!this.steps.isOn) return this.select(this.model.state.names[i]);
    this.steps.pause();
    this.step(this.steps.lastOf(i));
  }

  cardOpened(card) {
    const view = this.graph.cards.get(card.id);
    if (view?.isLeaf && card.kind === "node") { this.graph.reveal(card.id); typeOver(this.graph, view); }
    else if (card.unfolds) this.refold(card.unfolds, true);
    else if (card.kind === "fold") this.refold(card.scope, true);
    else if (card.kind === "plate") this.refold(card.plate.scope, true);
    else if (card.kind === "stub") this.choose(card.node);
  }

  beginChange(i) {
    this.changes.begin();
    this.model.remember();
    const slope = this.model.backward([this.model.roots[0]], this.model.local, undefined, true)[i];
    this.change = { leaf: i, x: this.model.data[i], root: this.model.data[this.model.roots[0]], slope };
    this.graph.showsGhosts = true;
    if (this.chosen === i) return;
    this.takeUp(i);
    this.tellChosen();
  }

  // Repeated nudges count as one change, like a drag: tangent and previous numbers are those at its beginning.
  nudge(i, sign) {
    const x = this.model.data[i], step = stepOf(x);
    if (this.nudged !== this.change || this.change?.leaf !== i) this.beginChange(i);
    this.nudged = this.change;
    this.drag(i, snapped(x + sign * step, step));
    this.endChange();
  }

  drag(i, x) {
    this.model.set([[i, x]]);
    this.changed({ name: this.model.state.names[i], value: x });
  }

  endChange() { this.say(this.panel.changeText()); }

  reset() {
    this.changes.begin();
    this.change = null;
    this.at = 0;
    this.model.reset();
    this.changed({ reset: true });
  }

  refold(scope, open) {
    this.scopes.open(scope, open);
    this.graph.build(scope);
    if (this.graph.isLarge) this.graph.revealScope(scope);
    this.say(`${open ? "Opened" : "Folded"} ${this.scopes.paths[this.scopes.shownAt(scope)]}`);
  }

  foldAll(closed) {
    for (const plate of this.scopes.plates.list) plate.isOpen = !closed;
    this.scopes.paths.forEach((_, scope) => { if (this.scopes.isFoldable(scope)) { if (closed && !this.scopes.plates.of(scope)) this.scopes.opened.delete(scope); else this.scopes.opened.add(scope); } });
    this.graph.build();
  }

  changed(detail) {
    if (this.steps.isOn) this.steps.go(this.steps.now);
    this.schedule();
    this.dispatch("change", detail);
  }

  // Update the views at once, or with the next frame if changes arrive faster than frames.
  schedule() {
    if (this.planned) return;
    if (performance.now() - (this.painted || 0) > FRAME) { this.refresh(); return; }
    this.planned = true;
    nextFrame(() => { if (this.planned) this.refresh(); });
  }

  // Whether some views wait for a pause of the reader, such as the ledger while a leaf is dragged.
  isBehind() { return this.panel.isBehind || this.cases.isBehind || this.copies.isBehind || this.graph.isBehind; }

  catchUp() {
    if (this.planned) this.refresh();
    if (this.panel.isBehind) this.panel.explain(this.chosen);
    if (this.cases.isBehind) this.cases.show();
    if (this.copies.isBehind) this.copies.show();
    if (this.graph.isBehind) this.graph.tellAll();
  }

  refresh() {
    this.planned = false;
    this.graph.update();
    this.panel.show();
    this.cases.follow();
    this.copies.follow();
    this.changes.follow();
    this.hide(this.asRecorded, !this.model.isChanged());
    this.hide(this.mend, !this.model.cuts.size);
    this.showTotal();
    const { model } = this, broken = model.brokenGuards();
    put(this.notice, "hidden", broken.length || model.unknown.size ? null : "");
    if (broken.length) setText(this.notice, `The program takes another branch here: ${broken.slice(0, 3).map(([, outcome, said]) => `${said} was ${outcome ? "true" : "false"}`).join(", ")}${broken.length > 3 ? ` and ${broken.length - 3} more` : ""} where it was recorded. What is shown is the branch that was recorded.`);
    else if (model.unknown.size) setText(this.notice, `This page has no rule for ${[...new Set([...model.unknown].map((i) => model.state.ops[model.state.op[i]].name))].join(", ")}: its values stay as recorded.`);
    this.pointsShown?.();
    this.filmShown?.();
    this.painted = performance.now();
  }

  // Hide a button that has nothing to do; if it had the focus, move that to the button beside it.
  hide(one, isHidden) {
    if (isHidden && one === focusedNear(one)) this.changes.back.focus({ preventScroll: true });
    put(one, "hidden", isHidden ? "" : null);
  }

  showTotal() {
    const { model } = this, [root] = model.roots, name = model.state.shown[root], now = numberText(model.data[root]), was = numberText(model.recorded[root]);
    setText(this.total, this.isValueShown(root) ? `${name} = ${now}${now === was ? "" : `, recorded ${was}`}${model.cuts.size ? `; ${numberText(model.valuesWithout()[root])} without what is cut` : ""}` : `${name} = …`);
  }

  // --- queries of the views ---

  chosenCards() { return new Set(this.chosen === null ? [] : [this.graph.scene.cardOf[this.chosen]]); }
  focusCard() { return this.chosen === null ? this.graph.scene.cardOf[this.model.roots[0]] : this.graph.scene.cardOf[this.chosen]; }
  isBackward() { return this.steps.isBack; }
  gradientShown(i) { return this.steps.gradient(i); }
  isValueShown(i) { return this.steps.isValueShown(i); }
  isGradientComplete(i) { return this.steps.isSent(i); }

  say(text) { this.heard.textContent = text; }
  dispatch(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true })); }
}

// The slider over the recorded point and the others.
function pointsControl(host) {
  const { points } = host.model.state;
  host.at = 0;
  if (!points || points.data.length < 2) return null;
  const label = h("output", { class: "agl-point" }), slider = h("input", { type: "range", min: 0, max: points.data.length - 1, step: 1, value: 0, autocomplete: "off", "aria-label": "Point", oninput: () => host.point(+slider.value) });
  host.pointsShown = () => { slider.value = host.at; label.textContent = points.labels[host.at]; slider.setAttribute("aria-valuetext", points.labels[host.at]); };
  return h("div", { class: "agl-points" }, h("span", {}, "Point"), slider, label);
}

// Keys work wherever the focus is in the element, and on a page of its own even without focus.
function listenForKeys(host) {
  const act = (event) => {
    if (event.defaultPrevented || event.altKey || event.target.closest?.("input[type=text], textarea")) return;
    if (event.ctrlKey || event.metaKey) {
      const key = event.key.toLowerCase(), way = key === "z" ? (event.shiftKey ? "redo" : "undo") : key === "y" ? "redo" : null;
      if (!way) return;
      event.preventDefault();
      return host[way]();
    }
    const onButton = event.target.closest?.("button, summary, .scopename"), onRange = event.target.closest?.("input[type=range]");
    const { steps, graph } = host, walk = (by) => {
      const shown = [...graph.scene.cards.values()].filter((card) => card.kind !== "junction"), at = shown.findIndex((card) => card.id === (host.reached ?? (host.chosen === null ? null : host.focusCard())));
      const card = shown[at < 0 && by < 0 ? shown.length - 1 : Math.max(0, Math.min(shown.length - 1, at + by))];
      host.reached = card.id;
      if (card.kind === "node") host.select(host.model.state.names[card.node]);
      graph.cards.get(card.id).element.focus({ preventScroll: true });
      graph.reveal(card.id);
    };
    const card = graph.scene.cards.get(host.reached ?? host.focusCard()), nudge = (sign) => {
      if (card?.kind === "plate") return host.showCopy(card.plate, card.plate.current + sign);
      if (host.chosen === null || !host.model.isLeaf[host.chosen]) return;
      host.nudge(host.chosen, sign);
    };
    const keys = {
      ArrowRight: onRange ? null : () => host.step(steps.now + 1), ArrowLeft: onRange ? null : () => host.step(Math.max(steps.now - 1, -1)), Home: onRange ? null : () => host.step(0), End: onRange ? null : () => host.step(steps.count - 1),
      ArrowDown: onRange ? null : () => walk(1), ArrowUp: onRange ? null : () => walk(-1), " ": onButton ? null : () => steps.toggle(), Enter: onButton || onRange ? null : () => card && host.cardOpened(card),
      Escape: () => { if (steps.isOn) { steps.pause(); host.step(-1); } else host.select(null); }, "+": () => nudge(1), "=": () => nudge(1), "-": () => nudge(-1), "−": () => nudge(-1), 0: () => graph.fit(), Delete: onRange ? null : () => host.toggleUnit(host.chosen),
    };
    if (event.key.startsWith("Arrow") && event.key !== "ArrowDown" && event.key !== "ArrowUp") steps.pause();
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  };
  host.addEventListener("keydown", act);
  if ("page" in host.dataset) document.addEventListener("keydown", (event) => { if (!host.contains(event.target)) act(event); });
  host.addEventListener("focusin", (event) => { host.reached = event.target.dataset?.card === undefined ? host.reached : idOf(event.target.dataset.card); });
}
