// The contribution of each training case to each weight's gradient, as a table with sums in the margins.

const MOST_WEIGHTS = 24, AGAINST = 0.5, MAINLY = 0.8, ALIKE = 0.1;  // cosine below which gradients oppose each other; share of the opposition due to one case; share of a unit's range

class Cases {
  constructor(host) {
    this.host = host;
    this.cases = host.model.state.cases;
    this.chosen = -1;
    if (!this.cases) return;
    this.predicted = host.model.state.predicted;
    this.units = this.cases.map(([, node]) => this.unitsBelow(node));
    this.element = h("section", { class: "agl-cases", "aria-label": host.called("Cases and weights") });
    [this.told, this.leads] = [h("p", { class: "agl-said" }), h("p", {})];
  }

  unitsBelow(root) {
    const { model } = this.host, seen = new Set([root]);
    for (const i of seen) for (const p of model.operands[i]) seen.add(p);  // a Set may grow while it is iterated
    return [...seen].filter((i) => saturates(model, i));
  }

  // By case: root's adjoint at the case's node times the derivative of that node with respect to every leaf.
  shares() {
    const { model } = this.host, root = model.backward(model.roots, model.local, undefined, true), into = new Float64Array(model.count);
    return this.cases.map(([, node]) => { const g = root[node]; model.backward([node], model.local, into, true); return { by: model.leaves.map((leaf) => (g === 0 || into[leaf] === 0 ? 0 : g * into[leaf])) }; });
  }

  // The value of a case: its loss, or the term of the sum if it has no loss node.
  value(k) { const [, node, term] = this.cases[k]; return this.host.model.data[term ?? node]; }

  // Prediction and target of a case as texts; for classes the most likely one with its probability.
  outputs(k) {
    const { model } = this.host, told = this.predicted?.[k];
    if (!told) return ["", ""];
    const numbers = told.of.map((i) => model.data[i]), targets = told.targets.map((t) => (Array.isArray(t) ? model.data[t[0]] : asNumber(t)));
    const listed = (all) => all.map((x) => numberText(x, 3)).join(", "), largest = (all) => all.indexOf(Math.max(...all));
    if (!told.classes || !numbers.every(finite)) return [listed(numbers), listed(targets)];
    const best = largest(numbers), share = 1 / numbers.reduce((sum, z) => sum + Math.exp(z - numbers[best]), 0), isSure = targets.every((t) => t === 0 || t === 1);
    return [`class ${best} (${percent(share)})`, isSure ? `class ${largest(targets)}` : listed(targets)];
  }

