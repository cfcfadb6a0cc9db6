// The panel on the selected value: what if, where its numbers come from, and why its gradient has its value.

const MOST_BARS = 8, MOST_PATHS = 12, PAUSE = 120;  // PAUSE in milliseconds

class Panel {
  constructor(host) {
    this.host = host;
    this.element = h("aside", { class: "agl-panel", "aria-label": host.called("The chosen value") });
  }

  show() {
    const { host } = this, { model } = host, i = host.chosen;
    this.element.classList.toggle("agl-tells", i !== null);  // stays in view below a tall picture
    if (i === null) {
      this.shownFor = null;
      this.wait();
      this.element.replaceChildren(h("p", { class: "agl-hint" }, "Choose a value to see where its numbers come from. Drag a leaf sideways, or press Enter on it, to change it; all values and gradients follow."), ...[comparedOverview(host), host.cases.overview(), this.overview()].filter(Boolean));
      return;
    }
    if (this.shownFor === i) { this.follow(i); return; }
    this.shownFor = i;
    [this.live, this.why] = [h("div", { class: "agl-live" }), h("div", { class: "agl-why" })];
    this.whatIf = model.isLeaf[i] ? new WhatIf(host, i) : null;
    this.element.replaceChildren(heading("h3", 1, h("span", { class: "agl-called" }, model.state.shown[i]), h("small", {}, model.isLeaf[i] ? "leaf" : host.written.op(i)?.name || ""), host.model.state.scopePaths[model.state.scopeOf[i]] ? h("small", {}, `in ${model.scopeOf(i)}`) : null), this.numbers(i), this.live, this.why);
    this.follow(i);
  }

  // The parts that are updated during a drag.
  follow(i) {
    const { host } = this, { model } = host;
    if (this.field && focusedNear(this.field) !== this.field) this.field.value = String(model.data[i]);
    setText(this.gradient, numberText(host.gradientShown(i) ?? NaN) === "nan" && host.gradientShown(i) === null ? "not yet" : numberText(host.gradientShown(i)));
    this.cutter?.follow();
    if (this.valued) setText(this.valued, host.isValueShown(i) ? numberText(model.data[i]) : "not yet");
    this.wait();
    if (host.steps.isOn) {  // while stepping, later numbers are not revealed
      this.live.replaceChildren(stepSection(host), h("p", { class: "agl-hint" }, "“All numbers” tells what each gradient is made of."));
      this.why.replaceChildren();
      return;
    }
    this.followNumbers(i);
    if ((this.why.childElementCount && this.whyFor === i) || host.change?.leaf === i) this.wait(() => { if (host.model === model) this.explain(i); });  // not at every pixel of a drag; by then the expression may be another
    else this.explain(i);
  }

  // For a leaf, the what-if plot; for any other value, where its number comes from.
  followNumbers(i) {
    const { host } = this, { whatIf } = this;
    whatIf?.follow();
    if (!whatIf) renew(this.live, [ruleSection(host, i)]);
    else if (this.live.firstChild !== whatIf.element) this.live.replaceChildren(whatIf.element);
  }

  wait(act) {
    clearTimeout(this.later);
    this.isBehind = !!act;
    if (act) this.later = setTimeout(act, PAUSE);
  }

  explain(i) {
    this.wait();
    const { host } = this, flow = new Flow(host.model, i, MOST_PATHS);
    this.whyFor = i;
    renew(this.why, [cutSection(host, i, flow), comparedSection(host, i), ledgerSection(host, flow), pathsSection(host, flow), reasonsSection(flow)].filter(Boolean));
  }

