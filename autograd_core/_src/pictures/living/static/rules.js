// The rule behind a local derivative, with names and with numbers: ∂tanh(v)/∂v = 1 − tanh²(v) = 1 − 0.7894² = 0.3769.

const COMPARING = 0, SUM = 1, PRODUCT = 2, TIGHT = 3, ATOM = 4;
const LONGEST_RULE = 60, LONGEST_HEAD = 28, LONGEST_OPERAND = 40, MOST_OPERANDS = 50, NEAR = 2e-3, FAR = 1e-4;
const OPERATORS = {
  add: [" + ", SUM, SUM, SUM], sub: [" − ", SUM, PRODUCT, SUM], mul: [" · ", PRODUCT, PRODUCT, PRODUCT], div: [" / ", PRODUCT, TIGHT, PRODUCT],
  lt: [" < ", SUM, SUM, COMPARING], le: [" ≤ ", SUM, SUM, COMPARING], gt: [" > ", SUM, SUM, COMPARING], ge: [" ≥ ", SUM, SUM, COMPARING], eq: [" = ", SUM, SUM, COMPARING], ne: [" ≠ ", SUM, SUM, COMPARING],
};
const CONSTANTS = { ln2: "log(2)", log2e: "1 / log(2)", log10e: "1 / log(10)", two_over_sqrt_pi: "2 / √π", pi: "π" };
const EVALUATED = {
  add: (x, y) => x + y, sub: (x, y) => x - y, mul: (x, y) => x * y, div: (x, y) => x / y, neg: (x) => -x, square: (x) => x * x,
  lt: (x, y) => x < y, le: (x, y) => x <= y, gt: (x, y) => x > y, ge: (x, y) => x >= y, eq: (x, y) => x === y, ne: (x, y) => x !== y,
};