  // Updated after a pause, not at every pixel of a drag.
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
    const outputs = this.cases.map((_, k) => this.outputs(k)), said = (title, at) => h("tr", {}, h("th", { scope: "row" }, title), outputs.map((both) => h("td", {}, both[at])), h("td", {}), h("td", {}));
    const feet = [
      ...(this.predicted ? [said("output", 0), said("target", 1)] : []),
      h("tr", {}, h("th", { scope: "row" }, "size of its gradient"), shares.map(({ by }) => h("td", {}, numberText(Math.hypot(...some.map((j) => by[j])), 3))), h("td", {}, numberText(Math.hypot(...some.map(total)), 3)), h("td", {})),
      h("tr", {}, h("th", { scope: "row" }, "value of the case"), shares.map((_, k) => h("td", {}, numberText(this.value(k), 3))), h("td", {}, numberText(model.data[model.roots[0]], 3)), h("td", {})),
    ];
    if (this.units.some((units) => units.length)) feet.push(h("tr", {}, h("th", { scope: "row" }, "saturated units"), this.units.map((units) => h("td", {}, `${units.filter((i) => isFlat(model, i)).length} of ${units.length}`)), h("td", {}), h("td", {})));
    const worst = this.cases.reduce((most, _, k) => (this.value(k) > this.value(most) ? k : most), 0), found = this.said(worst, shares.map(({ by }) => some.map((j) => by[j])));
    setText(this.told, found.text);
    renew(this.leads, [...[worst, ...found.against].flatMap((k) => [h("button", { type: "button", class: "agl-small", onclick: () => this.choose(k) }, this.chosen === k ? "Back to all cases" : `Step through ${this.cases[k][0]} alone`), document.createTextNode(" ")]),
      h("button", { type: "button", class: "agl-small", onclick: () => this.element.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" }) }, "What each case adds")]);
    renew(this.element, [heading("h4", 1, "Who is responsible: what each case adds to each gradient"), h("table", {}, h("thead", {}, head), h("tbody", {}, rows), h("tfoot", {}, feet)), h("p", { class: "agl-said" }, found.text)]);
    host.controls.update();
  }

  // The main result in a sentence, with links to the case and the table.
  overview() {
    return this.cases && h("section", {}, heading("h4", 1, "Which case stands out"), this.told, this.leads);
  }

  // The case with the largest value: does its gradient agree with the others, oppose them, or oppose one of them?
  said(k, gradients) {
    const { model } = this.host, [name] = this.cases[k], isMany = this.cases.length > 2, size = (of) => Math.hypot(...of), dot = (a, b) => a.reduce((sum, x, j) => sum + x * b[j], 0);
    const own = gradients[k], all = own.map((_, j) => gradients.reduce((sum, by) => sum + by[j], 0)), others = all.map((x, j) => x - own[j]), along = dot(own, others) / (size(own) * size(others));
    const against = gradients.map((by, at) => [at, at === k ? 0 : Math.max(0, -dot(own, by))]).sort((a, b) => b[1] - a[1]), whole = against.reduce((sum, [, x]) => sum + x, 0);
    const flat = this.units[k].filter((i) => isFlat(model, i)).length, units = flat ? `; ${flat} of its ${this.units[k].length} units ${flat === 1 ? "is" : "are"} saturated` : "", written = (x) => numberText(x, 3);
    const [output, target] = this.outputs(k), head = `${name} has the largest value, ${written(this.value(k))}${output && ` (output ${output}, target ${target})`}`;
    if (!(along < -AGAINST)) return { text: `${head}${along > AGAINST ? ", and pulls as the others do" : ""}${units}.`, against: [] };
    const [[one, most]] = against, alone = isMany && most > MAINLY * whole;
    if (!alone) return { text: `${head}, and pulls against the others: ${written(size(own))} against ${written(size(others))}, which leaves ${written(size(all))}${units}.`, against: [] };
    const [other, wanted] = this.outputs(one), apart = this.apart(k, one);
    const text = `${head}, and pulls against ${this.cases[one][0]}, ${written(this.value(one))}${other && ` (output ${other}, target ${wanted})`}: ${written(size(own))} against ${written(size(gradients[one]))}, which leaves ${written(size(all))} of all cases${units}.`;
    return { text: `${text}${apart < ALIKE ? ` No unit tells the two apart: its values there differ by ${apart < 0.01 ? "less than 1 %" : `at most ${percent(apart)}`} of its range over all cases.` : ""}`, against: [one] };
  }

  // The largest difference of corresponding units between two cases, as a share of their range over all cases.
  apart(a, b) {
    const { model } = this.host, { units } = this;
    if (!units[a].length || units.some((list) => list.length !== units[a].length)) return Infinity;
    return Math.max(...units[a].map((_, at) => { const said = units.map((list) => model.data[list[at]]), range = Math.max(...said) - Math.min(...said); return range > 0 ? Math.abs(said[a] - said[b]) / range : 0; }));
  }

  // Show one case alone: its scope open, the others folded, and the steps of its own graph. Choosing it again shows all.
  choose(k) {
    const { host } = this, { scopes, steps } = host;
    this.chosen = this.chosen === k ? -1 : k;
    steps.pause();
    this.cases.forEach(([name], at) => {
      if (scopes.plates.active.some((plate) => plate.names.includes(name))) return;
      scopes.names.forEach((own, scope) => { if (own === name && scopes.isFoldable(scope)) scopes.open(scope, this.chosen < 0 || at === this.chosen); });
    });
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
