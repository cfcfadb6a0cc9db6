// Parses typed expressions by the grammar of the library's parser; nothing is ever run as code.

class ExpressionError extends Error {}
const quoted = (text) => `'${text.length <= 80 ? text : `${text.slice(0, 77)}...`}'`;
const COMPARISONS = { "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne" };
const DEEPEST = 400;  // brackets within brackets

function tokensOf(text) {
  const found = [], pattern = /\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|([\p{L}_][\p{L}\p{N}_]*)|(\*\*|<=|>=|==|!=|[-+*/()<>,^]))/iuy;
  while (text.slice(pattern.lastIndex).trim()) {
    const at = pattern.lastIndex, match = pattern.exec(text);
    if (!match) throw new ExpressionError(`cannot read the expression ${quoted(text)} at column ${at + 1 + text.slice(at).search(/\S/)}: expected a number, a name, + - * / **, a comparison or a bracket, got ${quoted([...text.slice(at).trim()][0])}`);
    found.push({ kind: match[1] ? "number" : match[2] ? "name" : "sign", text: (match[1] || match[2] || match[3]).normalize("NFKC"), at: pattern.lastIndex - (match[1] || match[2] || match[3]).length + 1 });
  }
  return found;
}

// The tree of an expression: {op, operands}, {call, operands}, {name} or {number}.
function treeOf(text) {
  if (!text.trim()) throw new ExpressionError("expected an expression such as 'tanh(a*b) + c', got an empty one");
  const tokens = tokensOf(text);
  let at = 0, depth = 0;
  const peek = () => tokens[at]?.text, isSign = (...signs) => tokens[at]?.kind === "sign" && signs.includes(peek());
  const fail = (wanted) => { throw new ExpressionError(`cannot read the expression ${quoted(text)} at column ${tokens[at]?.at ?? text.length + 1}: expected ${wanted}, got ${tokens[at] ? quoted(peek()) : "its end"}`); };
  const take = (sign) => { if (!isSign(sign)) fail(quoted(sign)); at += 1; };
  const comparison = () => {
    const left = sum();
    if (!isSign(...Object.keys(COMPARISONS))) return left;
    const op = COMPARISONS[tokens[at++].text], made = { op, operands: [left, sum()] };
    if (isSign(...Object.keys(COMPARISONS))) fail("one comparison");
    return made;
  };
  const chain = (next, ops) => () => {
    let left = next();
    while (isSign(...Object.keys(ops))) left = { op: ops[tokens[at++].text], operands: [left, next()] };
    return left;
  };
  const unary = () => {
    if (!isSign("-", "+")) return power();
    if (++depth > DEEPEST) throw new ExpressionError(`cannot read the expression ${quoted(text)}: it is nested too deeply`);
    const op = tokens[at++].text === "-" ? "neg" : "pos", made = { op, operands: [unary()] };
    depth -= 1;
    return made;
  };
  const power = () => {
    const base = atom();
    if (isSign("^")) throw new ExpressionError(`cannot read ${quoted(text.trim())}: ^ is no power here; write **, as in x**2`);
    if (!isSign("**")) return base;
    at += 1;
    return { op: "pow", operands: [base, unary()] };
  };
  const product = chain(unary, { "*": "mul", "/": "div" }), sum = chain(product, { "+": "add", "-": "sub" });
  const atom = () => {
    const token = tokens[at];
    if (!token) fail("a number, a name or a bracket");
    if (token.kind === "number") { at += 1; return { number: Number(token.text) }; }
    if (token.kind === "name") {
      at += 1;
      if (!isSign("(")) return { name: token.text };
      return { call: token.text, operands: inBrackets(true) };
    }
    if (token.text !== "(") fail("a number, a name or a bracket");
    return inBrackets(false);
  };
  const inBrackets = (isCall) => {
    if (++depth > DEEPEST) throw new ExpressionError(`cannot read the expression ${quoted(text)}: it is nested too deeply`);
    take("(");
    const found = [];
    while (!(isCall && isSign(")"))) {
      found.push(comparison());
      if (!isCall || !isSign(",")) break;
      at += 1;
    }
    take(")");
    depth -= 1;
    return isCall ? found : found[0];
  };
  const tree = comparison();
  if (at < tokens.length) fail("the end, or + - * / **");
  return tree;
}

