// Cards as SVG, and how they follow the numbers. Each card is a button for the keyboard and for screen readers.

const BAR_STEPS = 6, BAR_GAP = 2, TOLD = 8, MOST_PARTS = 50, PARTS = 9;  // copies whose parts a card shows; pixels of these bars
const USUAL = 6;  // cells of a number such as 0.1234
const formerText = (x, digits) => `${general(x, digits).replaceAll("-", "−")} →`;
const words = (kind, x, y, text) => s("text", { class: kind, x, y }, text);

// Filled segments of a gradient's bar: all for the largest gradient on a card, one fewer per factor of ten below it. While it is
// summed up in steps, a gradient may be larger than in the end.
function segments(g, largest) {
  if (!(Math.abs(g) > 0)) return 0;
  if (!finite(g)) return BAR_STEPS;
  return Math.min(BAR_STEPS, Math.max(1, BAR_STEPS - Math.floor(Math.log10(largest) - Math.log10(Math.abs(g)) + 1e-9)));
}

const plateText = (plate) => (plate.shared.length ? "part of the weights’ gradient, by copy" : "gradient of what it gives, by copy");
const stubText = (model, { node, plate, copy }) => `↻ ${shorten(model.state.bare[node], 12)} of ${shorten(plate.names[copy], 12)}`;