  numbers(i) {
    const { host } = this, { model } = host, name = model.state.names[i];
    this.gradient = h("b", {});
    this.field = this.valued = this.wrong = null;
    if (model.isLeaf[i]) {
      const wrong = (text) => { put(this.field, "aria-invalid", text ? "true" : null); setText(this.wrong, text); };
      const keep = () => {
        const x = typed(this.field.value);
        wrong(x === null ? noNumber(this.field.value, model.data[i]) : "");
        if (x === null) { host.say(this.wrong.textContent); return; }
        if (!Object.is(x, model.data[i])) host.set(name, x);
        this.field.value = String(model.data[i]);
      };
      this.wrong = h("p", { class: "agl-wrong" });
      this.field = h("input", { class: "agl-number", type: "text", inputmode: "decimal", value: String(model.data[i]), "aria-label": `Value of ${name}`, onchange: keep, onblur: () => { wrong(""); this.field.value = String(model.data[i]); }, onkeydown: (event) => {
        if (event.key === "Enter") keep();
        else if (event.key === "ArrowUp" || event.key === "ArrowDown") { event.preventDefault(); event.stopPropagation(); host.nudge(i, event.key === "ArrowUp" ? 1 : -1); this.field.value = String(model.data[i]); }
      } });
    } else this.valued = h("b", {});
    this.cutter = unitButton(host, i);
    const root = model.state.shown[model.roots[0]];
    return h("dl", { class: "agl-numbers" }, h("dt", {}, "value"), h("dd", {}, this.field || this.valued, this.cutter, this.wrong), h("dt", {}, `∂${lastOf(root)}/∂${lastOf(model.state.shown[i])}`), h("dd", {}, this.gradient));
  }

  overview() {
    const { host } = this, { model } = host, leaves = model.leaves.filter((i) => finite(model.adjoint[i])).sort((a, b) => Math.abs(model.adjoint[b]) - Math.abs(model.adjoint[a])).slice(0, MOST_BARS);
    const largest = Math.max(...leaves.map((i) => Math.abs(model.adjoint[i])), 0);
    if (!leaves.length) return null;
    return h("section", {}, heading("h4", 1, leaves.length < model.leaves.length ? "The largest gradients of leaves" : "Gradients of the leaves"), h("table", { class: "agl-ledger" }, h("tbody", {}, leaves.map((i) => h("tr", {}, h("th", { scope: "row" }, pick(host, i)), signedBar(model.adjoint[i], largest), h("td", { class: bySign(model.adjoint[i]) }, numberText(model.adjoint[i])))))));
  }

  changeText() {
    const { change, model } = this.host;
    if (!change) return "";
    return tangentText(change, model.data[change.leaf], model.data[model.roots[0]], model.state.shown[model.roots[0]]);
  }

  stepText() { return stepSentence(this.host); }
}

// A name that is too long is shortened at the front, since its end distinguishes it: …neuron0.w1.
function lastOf(text, room = LONGEST_NAME) {
  if (cells(text) <= room) return text;
  const parts = text.split(".");
  while (cells(parts.join(".")) + 1 > room && parts.length > 1) parts.shift();
  const last = parts.join(".");
  return parts.length < text.split(".").length ? `…${shorten(last, room - 1)}` : shorten(text, room);
}

const pick = (host, i) => h("button", { type: "button", class: "agl-link", title: `Choose ${host.model.state.names[i]}`, onclick: () => host.choose(i) }, lastOf(host.model.state.shown[i]));
const section = (title, ...children) => h("section", {}, heading("h4", 2, title), ...children);

function signedBar(x, largest) {
  const share = largest && finite(x) ? (Math.abs(x) / largest) * 50 : Number.isNaN(x) ? 0 : x ? 50 : 0, bar = h("span", { class: `agl-fill ${bySign(x)}` });
  bar.style.width = `${share}%`;
  bar.style[x < 0 ? "right" : "left"] = "50%";
  return h("td", { class: "agl-bar", "aria-hidden": "true" }, h("span", { class: "agl-track" }, bar));
}

// --- what if ---

function tangentText(change, x, root, name) {
  const said = change.root + (x === change.x ? 0 : change.slope * (x - change.x));
  let digits = 4;
  while (digits < 9 && numberText(said, digits) === numberText(root, digits) && said !== root) digits += 1;
  return `${name}: the tangent said ${numberText(said, digits)}, it became ${numberText(root, digits)}`;
}

const PLOT = { width: 300, height: 130 }, LEAST_POINTS = 15, MOST_POINTS = 61, VISITS = 12000;  // nodes computed for a curve

