// What changed from the recorded numbers to the current ones, or to the only other point; as `compare` in Python.

const TIMES = 1.5, MOST_CHANGES = 7, NARROW_NAME = 14;

function changeText(before, after) {
  const factor = after / before, said = `${numberText(before)} → ${numberText(after)}`;
  if (!before || !after || !finite(before) || !finite(after)) return said;
  if (Math.abs(factor) >= TIMES) return `${said} (× ${numberText(factor, 2)})`;
  if (Math.abs(factor) * TIMES <= 1) return `${said} (÷ ${numberText(1 / factor, 2)})`;
  return factor < 0 ? `${said} (its sign turns)` : said;
}

class Comparison {
  constructor(host) {
    this.host = host;
  }

  // Models beside the page's own, created on first use.
  get from() { return this.recorded ||= new Model(this.host.model.state, this.host.model.rules); }
  get to() { return this.other ||= new Model(this.host.model.state, this.host.model.rules); }

  now() {
    const { model } = this.host;
    if (!model.cuts.size) return model;
    this.to.set(model.leaves.map((i) => [i, model.data[i]]));
    return this.to;
  }

  // The two points, [{label, model}, {label, model}], or null if they are the same.
  sides() {
    const { host } = this, { model } = host, { points } = model.state, before = { label: points?.labels[0] ?? "recorded", model: this.from };
    if (model.isChanged()) return [before, { label: points && host.at ? points.labels[host.at] : "now", model: this.now() }];
    if (points?.data.length !== 2) return null;
    this.to.set(points.leaves.map((leaf, j) => [leaf, asNumber(points.data[1][j])]));
    return [before, { label: points.labels[1], model: this.to }];
  }

  of(i) {
    const sides = this.sides();
    if (!sides) return null;
    const [a, b] = sides.map(({ model }) => new Flow(model, i, 12)), apart = ([p, q]) => { const d = Math.abs(q.contribution - p.contribution); return Number.isNaN(d) ? Infinity : d; };
    const pairs = a.uses.map((use, k) => [use, b.uses[k]]).sort((p, q) => (apart(q) === apart(p) ? 0 : apart(q) - apart(p)));
    return {
      sides, before: a.gradient, after: b.gradient, changes: pairs.map(([p, q]) => ({ use: a.words.made(p.node), node: p.node, before: p.contribution, after: q.contribution })),
      sentence: pairs.length ? this.why(a, b, ...pairs[0]) : "",
    };
  }

  // The use whose contribution changed most, and the factor on its largest path that changed most.
  why(a, b, p, q) {
    const apart = q.contribution - p.contribution;
    if (!apart) return "Nothing changed.";
    const share = a.uses.length > 1 ? ` (${numberText(apart)} of ${numberText(b.gradient - a.gradient)})` : "", said = `Most of the change came by way of ${a.words.made(p.node)}${share}`;
    const first = byWayOf(a, p), second = byWayOf(b, q);
    if (String(first.operands) !== String(second.operands) || String(first.nodes) !== String(second.nodes)) return `${said}.`;
    const size = (k) => apartness(first.factors[k], second.factors[k]), k = first.factors.reduce((best, _, at) => (size(at) > size(best) ? at : best), 0);
    return `${said}; along its largest path the local derivative at ${a.words.made(first.nodes[k + 1])} changed most, ${changeText(first.factors[k], second.factors[k])}.`;
  }

  toJSON(name) {
    const found = this.of(this.host.model.find(name));
    return found && { before: found.before, after: found.after, sentence: found.sentence, changes: found.changes.map(({ use, before, after }) => ({ use, before, after })) };
  }
}

// The largest path that begins with one use.
function byWayOf(flow, { node, operand }) {
  const known = flow.paths.find((path) => path.operands[0] === operand && path.nodes[1] === node);
  if (known) return known;
  const [rest] = topPaths(flow.written, dependents(flow.written, node), node, 1);
  return pathOf(flow.written, [flow.leaf, ...rest.nodes], [operand, ...rest.operands]);
}

// |log ratio| of two factors; Infinity if one of them is 0.
function apartness(d, e) {
  if (Object.is(d, e) || d === e || Number.isNaN(d) || Number.isNaN(e)) return 0;
  return d && e ? Math.abs(Math.log(Math.abs(e / d) || 5e-324)) + (d * e < 0) : Infinity;
}

function twoColumns(host, sides, rows) {
  return h("table", { class: "agl-two" }, head(["", sides[0].label, sides[1].label, ""]), h("tbody", {}, rows.map(([name, before, after]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, numberText(before)), h("td", {}, numberText(after)), h("td", {}, changeText(before, after).replace(/^.*→ \S+/, ""))))));
}

// The comparison of one value: its number, its gradient, and where the change came from.
function comparedSection(host, i) {
  const found = host.compared.of(i);
  if (!found) return null;
  const { sides, before, after, changes, sentence } = found, name = lastOf(host.model.state.shown[i], NARROW_NAME), [a, b] = sides.map(({ model }) => model);
  const shown = changes.slice(0, MOST_CHANGES), more = changes.slice(MOST_CHANGES), sum = (key) => more.reduce((total, use) => total + use[key], 0);
  const uses = changes.length > 1 ? [...shown.map((use) => [["by way of ", pick(host, use.node)], use.before, use.after]), ...(more.length ? [[`${more.length} more, together`, sum("before"), sum("after")]] : [])] : [];
  return section("What changed", twoColumns(host, sides, [[name, a.data[i], b.data[i]], [`∂${lastOf(host.model.state.shown[host.model.roots[0]], NARROW_NAME)}/∂${name}`, before, after], ...uses]), sentence ? h("p", { class: "agl-said" }, sentence) : null);
}

// The comparison of the whole graph: the root, and the leaves whose gradients changed most.
function comparedOverview(host) {
  const sides = host.compared.sides();
  if (!sides) return null;
  const [a, b] = sides.map(({ model }) => model), { shown } = host.model.state, [root] = a.roots, apart = (i) => { const d = Math.abs(b.adjoint[i] - a.adjoint[i]); return Number.isNaN(d) ? Infinity : d; };
  const leaves = a.leaves.filter((i) => apart(i) > 0).sort((i, k) => (apart(i) === apart(k) ? 0 : apart(k) - apart(i))).slice(0, MOST_BARS);
  return h("section", {}, heading("h4", 1, "What changed"), twoColumns(host, sides, [[shorten(shown[root], LONGEST_NAME), a.data[root], b.data[root]], ...leaves.map((i) => [["∂ by ", pick(host, i)], a.adjoint[i], b.adjoint[i]])]));
}