// The state of an expression's graph. Names that had a number keep it; new ones start at 1.
function stateOf(text, known, rules, values, before) {
  const leaves = new Map(), nodes = [], add = (node) => { nodes.push(node); return nodes.length - 1; };
  const constant = (x) => ({ constant: x }), apply = (op, operands) => {
    if (operands.every((x) => x.constant !== undefined)) return constant(rules[known.ops[op].rule].value(operands.map((x) => x.constant)));
    return { node: add({ op, operands: operands.map((x) => (x.constant !== undefined ? add({ op: -2, data: x.constant, operands: [] }) : x.node)) }) };
  };
  const call = (name, operands) => {
    const templates = known.functions[name], counts = templates && Object.keys(templates).map(Number), most = counts && Math.max(...counts);
    if (!templates) {
      const near = nearest(name, Object.keys(known.functions));
      throw new ExpressionError(`unknown function ${quoted(name)}${near ? `; did you mean ${near}?` : "."} Known are ${Object.keys(known.functions).sort().join(", ")}.`);
    }
    let template = templates[operands.length];
    if (!template && operands.length > most && templates[most].length === 1 && counts.length > 3) template = [[templates[most][0][0], operands.map((_, k) => ["a", k])]];
    if (!template) throw new ExpressionError(`${name}: expected ${counts.join(" or ")} argument${counts.length === 1 && counts[0] === 1 ? "" : "s"}, got ${operands.length}`);
    const inner = [];
    for (const [op, refs] of template) inner.push(apply(op, refs.map(([kind, x]) => (kind === "a" ? operands[x] : kind === "c" ? constant(asNumber(x)) : inner[x]))));
    return inner[inner.length - 1];
  };
  const build = (tree) => {
    if (tree.number !== undefined) return constant(tree.number);
    if (tree.name !== undefined) {
      if (!leaves.has(tree.name)) {
        const fixed = known.constants[tree.name];
        if (fixed !== undefined && !values.has(tree.name)) return constant(asNumber(fixed));
        leaves.set(tree.name, { node: add({ op: -1, data: values.get(tree.name) ?? 1, operands: [], label: tree.name }) });
      }
      return leaves.get(tree.name);
    }
    const operands = tree.operands.map(build);
    return tree.call === undefined ? apply(known.operators[tree.op], operands) : call(tree.call, operands);
  };
  const made = build(treeOf(text)), root = made.constant === undefined ? made.node : add({ op: -1, data: made.constant, operands: [] });
  return ordered(nodes, root, known, rules, before);
}

// The nodes in topological order from the root, with the numbers of a first forward sweep.
function ordered(nodes, root, known, rules, before) {
  const order = [], place = new Map(), path = [[root, 0]], seen = new Set([root]);
  while (path.length) {
    const top = path[path.length - 1], list = nodes[top[0]].operands;
    if (top[1] === list.length) { place.set(top[0], order.length); order.push(path.pop()[0]); continue; }
    const p = list[top[1]++];
    if (!seen.has(p)) { seen.add(p); path.push([p, 0]); }
  }
  const sorted = order.map((i) => nodes[i]), operands = sorted.map((node) => node.operands.map((p) => place.get(p))), data = [], names = [];
  let generated = 0;
  const taken = new Set(sorted.map((node) => node.label));
  sorted.forEach((node, i) => {
    data.push(node.op < 0 ? node.data : rules[known.ops[node.op].rule].value(operands[i].map((p) => data[p])));
    let name = node.op === -2 ? shownNumber(node.data) : node.label;
    while (!name || (node.op !== -2 && !node.label && taken.has(name))) name = `v${++generated}`;
    names.push(name);
  });
  const zeros = sorted.map(() => 0);
  return { ...before, names, shown: names, bare: names, op: sorted.map((node) => node.op), ops: known.ops, operands, data, slopes: {}, labelled: [...sorted.keys()].filter((i) => sorted[i].label), home: zeros,
    scopes: [[-1, "", "", 0]], opened: [], roots: [sorted.length - 1], composites: [], rows: [], forms: known.forms, formOf: sorted.map((node) => (node.op < 0 ? -1 : known.formOf[node.op])), scopePaths: [""], scopeOf: zeros, cases: null, points: null };
}

function nearest(name, all) {
  const distance = (a, b) => {
    let row = [...Array(b.length + 1).keys()];
    for (let i = 1; i <= a.length; i++) row = row.reduce((next, _, j) => { next.push(j ? Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)) : i); return next; }, []);
    return row[b.length];
  };
  const [best] = all.map((one) => [distance(name, one), one]).sort((a, b) => a[0] - b[0]);
  return best && best[0] <= Math.max(1, Math.floor(name.length * 0.4)) ? best[1] : null;
}

// The input line. The graph follows as one types, and stays unchanged while the text cannot be parsed.
function expressionLine(host, known, rules) {
  const said = h("p", { class: "agl-wrong", role: "status" }), values = new Map();
  const act = () => {
    host.model.leaves.forEach((i) => values.set(host.model.state.names[i], host.model.data[i]));
    try {
      const state = stateOf(field.value, known, rules, values, host.model.state);
      said.textContent = "";
      host.show(state, rules);
      host.dispatch("change", { expression: field.value });
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      said.textContent = error.message;
    }
    field.setAttribute("aria-invalid", String(!!said.textContent));
  };
  const field = h("input", { class: "agl-expression", type: "text", spellcheck: "false", autocomplete: "off", autocapitalize: "off", value: known.text, "aria-label": "Expression", oninput: act });
  return h("div", { class: "agl-line" }, h("label", {}, h("span", {}, "Expression"), field), said);
}