// The root over a leaf, with the tangent at the old number and a dot at the new one. Elements are reused; so is the
// curve while no other leaf changes.
class WhatIf {
  constructor(host, i) {
    Object.assign(this, { host, i });
    const { width, height } = PLOT, clip = `${host.uid}-clip`, tick = (x, y, end) => s("text", { class: "agl-tick", x, y, "text-anchor": end ? "end" : null });
    [this.zero, this.curve, this.tangent, this.error] = ["zero", "curve", "tangent", "error"].map((kind) => s("path", { class: `agl-${kind}`, d: "" }));
    [this.old, this.dot] = [["old", 4], ["new", 4.5]].map(([kind, r]) => s("circle", { class: `agl-${kind}`, r }));
    this.ticks = [tick(6, height - 4), tick(width - 6, height - 4, true), tick(9, 15), tick(9, height - 20)];
    this.svg = s("svg", { class: "agl-plot", viewBox: `0 0 ${width} ${height}`, role: "img" },
      s("defs", {}, s("clipPath", { id: clip }, s("rect", { x: 4, y: 4, width: width - 8, height: height - 20 }))), s("rect", { class: "agl-frame", x: 4, y: 4, width: width - 8, height: height - 20, rx: 4 }),
      s("g", { "clip-path": `url(#${clip})` }, this.zero, this.curve, this.tangent, this.old, this.error, this.dot), this.ticks);
    this.said = h("p", { class: "agl-said" });
    this.element = section(`What if ${lastOf(host.model.state.shown[i])} were another number?`, this.svg, this.said);
  }

  follow() {
    const { host, i } = this, { model } = host, [root] = model.roots, x = model.data[i], f = model.data[root], name = lastOf(model.state.shown[root]);
    this.element.hidden = !finite(x);
    if (!finite(x)) return;
    const change = host.change?.leaf === i && finite(host.change.x) ? host.change : { x, root: f, slope: model.backward([root], model.local, undefined, true)[i] };
    setText(this.said, Object.is(change.x, x) ? `Here ${name} changes by ${numberText(change.slope)} per unit of ${lastOf(model.state.shown[i])}` : tangentText(change, x, f, name));
    this.draw(change, x, f);
  }

  // The range of the plot: unchanged while both numbers are well inside and not too close together.
  range(change, x) {
    const { from, to } = this, least = Math.max(Math.abs(change.x) * 0.6, 1), need = Math.max(Math.abs(x - change.x) * 1.5, least), isWithin = (at) => Math.abs(2 * at - from - to) <= 0.9 * (to - from);
    if (!(isWithin(x) && isWithin(change.x) && to - from <= 8 * need)) [this.from, this.to] = [change.x - need, change.x + need];
  }

  points(change, x) {
    const { model } = this.host, { from, to } = this;
    this.range(change, x);
    if (this.at && this.others === model.others && from === this.from && to === this.to) return this.at;
    const above = model.above([this.i]), count = Math.max(LEAST_POINTS, Math.min(MOST_POINTS, Math.round(VISITS / above.length))), data = model.data.slice();
    this.others = model.others;
    this.at = [...Array(count).keys()].map((k) => {
      data[this.i] = this.from + ((this.to - this.from) * k) / (count - 1);
      model.forward(data, above);
      return [data[this.i], data[model.roots[0]]];
    });
    return this.at;
  }

  draw(change, x, f) {
    const { model } = this.host, { width, height } = PLOT, points = this.points(change, x), { from, to } = this, shown = [...points.map(([, y]) => y), f, change.root].filter(finite);
    let [low, high] = [shown.reduce((a, b) => Math.min(a, b), Infinity), shown.reduce((a, b) => Math.max(a, b), -Infinity)];
    const isDrawn = finite(2 * (to - from)) && finite(2 * (high - low));  // otherwise there is no finite value, or no scale for it
    put(this.svg, "hidden", isDrawn ? null : "");
    if (!isDrawn) return;
    if (low === high) [low, high] = around(low);
    [low, high] = [low - (high - low) * 0.1, high + (high - low) * 0.1];
    const X = (at) => 8 + ((at - from) / (to - from)) * (width - 16), Y = (y) => 8 + ((high - y) / (high - low)) * (height - 26), near = (y) => Math.max(-1e4, Math.min(1e4, y)).toFixed(1), line = (at) => near(Y(change.root + change.slope * (at - change.x)));
    const isMoved = !Object.is(x, change.x) && finite(f), dot = (circle, at, y, isShown) => { put(circle, "cx", isShown ? X(at).toFixed(1) : null); put(circle, "cy", isShown ? Y(y).toFixed(1) : null); put(circle, "display", isShown ? "" : "none"); };
    put(this.zero, "d", low < 0 && high > 0 ? `M4 ${Y(0).toFixed(1)}H${width - 4}` : "");
    put(this.curve, "d", points.map(([at, y], k) => (finite(y) ? `${k && finite(points[k - 1][1]) ? "L" : "M"}${X(at).toFixed(1)} ${near(Y(y))}` : "")).join(""));
    put(this.tangent, "d", finite(change.slope) ? `M${X(from)} ${line(from)}L${X(to)} ${line(to)}` : "");
    put(this.error, "d", isMoved ? `M${X(x).toFixed(1)} ${line(x)}V${Y(f).toFixed(1)}` : "");
    dot(this.old, change.x, change.root, finite(change.root));
    dot(this.dot, x, f, isMoved);
    [from, to, high, low].forEach((at, k) => setText(this.ticks[k], numberText(at, 3)));
    put(this.svg, "aria-label", `${model.state.shown[model.roots[0]]} over ${model.state.shown[this.i]}, with the tangent at ${numberText(change.x)}`);
  }
}

