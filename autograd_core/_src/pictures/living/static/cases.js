// Who is responsible: what each training case adds to each weight's gradient, with sums at the rims.

const MOST_WEIGHTS = 24, AGAINST = 0.5;  // the cosine from which on gradients oppose each other

class Cases {
  constructor(host) {
    this.host = host;
    this.cases = host.model.state.cases;
    this.chosen = -1;
    if (!this.cases) return;
    this.units = this.cases.map(([, node]) => this.unitsBelow(node));
    this.element = h("section", { class: "agl-cases", "aria-label": "Cases and weights" });
    [this.told, this.leads] = [h("p", { class: "agl-said" }), h("p", {})];
  }

  unitsBelow(root) {
    const { model } = this.host, seen = new Set([root]);
    for (const i of seen) for (const p of model.operands[i]) seen.add(p);  // a set that grows is walked to its end
    return [...seen].filter((i) => saturates(model, i));
  }

  // By case: root's adjoint at the case's node times the derivative of that node to every leaf.
  shares() {
    const { model } = this.host, root = model.backward(model.roots, model.local, undefined, true), into = new Float64Array(model.count);
    return this.cases.map(([, node]) => { const g = root[node]; model.backward([node], model.local, into, true); return { node, by: model.leaves.map((leaf) => (g === 0 || into[leaf] === 0 ? 0 : g * into[leaf])) }; });
  }

  // Not at every pixel of a drag, as the ledger.
  follow() {
    if (!this.cases) return;
    clearTimeout(this.later);
    if (!this.element.childElementCount) { this.show(); return; }
    this.isBehind = true;
    this.later = setTimeout(() => { if (this.host.cases === this) this.show(); }, PAUSE);
  }

  show() {
    if (!this.cases) return;
    clearTimeout(this.later);
    this.isBehind = false;
    const { host } = this, { model } = host, shares = this.shares(), sizes = model.leaves.map((_, j) => shares.reduce((sum, { by }) => sum + Math.abs(by[j]), 0));
    const some = [...model.leaves.keys()].filter((j) => sizes[j] > 0 && shares.filter(({ by }) => by[j] !== 0).length > (shares.length > 1 ? 1 : 0)).sort((a, b) => sizes[b] - sizes[a]).slice(0, MOST_WEIGHTS).sort((a, b) => a - b);
    const largest = Math.max(...some.flatMap((j) => shares.map(({ by }) => Math.abs(by[j]))), 0), total = (j) => shares.reduce((sum, { by }) => sum + by[j], 0);
    const cell = (x, kind = "agl-cell") => { const td = h("td", { class: `${kind} ${bySign(x)}` }, numberText(x, 3)); td.style.setProperty("--share", largest && finite(x) ? String(Math.round((55 * Math.abs(x)) / largest)) : "0"); return td; };
    const head = h("tr", {}, h("th", { scope: "col" }, "∂ by weight"), this.cases.map(([name], k) => h("th", { scope: "col" }, h("button", { type: "button", class: "agl-small", "aria-pressed": String(k === this.chosen), title: `Step through ${name} alone`, onclick: () => this.choose(k) }, name))), h("th", { scope: "col" }, "sum"), h("th", { scope: "col", title: "1: all cases pull the same way; 0: they cancel" }, "agreement"));
    const rows = some.map((j) => { const sum = total(j); return h("tr", {}, h("th", { scope: "row" }, pick(host, model.leaves[j])), shares.map(({ by }) => cell(by[j])), cell(sum, "agl-sum-cell"), h("td", {}, sizes[j] ? percent(Math.abs(sum) / sizes[j]) : "–")); });
    const feet = [
      h("tr", {}, h("th", { scope: "row" }, "size of its gradient"), shares.map(({ by }) => h("td", {}, numberText(Math.hypot(...some.map((j) => by[j])), 3))), h("td", {}, numberText(Math.hypot(...some.map(total)), 3)), h("td", {})),
      h("tr", {}, h("th", { scope: "row" }, "value of the case"), shares.map(({ node }) => h("td", {}, numberText(model.data[node], 3))), h("td", {}, numberText(model.data[model.roots[0]], 3)), h("td", {})),
    ];
    if (this.units.some((units) => units.length)) feet.push(h("tr", {}, h("th", { scope: "row" }, "saturated units"), this.units.map((units) => h("td", {}, `${units.filter((i) => isFlat(model, i)).length} of ${units.length}`)), h("td", {}), h("td", {})));
    const worst = shares.reduce((most, { node }, k) => (model.data[node] > model.data[shares[most].node] ? k : most), 0), said = this.said(worst, some.map((j) => [shares[worst].by[j], total(j)]));
    setText(this.told, said);
    this.leads.replaceChildren(h("button", { type: "button", class: "agl-small", onclick: () => this.choose(worst) }, `${this.chosen === worst ? "Back to all cases" : `Step through ${this.cases[worst][0]} alone`}`), " ",
      h("button", { type: "button", class: "agl-small", onclick: () => this.element.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" }) }, "What each case adds"));
    this.element.replaceChildren(heading("h4", 1, "Who is responsible: what each case adds to each gradient"), h("table", {}, h("thead", {}, head), h("tbody", {}, rows), h("tfoot", {}, feet)), h("p", { class: "agl-said" }, said));
  }

  // The same in a sentence, for who has not scrolled to the table, with the way to the case.
  overview() {
    return this.cases && h("section", {}, heading("h4", 1, "Which case stands out"), this.told, this.leads);
  }

  // The case with the largest value: with the others, or against them?
  said(k, gradients) {
    const { model } = this.host, [name, node] = this.cases[k], flat = this.units[k].filter((i) => isFlat(model, i)).length;
    const size = (of) => Math.hypot(...gradients.map(of)), own = size(([g]) => g), others = size(([g, all]) => all - g), left = size(([, all]) => all);
    const along = gradients.reduce((sum, [g, all]) => sum + g * (all - g), 0) / (own * others);
    const head = `${name} has the largest value, ${numberText(model.data[node], 3)}`, units = flat ? `; ${flat} of its ${this.units[k].length} units are saturated` : "";
    if (along < -AGAINST) return `${head}, and pulls against the others: ${numberText(own, 3)} against ${numberText(others, 3)}, which leaves ${numberText(left, 3)}${units}.`;
    return `${head}${along > AGAINST ? ", and pulls as the others do" : ""}${units}.`;
  }

  // One case alone: its scope open, the others folded, and the steps those of its own graph. Once more: all again.
  choose(k) {
    const { host } = this, { scopes, steps } = host;
    this.chosen = this.chosen === k ? -1 : k;
    steps.pause();
    const own = (name) => scopes.paths.findIndex((path, at) => path === name && scopes.isFoldable(at));
    this.cases.forEach(([name], at) => { const scope = own(name), isCopy = scopes.plates.active.some((plate) => plate.names.includes(name)); if (scope > 0 && !isCopy) scopes.open(scope, this.chosen < 0 || at === this.chosen); });
    if (this.chosen >= 0) for (const i of new Written(host.model, this.cases[this.chosen][1]).order) scopes.plates.follow(i);
    steps.within(this.chosen < 0 ? host.written : new Written(host.model, this.cases[this.chosen][1]));
    host.controls.spread();
    host.graph.build();
    host.step(-1);
    if (this.chosen >= 0) host.select(host.model.state.names[this.cases[this.chosen][1]]);
    this.show();
    host.say(this.chosen < 0 ? "All cases" : `${this.cases[k][0]} alone`);
  }
}