class CardView {
  constructor(graph, card) {
    this.graph = graph;
    this.card = card;
    this.id = card.id;
    const { model } = graph, { kind, node, x, y, width } = card, left = graph.plan.flow === "LR" ? card.chip : 0;
    this.box = [x - left, y - card.chip + left, x + width, y + card.height];
    this.isLeaf = kind === "node" && model.isLeaf[node];
    this.kind = `card ${this.isLeaf || card.isLeaf ? "leaf" : ""} ${kind === "fold" ? "fold" : ""} ${graph.rootCards.has(card.id) ? "root" : ""}`;
    this.element = s("g", { class: this.kind, "data-card": card.id, role: kind === "junction" ? null : "button", tabindex: kind === "junction" ? null : -1, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` });
    this.isFilled = kind === "junction";
    if (this.isFilled) { this.element.append(s("rect", { class: "junction", width, height: card.height, rx: 2.5 })); return; }
    this.title = s("title", {});
    this.face = s("rect", { class: "face", width, height: faceOf(card), rx: 6 });
    this.element.append(this.title, this.face);
  }

  // Draw the card's content when it first comes into view.
  fill() {
    if (this.isFilled) return;
    this.isFilled = true;
    const { card, graph } = this, { kind, node, width: w } = card, face = faceOf(card);
    this.ports = card.ports.map((port) => this.port(port));
    if (kind === "fold") for (const d of [6, 3]) this.face.before(s("rect", { class: "pile", x: d, y: face - 8, width: w - 2 * d, height: 8 + 6 - d / 2, rx: 5 }));
    if (kind === "plate") this.plateFace();
    else if (kind === "stub") this.element.append(words("caption", 7, 13.5, stubText(graph.model, card)));
    else if (card.isRow) this.rowFace();
    else if (kind === "fold") this.foldFace(face);
    else this.nodeFace(graph.scene.opOf(node));
    this.element.append(...this.ports.map(({ element }) => element));
    for (const text of this.element.querySelectorAll("text")) text.after(" ");  // separates the texts when they are copied or read aloud
  }

  port(port) {
    const { card, graph } = this, constant = port.constant !== undefined, across = graph.plan.flow === "LR";
    const element = s("g", { class: `port ${constant ? "" : "slope"}` }), rect = s("rect", { class: constant ? "pill" : "chip", height: port.height, rx: constant ? port.height / 2 : Math.min(3, port.height / 2) });
    const text = port.silent ? null : words("chiptext", 0, 0, "");
    element.append(rect, ...(text ? [text] : []));
    const place = () => {
      const { width } = port, tight = text && extent(text.textContent, SIZE.chipFont) + 4 > width;
      const x = across ? -width : card.width / 2 + port.at - width / 2, y = across ? card.height / 2 + port.at - port.height / 2 : -port.height;
      for (const [key, value] of Object.entries({ x, y, width })) put(rect, key, value);
      if (text) { put(text, "x", x + width / 2); put(text, "y", y + port.height / 2 + SIZE.chipFont * 0.36); put(text, "textLength", tight ? width - 4 : null); put(text, "lengthAdjust", tight ? "spacingAndGlyphs" : null); }
    };
    if (constant && text) text.textContent = numberText(graph.model.data[port.constant]);
    place();
    return { port, element, rect, text, place };
  }

  line(left, right, top, name, op, labelled) {
    const font = labelled ? SIZE.name : 11.5, free = Math.max(right - left - extent(name, font), (right - left) / 2) - 6, sign = op ? shorten(op, Math.floor(free / (EM * SIZE.name))) : "";
    const room = Math.floor((right - left - (sign ? extent(sign, SIZE.name) + 6 : 0)) / (EM * font));
    this.element.append(words(labelled ? "name" : "called", left, top, shorten(name, Math.max(room, 3))));
    if (sign) this.element.append(words(labelled ? "op" : "op alone", right, top, sign));
  }

  numbers(left, right, top) {
    this.caption = words("caption", left, top, "value");
    this.value = words(`value ${this.isLeaf ? "agl-edit" : ""}`, right, top, "");
    this.gradCaption = words("caption", left, top + 15, "grad");
    this.grad = words("grad", right, top + 15, "");
    this.track = s("path", { class: "bar", d: `M${left} ${top + 21.5}h${right - left}` });
    this.bar = s("path", { class: "bar", d: "" });
    this.barAt = [left, top + 21.5, right - left];
    const dash = `${((right - left + BAR_GAP) / BAR_STEPS - BAR_GAP).toFixed(2)} ${BAR_GAP}`;
    for (const one of [this.track, this.bar]) one.style.strokeDasharray = dash;
    this.element.append(this.caption, this.value, this.gradCaption, this.grad, this.track, this.bar);
  }

  nodeFace(op) {
    const { card, graph } = this, left = (card.width - CARD[0]) / 2 + 8, right = left + CARD[0] - 16, top = (card.height - CARD[1]) / 2;
    const { state } = graph.model, labelled = graph.labelled.has(card.node);
    this.line(left, right, top + 17, card.around.length ? state.bare[card.node] : state.shown[card.node], op?.sign, labelled);
    this.numbers(left, right, top + 33);
    const plate = this.isLeaf && graph.scene.plates.sharing(card.node);
    if (plate && plate.names.length <= MOST_PARTS) {
      this.sharing = plate;
      this.parts = ["agl-part", "agl-part agl-down"].map((kind) => s("path", { class: kind, d: "" }));
      this.element.append(...this.parts);
    }
    if (card.unfolds) this.element.append(words("agl-more", card.width - 5, card.height - 4, "▸"));
  }

  rowFace() {
    const { card, graph } = this;
    this.element.append(words(graph.labelled.has(card.node) ? "name" : "called", 7, 15.5, shorten(graph.model.state.bare[card.node], ROW_NAME)));
    this.value = words("value agl-edit", ROW_VALUE, 15.5, "");
    this.word = words("caption", ROW_VALUE + 4, 15.5, "grad");
    this.grad = words("grad", ROW[0] - 8, 15.5, "");
    this.element.append(this.value, this.word, this.grad);
  }

  // A bar for each copy of the plate, the shown copy marked.
  plateFace() {
    const { card } = this, { plate } = card, n = plate.names.length, [left, width] = [8, card.width - 16];
    this.element.append(words("name", 8, 15, `× ${n}`), words("op alone", card.width - 8, 15, shorten(plate.names[plate.current], 20)), words("caption", 8, 29, plateText(plate)));
    this.bars = plate.names.map((_, k) => s("path", { class: `agl-copy ${k === plate.current ? "agl-here" : ""}`, d: "" }));
    this.barOf = (k, share) => { const step = width / n, w = Math.min(Math.max(step - 1, 0.6), 26); return share ? `M${(left + (k + 0.5) * step - w / 2).toFixed(2)} 60v${(-26 * share).toFixed(2)}h${w.toFixed(2)}v${(26 * share).toFixed(2)}Z` : `M${(left + (k + 0.5) * step - w / 2).toFixed(2)} 60h${w.toFixed(2)}`; };
    this.value = words("caption", 8, 73, "");
    this.grad = words("value", card.width - 8, 73, "");
    this.element.append(...this.bars, this.value, this.grad);
  }

  // The copy whose bar is at a horizontal position on the screen.
  copyAt(x) {
    const box = this.face.getBoundingClientRect(), { plate, width } = this.card, share = ((x - box.left) / box.width) * width - 8;
    return Math.max(0, Math.min(plate.names.length - 1, Math.floor((share / (width - 16)) * plate.names.length)));
  }

  followPlate() {
    const { plate } = this.card, { model } = this.graph, known = this.isPlateKnown(), signals = this.graph.scene.plates.signals(plate, model);
    const sizes = signals.map((x) => (finite(x) ? x : 0)), largest = Math.max(...sizes), least = Math.min(...sizes.filter((x) => x > 0)), byDecades = largest > 30 * least;
    sizes.forEach((x, k) => put(this.bars[k], "d", this.barOf(k, !known || !x ? 0 : byDecades ? Math.max(0.08, 1 + Math.log10(x / largest) / BAR_STEPS) : x / largest)));
    setText(this.value, known && byDecades ? "on a log scale" : "");
    setText(this.grad, known ? numberText(signals[plate.current]) : "");
  }

  isPlateKnown() { return this.card.plate.exits.every((exits) => exits.every((i) => this.graph.host.isGradientComplete(i))); }

  foldFace(face) {
    const { card, graph } = this, left = (card.width - FOLD[0]) / 2 + 8, right = left + FOLD[0] - 16, top = (face - (FOLD[1] - SIZE.pile)) / 2;
    this.element.append(s("path", { class: "head", d: `M0 22V6a6 6 0 0 1 6-6H${card.width - 6}a6 6 0 0 1 6 6V22Z` }), words("name", 8, 15, "▸"), words("name", 22, 15, shorten(graph.scopes.names[graph.scopes.shownAt(card.scope)], Math.floor((card.width - 30) / (EM * SIZE.name)))));
    this.element.append(words("caption", left, top + 37, shorten(card.caption, Math.floor((FOLD[0] - 16) / (EM * SIZE.caption)))));
    this.numbers(left, right, top + 53);
  }

  // --- updates ---

  follow() {
    const { card, graph } = this, { model, host, lit } = graph;
    put(this.element, "class", `${this.kind} ${lit.chosen.has(card.id) ? "agl-chosen" : ""} ${card.kind === "node" && model.cuts.has(`${card.node}`) ? "agl-off" : ""} ${lit.trail && !lit.trail.has(String(card.id)) ? "agl-faint" : ""}`);
    if (card.kind === "junction") return;
    put(this.element, "tabindex", card.id === lit.focus ? "0" : "-1");
    put(this.element, "aria-pressed", String(lit.chosen.has(card.id)));
    if (card.kind === "stub") return;
    if (card.kind === "plate") { this.followPlate(); this.slopes(); return; }
    const { value, grad } = this.numbersNow(), one = this.only();
    setText(this.value, value);
    setText(this.grad, grad);
    if (this.word) put(this.word, "display", grad ? null : "none");
    if (one >= 0) {
      const g = host.gradientShown(one), hidden = g === null;
      put(this.grad, "class", `grad ${hidden ? "" : bySign(g)}`);
      if (this.caption) {
        this.ghost(this.caption, card.kind === "fold" ? shorten(model.state.shown[one], 12) : "value", model.former[one], model.data[one], host.isValueShown(one));
        this.ghost(this.gradCaption, "grad", model.formerAdjoint[one], g, !hidden);
      }
      this.fillBar(hidden ? 0 : g, lit.gradient);
    } else {
      setText(this.caption, `${card.exits.length} values`);
      setText(this.gradCaption, "|grad|");
      for (const one of [this.track, this.bar]) put(one, "display", "none");
    }
    this.slopes();
  }

  // The node whose numbers the card shows; -1 if it stands for several.
  only() { const { card } = this; return card.kind === "node" ? card.node : card.kind === "fold" && card.exits.length === 1 ? card.exits[0] : -1; }

  // Its value and gradient as texts; "" while the stepper has not reached them.
  numbersNow() {
    const { card, graph } = this, { model, host } = graph, one = this.only();
    if (one >= 0) {
      const g = host.gradientShown(one);
      return { value: host.isValueShown(one) ? this.written(model.data[one]) : "", grad: g === null ? "" : this.written(g) };
    }
    const values = card.exits.map((i) => model.data[i]), low = Math.min(...values), high = Math.max(...values);
    return {
      value: !card.exits.every((i) => host.isValueShown(i)) ? "" : low === high ? numberText(low) : `${numberText(low, 3)} … ${numberText(high, 3)}`,
      grad: card.exits.every((i) => host.isGradientComplete(i)) ? numberText(Math.hypot(...card.exits.map((i) => model.adjoint[i]))) : "",
    };
  }

  // A number with as many digits as fit.
  written(x) {
    const room = this.card.isRow ? ROW_CELLS : SIZE.cells;
    for (const digits of [4, 3]) {
      const said = numberText(x, digits);
      if (cells(said) <= room) return said;
    }
    return numberText(x, 2);
  }

  // The previous number, shown only if it reads differently at its precision: 0.59 beside 0.5903 says nothing.
  ghost(caption, name, was, now, shown) {
    const text = shown && this.graph.showsGhosts && !Object.is(was, now) ? this.before(was, now) : "";
    setText(caption, text || name);
    put(caption, "class", text ? "caption agl-ghost" : "caption");
  }

  // The previous number, with as many digits as fit beside the current one. The usual length of that is assumed, so
  // that previous numbers do not change their digits while a leaf is dragged.
  before(was, now) {
    const room = this.barAt[2] - extent("0".repeat(Math.max(USUAL, cells(numberText(now)))), SIZE.number) - 4, told = [3, 2, 1].map((digits) => formerText(was, digits));
    if (formerText(now, 3) === told[0]) return "";
    return told.find((text) => extent(text, 10.5) <= room) || "→";
  }

  fillBar(g, largest) {
    if (!this.bar) return;
    const n = segments(g, largest), [left, y, width] = this.barAt;
    put(this.bar, "class", `bar ${bySign(g)}`);
    put(this.bar, "d", n ? `M${left} ${y}h${(n * (width + BAR_GAP)) / BAR_STEPS - BAR_GAP}` : "");
    if (this.parts) this.fillParts();
  }

  // Instead of the bar, the contribution of each copy to the gradient, upwards if positive, once all are complete.
  fillParts() {
    const { graph, sharing, card } = this, [left, y, width] = this.barAt, top = y - 3;
    const sums = graph.host.isGradientComplete(card.node) ? graph.scene.plates.parts(sharing, card.node, graph.model) : [];
    const largest = Math.max(0, ...sums.map(Math.abs)), isDrawn = finite(largest) && largest > 0;
    const step = width / sharing.names.length, w = step - Math.min(BAR_GAP, step / 4), room = sums.some((x) => x < 0) ? PARTS / 2 : PARTS;
    const bars = (sign) => sums.map((x, k) => { const high = Math.max((Math.abs(x) / largest) * room, 0.6) * sign; return (x < 0 ? -1 : 1) === sign ? `M${(left + k * step).toFixed(1)} ${top + room}h${w.toFixed(1)}v${(-high).toFixed(2)}h${(-w).toFixed(1)}Z` : ""; }).join("");
    [1, -1].forEach((sign, k) => put(this.parts[k], "d", isDrawn ? bars(sign) : ""));
    for (const one of [this.track, this.bar]) put(one, "display", isDrawn ? "none" : "");
  }

  slopes() {
    const { card, graph } = this, through = this.through();
    for (const { port, element, text, place } of this.ports) {
      if (port.constant !== undefined) continue;
      const said = this.slopeNow(port, through);
      if (text && text.shownText !== said) { setText(text, said); place(); }
      put(element, "class", `port slope ${graph.isCut(card, port) ? "agl-cut" : ""}`);
    }
  }

  through() { const { card, graph } = this; return card.kind === "fold" && card.ports.some((port) => port.through !== undefined) ? graph.scene.through(card) : null; }

  // A local derivative is shown from the step that computes the value on.
  slopeNow(port, through) {
    const { card, graph } = this, [told, d] = graph.scene.portSaid(card, port, through);
    return d === null || card.kind === "plate" || graph.host.isValueShown(card.kind === "node" ? card.node : card.exits[0]) ? told : "";
  }

  // The card's accessible name, which is also its tooltip.
  tell() {
    if (!this.title || this.told === this.graph.version) return;
    this.told = this.graph.version;
    setText(this.title, this.said());
  }

  said() {
    const { card, graph } = this, { model } = graph;
    if (card.kind === "stub") return `${stubText(model, card)}: handed on by another copy; Enter shows it`;
    if (card.kind === "plate") {
      const { plate } = card, signal = this.isPlateKnown() ? `: ${numberText(graph.scene.plates.signals(plate, model)[plate.current])}` : "";
      return `× ${plate.names.length}, shown is ${plate.names[plate.current]}; ${plateText(plate)}${signal}; plus and minus go on, Enter shows all`;
    }
    const { value, grad } = this.numbersNow(), one = card.kind === "fold" ? card.exits[0] : card.node, gradient = grad && `gradient ${grad}`;
    const numbers = value && `${card.kind === "fold" && card.exits.length > 1 ? `${card.exits.length} values` : model.state.shown[one]} = ${value}`;
    if (card.kind === "fold") { const scope = graph.scopes.shownAt(card.scope); return `${[graph.scopes.names[scope], numbers, gradient].filter(Boolean).join(", ")}; folded scope ${graph.scopes.paths[scope]}: ${card.caption}; Enter opens it`; }
    const { sharing } = this, shares = sharing && sharing.names.length <= TOLD && grad ? graph.scene.plates.parts(sharing, card.node, model).map((x, k) => `${sharing.names[k]} ${numberText(x)}`) : [];
    const op = graph.scene.opOf(card.node), slopes = card.ports.filter((port) => port.constant === undefined).slice(0, TOLD).map((port) => this.slopeNow(port, null)).filter(Boolean);
    return `${[numbers || model.state.shown[one], gradient].filter(Boolean).join(", ")}; ${op ? op.name : "leaf"} ${model.state.names[card.node]}${slopes.length ? `, local derivatives ${slopes.join(" ")}` : ""}${model.cuts.has(`${card.node}`) ? "; cut" : ""}${shares.length ? `; parts of its gradient: ${shares.join(", ")}` : ""}${this.isLeaf ? "; Enter changes it" : ""}`;
  }
}