// --- where a number comes from ---

function madeText(host, i, numbers) {
  const op = host.written.op(i), list = host.written.operandsOf(i), { model } = host;
  const operands = list.map((p) => (numbers ? numberText(model.data[p]) : shorten(model.state.shown[p], LONGEST_NAME)));
  if (list.length > NAMED || !op.text) return numbers ? "" : `${op.name}(${list.length} operands)`;
  return operationText(op.text, operands);
}

function ruleSection(host, i) {
  const { model } = host, list = host.written.operandsOf(i), name = model.state.shown[i], numbers = madeText(host, i, true), rules = new NodeRules(model, host.written, i);
  const rows = list.slice(0, 2 * MOST_BARS).map((p, k) => (model.isConstant[p] ? null : h("li", {}, h("span", { class: "agl-formula" }, rules.rule(k).text), cutButton(host, i, k))));
  return section("Where its numbers come from", h("p", { class: "agl-formula" }, `${shorten(name, LONGEST_NAME)} = ${madeText(host, i, false)}${numbers && ` = ${numbers}`} = ${numberText(model.data[i])}`),
    h("div", { class: "agl-rule" }, h("ul", { class: "agl-rows" }, rows), list.length === 1 ? smallCurve(host, i) : null));
}

// The curve of a function of one operand around its present operand, with the tangent.
function smallCurve(host, i) {
  const { model } = host, rule = model.rule(i), x = model.data[model.operands[i][0]], z = model.data[i], d = model.local[i][0];
  const reach = Math.max(2, Math.abs(x) * 1.2);
  if (!rule || host.written.operations.has(i) || ![40 * reach, z, d].every(finite)) return null;
  const at = [...Array(41).keys()].map((k) => x - reach + (k * reach) / 20), points = at.map((u) => [u, rule.value([u])]).filter(([, y]) => finite(y));
  let [low, high] = [Math.min(...points.map(([, y]) => y), z), Math.max(...points.map(([, y]) => y), z)];
  if (high - low < 1e-12) [low, high] = [low - 1, high + 1];
  if (!finite(high - low)) return null;
  const X = (u) => 3 + ((u - x + reach) / (2 * reach)) * 74, Y = (y) => Math.max(-60, Math.min(120, 4 + ((high - y) / (high - low)) * 52));
  const tangent = (u) => `${X(u).toFixed(1)} ${Y(z + d * (u - x)).toFixed(1)}`, name = host.written.op(i).name;
  return s("svg", { class: "agl-small-curve", viewBox: "0 0 80 60", role: "img", "aria-label": `${name} with its tangent at ${numberText(x)}` }, s("rect", { class: "agl-frame", x: 0.5, y: 0.5, width: 79, height: 59, rx: 4 }),
    s("path", { class: "agl-curve", d: `M${points.map(([u, y]) => `${X(u).toFixed(1)} ${Y(y).toFixed(1)}`).join("L")}` }), s("path", { class: "agl-tangent", d: `M${tangent(x - reach * 0.55)}L${tangent(x + reach * 0.55)}` }), s("circle", { class: "agl-new", cx: X(x), cy: Y(z), r: 3 }));
}

// An edge within an opened composite is cut by cutting the unit that it comes from.
function cutButton(host, i, k, from = host.written.operandsOf(i)[k]) {
  if (host.model.cuts.has(`${from}`) || from !== host.written.operandsOf(i)[k]) return unitButton(host, from);
  const cut = host.model.cuts.has(`${i} ${k}`), { model } = host, said = `${cut ? "Take back" : "Cut"} the edge from ${model.state.shown[host.written.operandsOf(i)[k]]} to ${model.state.shown[i]}`;
  return h("button", { type: "button", class: "agl-small", title: said, "aria-label": said, "aria-pressed": cut, onclick: () => host.setCut(i, k, !cut) }, cut ? "take back" : "cut");
}