const setNumber = (x, digits = 4) => { const text = numberText(x, digits); return [text, text.includes(" ") || text.startsWith("−") ? SUM : text.includes("/") ? PRODUCT : ATOM]; };
const setName = (text) => [text, /^[\p{L}\p{N}_.[\]']*$/u.test(text) ? ATOM : SUM];
const within = ([text, strength], wanted) => (strength < wanted || (text.startsWith("−") && strength < ATOM) ? `(${text})` : text);

// Writes the expression trees of a node's rules, with names (digits = 0) or with numbers of so many digits.
class RuleWriter {
  constructor(operands, result, resultOp, digits, share) { Object.assign(this, { operands, result, resultOp, digits, share }); }

  write(tree) {
    if (!Array.isArray(tree)) return setNumber(asNumber(tree));
    const [op, ...args] = tree;
    if (op === "o") return this.operands[args[0]];
    if (op === "r") return this.result;
    if (op === "c") return [CONSTANTS[args[0]], CONSTANTS[args[0]].includes("/") ? PRODUCT : ATOM];
    if (op === "softmax") return this.digits ? setNumber(this.share(...args), this.digits) : [`softmax(${this.write(args[0])[0]})`, ATOM];
    const parts = args.map((x) => this.write(x));
    if (op === "square" || (op === "pow" && args[1] === 2)) return [this.squared(parts[0], args[0]), TIGHT];
    if (op === "neg") return [`−${within(parts[0], PRODUCT)}`, SUM];
    if (op === "pow") return [`${within(parts[0], ATOM)}^${within(parts[1], ATOM)}`, TIGHT];
    if (!OPERATORS[op]) return [`${op}(${parts.map(([text]) => text).join(", ")})`, ATOM];
    const [sign, left, right, strength] = OPERATORS[op], first = left === SUM && parts[0][1] >= SUM ? parts[0][0] : within(parts[0], left);
    return [`${first}${sign}${within(parts[1], right)}`, strength];
  }

  // The square of a function has the 2 after its name: tanh²(v).
  squared([text, strength], tree) {
    const op = Array.isArray(tree) ? (tree[0] === "r" ? this.resultOp : /^[orc]$/.test(tree[0]) ? "" : tree[0]) : "", at = text.indexOf("(");
    if (op && strength === ATOM && at >= 0) return `${text.slice(0, at)}²${text.slice(at)}`;
    return `${strength === ATOM ? text : `(${text})`}²`;
  }
}

class NodeRules {
  constructor(model, written, node) {
    this.model = model;
    this.written = written;
    this.node = node;
    this.list = written.operandsOf(node);
    const operation = written.operations.get(node);
    this.operation = operation?.composite.operands ? null : operation;  // a primitive that is recorded in parts; a loss has forms like any primitive
    this.op = written.op(node);
    this.form = operation ? operation.composite.form : model.state.forms[model.state.formOf[node]];
    this.notes = operation?.composite.notes || [];  // of a loss
    this.data = this.list.map((p) => model.data[p]);
    const short = (name) => (name.length > LONGEST_OPERAND ? `${name.slice(0, LONGEST_OPERAND - 3)}...` : name);
    this.called = this.list.map((p) => (model.isConstant[p] ? shownNumber(model.data[p]) : short(model.state.shown[p])));
    const names = this.called.map(setName), [head, resultOp] = this.head(names, short(model.state.shown[node]));
    this.names = new RuleWriter(names, head, resultOp, 0, this.share);
  }

  // A softmax over some of the operands, or over all.
  share = ([, k], first, count) => { const from = count > 0 ? first : 0, some = count > 0 ? this.data.slice(from, from + count) : this.data, top = Math.max(...some), all = some.map((x) => Math.exp(x - top)); return all[k - from] / all.reduce((a, b) => a + b, 0); };

  // The operation that is differentiated, or the name of its node if that is too long.
  head(names, name) {
    const few = this.list.length <= 4 && this.op.text && operationText(this.op.text, this.called).length <= LONGEST_HEAD;
    if (!few) return [setName(name), ""];
    if (this.operation) return [[`${this.op.name}(${names[0][0]})`, ATOM], this.op.name];
    const places = this.list.map((p, k) => (this.model.isConstant[p] ? this.model.data[p] : ["o", k])), writer = new RuleWriter(names, null, "", 0);
    if (!this.op.sums) return [writer.write([this.op.name, ...places]), this.op.name];
    const terms = this.op.pairs ? places.slice(0, places.length / 2).map((x, k) => ["mul", x, places[k + places.length / 2]]) : places;
    return [writer.write(terms.reduce((total, term) => ["add", total, term])), this.op.name];
  }

  evaluate(tree, of = (x) => x) {
    if (!Array.isArray(tree)) return asNumber(tree);
    const [op, ...args] = tree;
    if (op === "o") return of(this.data[args[0]]);
    if (op === "r") return of(this.model.data[this.node]);
    if (op === "c") return args[1];
    if (op === "softmax") return of(this.share(...args));
    const xs = args.map((x) => this.evaluate(x, of));
    return EVALUATED[op] ? EVALUATED[op](...xs) : this.model.rules[op] ? this.model.rules[op].value(xs) : NaN;
  }

  // Of the forms for different cases, the one that applies here.
  found(k, d) {
    if (this.operation) {
      const place = (tree) => (Array.isArray(tree) ? (tree[0] === "o" ? ["o", tree[1] ? k : 0] : tree.map((x, at) => (at ? place(x) : x))) : tree);
      return this.operation.composite.rules ? [place(this.operation.composite.rules.trees[k ? 1 : 0]), [], []] : null;
    }
    return this.form?.variants[k].find(([tree, sides]) => sides.every((side) => this.evaluate(side)) && isNear(this.evaluate(tree), d, FAR)) || null;
  }

  note(k) {
    if (this.operation) return this.operation.composite.rules?.notes[k ? 1 : 0] || "";
    return this.form?.kinks.some((tree) => this.evaluate(tree) === 0) ? this.form.note : this.notes[k] || "";
  }

  // {text, symbols, numbers, side, note, saysMore} of the derivative with respect to one operand.
  rule(k) {
    const d = this.written.slopes.get(this.node)[k], found = this.found(k, d), bracket = ([text, strength]) => (strength < ATOM ? `(${text})` : text);
    const parts = [`∂${bracket(this.names.result)}/∂${bracket(this.names.operands[k])}`], note = this.note(k);
    let symbols = "", numbers = "";
    if (found) {
      const [symbolsText] = this.names.write(found[0]), digits = [4, 6, 8, 10].find((n) => isNear(this.evaluate(found[0], (x) => asRead(x, n)), d, NEAR));
      if (symbolsText.length <= LONGEST_RULE) {
        symbols = symbolsText;
        numbers = digits ? new RuleWriter(this.data.map((x) => setNumber(x, digits)), setNumber(this.model.data[this.node], digits), "", digits, this.share).write(found[0])[0] : symbols;
        parts.push(symbols, numbers);
      }
    }
    const side = [...new Set(symbols || !found ? (found?.[2] || []).map((tree) => this.names.write(tree)[0]) : found[2].map((tree) => this.names.write(tree)[0]))].join(" and ");
    const text = [...new Set([...parts, numberText(d)])].join(" = ") + (side && `, as ${side}`) + (note && ` (${note})`);
    return { text, symbols, numbers, side, note, saysMore: (symbols && symbols !== numberText(d)) || !!side || !!note };
  }
}

function isNear(x, d, bound) {
  if (x === d || (Number.isNaN(x) && Number.isNaN(d))) return true;
  return Math.abs(x - d) <= bound * (bound === NEAR ? Math.abs(d) : Math.max(1, Math.abs(d)));
}

// The rules behind the local derivatives of the listed uses and paths.
function rulesOf(flow) {
  const { written, model } = flow, edges = [...flow.uses].sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution)).slice(0, SHOWN_USES).map((use) => [use.node, use.operand]), known = new Map(), found = new Set();
  for (const path of flow.paths) path.operands.forEach((k, j) => edges.push([path.nodes[j + 1], k]));
  for (const [node, k] of edges) {
    if (found.size >= SHOWN_RULES || written.operandsOf(node).length > MOST_OPERANDS) continue;
    if (!known.has(node)) known.set(node, new NodeRules(model, written, node));
    const rule = known.get(node).rule(k);
    if (rule.saysMore) found.add(rule.text);
  }
  return [...found];
}