// All edges to a value's users; null for a root, which has none.
function unitButton(host, i) {
  if (host.model.roots.includes(i)) return null;
  const made = h("button", { type: "button", class: "agl-small", onclick: () => host.toggleUnit(i) }), name = host.model.state.shown[i];
  made.follow = () => {
    const cut = host.model.cuts.has(`${i}`), said = `${cut ? "Take back" : "Cut"} ${name}: ${cut ? "its users read it again" : "its users read 0"} (Delete)`;
    setText(made, cut ? "take back" : "cut");
    for (const [key, value] of Object.entries({ title: said, "aria-label": said, "aria-pressed": String(cut) })) put(made, key, value);
  };
  made.follow();
  return made;
}

// --- the effect of cuts ---

function withoutText(model) {
  const [root] = model.roots, name = model.state.shown[root];
  return `Were 0 to come along ${model.cuts.size > 1 ? "them" : "it"}, ${shorten(name, LONGEST_NAME)} would be ${numberText(model.valuesWithout()[root])}, now ${numberText(model.data[root])}.`;
}

function cutSection(host, i, flow) {
  const { model } = host;
  if (!model.cuts.size) return null;
  const whole = model.backward(model.roots, model.local, undefined, true)[i], left = model.adjoint[i], went = whole - left, share = whole ? went / whole : NaN;
  const edges = [...model.cuts].map((key) => {
    const [node, k] = key.split(" ").map(Number), name = lastOf(model.state.shown[node]);
    return k === undefined ? h("li", {}, `${name} `, unitButton(host, node)) : h("li", {}, `${lastOf(model.state.shown[host.written.operandsOf(node)[k]])} → ${name} `, cutButton(host, node, k));
  });
  return section("Cut", h("p", { class: "agl-said" }, `${numberText(went)} of ${numberText(whole)}${finite(share) && share >= 0 && share <= 1 ? ` (${percent(share)})` : ""} came this way; ${numberText(left)} is left of ∂${flow.words.name(flow.root)}/∂${flow.words.name(i)}`), h("p", { class: "agl-said" }, withoutText(model)), h("ul", { class: "agl-cuts" }, edges));
}

// --- why a gradient has its value ---

function ledgerSection(host, flow) {
  if (!flow.uses.length) return null;
  const size = (use) => (Number.isNaN(use.contribution) ? Infinity : Math.abs(use.contribution)), ordered = [...flow.uses].sort((a, b) => size(b) - size(a)), shown = ordered.slice(0, MOST_BARS), rest = ordered.slice(MOST_BARS);
  const sum = rest.reduce((total, use) => total + use.contribution, 0), largest = Math.max(...shown.map((use) => (finite(use.contribution) ? Math.abs(use.contribution) : 0)), Math.abs(finite(sum) ? sum : 0));
  const row = (name, x, extra, kind = "") => h("tr", { class: kind }, h("th", { scope: "row" }, name), signedBar(x, largest), h("td", { class: bySign(x) }, numberText(x)), h("td", {}, extra));
  const rows = shown.map((use) => {
    const again = flow.which(use.node, use.operand);
    return row([pick(host, use.node), h("small", {}, [`${numberText(use.local)} × ${numberText(use.adjoint)}`, again, flow.cases[use.node]].filter(Boolean).join(", "))], use.contribution, cutButton(host, use.node, use.operand, flow.leaf));
  });
  if (rest.length) rows.push(row(`${rest.length} more use${rest.length > 1 ? "s" : ""}, together`, sum, ""));
  return section(`Its gradient, use by use`, h("table", { class: "agl-ledger" }, head(["use", "", "contribution", ""]), h("tbody", {}, rows, row("total", flow.gradient, "", "agl-sum"))));
}

// The largest paths as a tree from the leaf, in which common beginnings are shown once.
function pathsSection(host, flow) {
  const paths = flow.paths.filter((path) => path.operands.length);
  if (!paths.length) return null;
  const tree = { children: new Map() };
  for (const path of paths) {
    let at = tree;
    path.operands.forEach((k, j) => {
      const node = path.nodes[j + 1], key = `${node} ${k}`;
      if (!at.children.has(key)) at.children.set(key, { node, k, factor: path.factors[j], children: new Map(), paths: [] });
      at = at.children.get(key);
      at.paths.push(path);
    });
    at.product = path.product;
  }
  const branch = (item) => {
    const run = [item];
    while (run[run.length - 1].children.size === 1 && run[run.length - 1].product === undefined) run.push([...run[run.length - 1].children.values()][0]);
    const last = run[run.length - 1], sum = last.paths.reduce((total, path) => total + path.product, 0);
    const shown = run.length > 5 ? [...run.slice(0, 2), null, ...run.slice(-2)] : run;
    const text = shown.map((one) => (one ? [h("span", { class: `agl-factor ${bySign(one.factor)}` }, `×${numberText(one.factor)}`), ` ${flow.words.name(one.node)} `] : `… ${run.length - 4} more … `));
    return h("li", {}, h("span", { class: "agl-branch" }, h("button", { type: "button", class: "agl-link agl-path", title: "Show this way on the graph", onclick: () => showTrail(host, last.paths) }, text), h("span", { class: `agl-end ${bySign(sum)}` }, `${last.children.size ? "Σ " : ""}${numberText(sum)}`)), last.children.size ? h("ul", {}, [...last.children.values()].map(branch)) : null);
  };
  const total = paths.reduce((sum, path) => sum + path.product, 0), more = flow.nPaths - BigInt(paths.length);
  return section(flow.nPaths === 1n ? "Its only path" : more > 0n ? `The ${paths.length} largest of ${howMany(flow.nPaths)} paths` : `Its ${paths.length} paths`, h("ul", { class: "agl-tree" }, h("li", {}, h("b", {}, flow.words.name(flow.leaf)), h("ul", {}, [...tree.children.values()].map(branch), more > 0n ? h("li", { class: "agl-rest" }, `${howMany(more)} more, together ${numberText(flow.gradient - total)}`) : null))));
}

function showTrail(host, paths) {
  const trail = new Set(), card = (i) => String(host.graph.scene.cardOf[i]);
  for (const path of paths) path.nodes.forEach((node, j) => { trail.add(card(node)); if (j) trail.add(`${card(path.nodes[j - 1])} ${card(node)}`); });
  host.trail = host.trail && [...trail].every((key) => host.trail.has(key)) && host.trail.size === trail.size ? null : trail;
  host.graph.update();
}

function reasonsSection(flow) {
  if (!flow.reasons.length) return null;
  return section(QUESTIONS[flow.reasons[0].about], h("ul", { class: "agl-reasons" }, flow.reasons.map((reason) => h("li", {}, h("b", {}, reason.kind), `: ${reason.text}`))));
}

// --- the current step ---

function stepSentence(host) {
  const { steps, model } = host, i = steps.node, name = model.state.shown[i];
  if (!steps.isBack) { const numbers = madeText(host, i, true); return `Step ${steps.now + 1} of ${steps.count}, forward: ${name} = ${madeText(host, i, false)}${numbers && ` = ${numbers}`} = ${numberText(model.data[i])}`; }
  return `Step ${steps.now + 1} of ${steps.count}, backward: ${name} sends its gradient ${numberText(steps.sums.get(i) ?? 0)} times each local derivative to its operands`;
}

function stepSection(host) {
  const { steps, model } = host, i = steps.node;
  if (!steps.isBack) {
    const list = host.written.operandsOf(i), slopes = host.written.slopes.get(i);
    return section("Forward", h("p", { class: "agl-formula" }, stepSentence(host).split("forward: ")[1]), h("table", { class: "agl-rules" }, h("tbody", {}, list.slice(0, MOST_BARS).map((p, k) => (model.isConstant[p] ? null : h("tr", {}, h("th", { scope: "row" }, pick(host, p)), h("td", {}, numberText(model.data[p])), h("td", {}, `local derivative ${numberText(slopes[k])}`)))))));
  }
  return section("Backward", h("p", {}, `The gradient of ${shorten(model.state.shown[i], LONGEST_NAME)} is complete: ${numberText(steps.sums.get(i) ?? 0)}. Each operand gets it times its local derivative:`),
    h("table", { class: "agl-rules" }, head(["operand", "local × gradient", "sum so far"]), h("tbody", {}, steps.products.slice(0, MOST_BARS).map(({ p, d, g, product, before, after }) => h("tr", {}, h("th", { scope: "row" }, pick(host, p)), h("td", { class: bySign(product) }, `${numberText(d)} × ${numberText(g)} = ${numberText(product)}`), h("td", {}, `${numberText(before)} → ${numberText(after)}`))))));
}
