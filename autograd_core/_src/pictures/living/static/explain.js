// Explains a gradient as `explain` in Python does: uses that add up to it, the largest paths, reasons, text.

const COLUMNS = 100, CELL = 28, SHOWN_USES = 7, SHOWN_RULES = 6, LONGEST_NAME = 24, LONGEST_PATH = 9, PATH_ENDS = 3, ALL_DIGITS = 16, SAID = 0.05;
const QUESTIONS = { zero: "Why it is 0", "not finite": "Why it is no finite number", large: "Why it is large", small: "Why it is small", digits: "Why digits are lost", root: "Why it is 1" };

// Width in cells of a fixed-pitch font; two for characters that may come from another font.
const cellOf = (c) => { const code = c.codePointAt(0); return code < 0x530 || (code >= 0x2010 && code < 0x2300) ? 1 : 2; };
const cells = (text) => [...text].reduce((sum, c) => sum + cellOf(c), 0);
function shorten(text, room) {
  if (cells(text) <= room) return text;
  const letters = [...text];
  let end = 0, used = cellOf(letters[0]);
  while (used < room) used += cellOf(letters[++end]);
  return `${letters.slice(0, end).join("").trimEnd()}…`;
}

class Words {
  constructor(model, written) { this.model = model; this.written = written; }
  name(i) { return shorten(this.model.state.shown[i], LONGEST_NAME).trim() || "unnamed"; }
  valued(i) { return this.model.isConstant[i] ? numberText(this.model.data[i]) : `${this.name(i)} = ${numberText(this.model.data[i])}`; }
  made(i) {
    const op = this.written.op(i), parents = this.written.operandsOf(i);
    if (parents.length > NAMED || !op.text) return `${this.name(i)} = ${op.name}(${parents.length} operands)`;
    return `${this.name(i)} = ${operationText(op.text, parents.map((p) => this.name(p)))}`;
  }
}

// A template filled with operands; those of the second range get brackets unless they are a single name or number.
function operationText(template, names) {
  return template.replace(/[\ue000-\ue8ff]/g, (c) => {
    const code = c.charCodeAt(0), name = names[code & 0xff], bare = /^[\p{L}\p{N}_.[\]']*$/u.test(name.replaceAll(/e[+-]/g, "e"));
    return code < 0xe400 || bare ? name : `(${name})`;
  });
}

Written.prototype.op = function (i) {
  return this.operations.has(i) ? this.operations.get(i).op ||= compositeOp(this.model, this.operations.get(i)) : this.model.state.ops[this.model.state.op[i]];
};
function compositeOp(model, { composite, turned, mine }) {  // of few operands its sum is written out, in the order of the sum
  if (composite.operands) return { name: composite.name, sign: composite.name, pairs: false, saturates: null, text: composite.text };
  const slot = (k) => String.fromCharCode(0xe000 + k), others = [...turned.keys()].slice(1).map(slot);
  const total = [...others.slice(0, mine), slot(0), ...others.slice(mine)].map((x) => `exp(${x})`).join(" + ");
  return { name: composite.name, sign: composite.name, pairs: false, saturates: null, text: composite.text.replaceAll("{0}", slot(0)).replaceAll("{1}", total) };
}

class Flow {
  constructor(model, leaf, k = 5, root = model.roots[0]) {
    this.model = model;
    this.root = root;
    this.leaf = leaf;
    this.written = model.writtenWith(root, [leaf, ...[...model.cuts].map((key) => parseInt(key))]);
    this.words = new Words(model, this.written);
    this.adjoints = this.sweep((d) => d);
    this.sizes = this.sweep(Math.abs);
    this.between = dependents(this.written, leaf);
    const reached = this.between.length > 0;
    this.gradient = (reached && this.adjoints.get(leaf)) || 0;
    if (reached && Number.isNaN(this.adjoints.get(leaf))) this.gradient = NaN;
    this.size = reached ? this.sizes.get(leaf) ?? 0 : 0;
    this.condition = this.size ? quotient(this.size, Math.abs(this.gradient)) : 1;
    this.live = new Set([leaf]);
    for (const node of this.between) if (this.operands(node).some((p, j) => this.slope(node, j) !== 0 && this.live.has(p))) this.live.add(node);
    this.nPaths = countPaths(this.written, this.between, leaf);
    this.paths = topPaths(this.written, this.between, leaf, k);
    this.uses = leaf === root ? [] : this.terms(leaf);
    const total = this.uses.reduce((sum, use) => sum + Math.abs(use.contribution), 0);
    for (const use of this.uses) use.share = total === 0 ? 0 : finite(total) ? Math.abs(use.contribution) / total : NaN;
    this.cases = model.casesBelow(root);
    this.reasons = reasonsOf(this);
  }

  op(i) { return this.written.op(i); }
  operands(i) { return this.written.operandsOf(i); }
  slope(i, k) { return this.written.slopes.get(i)[k]; }
  data(i) { return this.model.data[i]; }
  adjoint(i) { return this.adjoints.get(i) ?? 0; }
  isCut(i, k) { return this.model.isCut(i, k, this.operands(i)[k]); }

  sweep(of) {
    const into = new Map([[this.root, 1]]), { order } = this.written;
    for (let at = order.length - 1; at >= 0; at--) {
      const node = order[at], g = into.get(node) ?? 0;
      if (g === 0) continue;
      this.operands(node).forEach((p, k) => {
        const d = of(this.slope(node, k));
        if (d !== 0 && !this.model.isConstant[p]) into.set(p, (into.get(p) ?? 0) + d * g);
      });
    }
    return into;
  }

  // The contribution of each use to a node, in the order in which a sweep adds them.
  terms(operand) {
    const found = [];
    for (const node of [...this.written.order].reverse()) {
      this.operands(node).forEach((p, k) => {
        if (p !== operand) return;
        const d = this.slope(node, k), g = this.adjoint(node);
        found.push({ node, operand: k, local: d, adjoint: g, contribution: d !== 0 && g !== 0 ? d * g : 0 });
      });
    }
    return found;
  }

  // Where terms of both signs meet: for each node, Σ |term| / |Σ term|.
  cancelling() {
    const sums = new Map(), between = new Set(this.between), ratios = new Map();
    for (const node of this.written.order) {
      const g = this.adjoint(node);
      this.operands(node).forEach((p, k) => {
        const d = this.slope(node, k);
        if (d !== 0 && g !== 0 && between.has(p)) sums.set(p, (sums.get(p) ?? 0) + Math.abs(d * g));
      });
    }
    for (const [p, total] of sums) {
      const r = quotient(total, Math.abs(this.adjoint(p)));
      if (total && r > 1 + 1e-9) ratios.set(p, r);
    }
    return ratios;
  }

  // --- as JSON, and as text ---

  toJSON() {
    const name = (i) => (this.model.isConstant[i] ? this.model.state.shown[i] : this.model.state.names[i]);
    return {
      gradient: this.gradient, text: this.text(), n_paths: this.nPaths <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(this.nPaths) : String(this.nPaths),
      uses: this.uses.map((use) => ({ contribution: use.contribution, node: name(use.node), operand: use.operand, local: use.local, adjoint: use.adjoint, share: use.share })),
      paths: this.paths.map((path) => ({ product: path.product, nodes: path.nodes.map(name), operands: path.operands })),
      reasons: this.reasons.map(({ about, kind, nodes, text }) => ({ about, kind, nodes: nodes.map(name), text })),
    };
  }

  headline() {
    const { words } = this, head = `∂${words.name(this.root)}/∂${words.name(this.leaf)} = ${numberText(this.gradient)}`;
    if (!this.uses.length) return head;
    const paths = this.nPaths === 1n ? "from 1 path" : `the sum over ${howMany(this.nPaths)} paths`;
    return `${head}, ${paths} by way of ${this.uses.length} use${this.uses.length > 1 ? "s" : ""} of ${words.name(this.leaf)}`;
  }

  // Which operand an edge is, in words, if the value is an operand more than once.
  which(node, k) {
    const list = this.operands(node);
    return list.filter((p) => p === list[k]).length > 1 ? `operand ${k + 1}` : "";
  }

  // A node's scope, with the only training case that depends on it if the scope does not name one.
  where(node) { return [this.model.tagOf(node) ? "" : this.cases[node], this.model.scopeOf(node)].filter(Boolean).join(", "); }

  pathSteps(path, first, end) {  // the edges from one to another in words, without those in the middle of many
    const said = [], shown = (k) => end - first <= LONGEST_PATH || k < first + PATH_ENDS || k >= end - PATH_ENDS;
    const kept = (k) => shown(k) || (shown(k - 1) && shown(k + 1));
    for (let place = first, before = first - 1; place < end; place += 1) {
      if (!kept(place)) continue;
      if (place > before + 1) said.push(`→ … ${place - before - 1} more …`);
      const node = path.nodes[place + 1], again = this.which(node, path.operands[place]);
      said.push(`→(×${numberText(path.factors[place])}${again && `, ${again}`}) ${this.words.name(node)}`);
      before = place;
    }
    return said;
  }

  pathTree() {  // a line for each path, below one for a beginning that several of them share, whose number is their sum
    const rows = [], waiting = [[this.paths, 0, 0]];
    while (waiting.length) {
      const [paths, told, depth] = waiting.pop(), path = paths[0];
      const same = (k) => paths.every((p) => k < p.operands.length && p.nodes[k + 1] === path.nodes[k + 1] && p.operands[k] === path.operands[k]);
      let shared = told;
      while (same(shared)) shared += 1;
      if (paths.length > 1 && shared === told) {
        const groups = new Map();
        for (const p of paths) {
          const key = `${p.nodes[told + 1]} ${p.operands[told]}`;
          groups.set(key, [...(groups.get(key) || []), p]);
        }
        waiting.push(...[...groups.values()].reverse().map((group) => [group, told, depth]));
        continue;
      }
      const words = this.pathSteps(path, told, paths.length > 1 ? shared : path.operands.length);
      const line = "│ ".repeat(depth) + (told ? words : [this.words.name(path.nodes[0]), ...words]).join(" ");
      const passed = path.nodes.slice(told + 1, (paths.length > 1 ? shared : path.operands.length) + 1);
      const inCase = passed.map((node) => this.cases[node]).find(Boolean) || "";
      rows.push([numberText(paths.reduce((sum, p, k) => (k ? sum + p.product : p.product), 0)), inCase, paths.length > 1 ? `${line} …` : line]);
      if (paths.length > 1) waiting.push([paths, shared, depth + 1]);
    }
    return rows;
  }

  sections() {
    const sections = [];
    for (const about of new Set(this.reasons.map((reason) => reason.about))) {
      sections.push({ title: QUESTIONS[about], heads: null, rows: this.reasons.filter((r) => r.about === about).map((r) => [r.kind, r.text]), numbers: 0, note: "" });
    }
    if (this.uses.length) {
      const key = (use) => (Number.isNaN(use.contribution) ? [0, 0] : [1, -Math.abs(use.contribution)]);
      const ordered = [...this.uses].sort((a, b) => key(a)[0] - key(b)[0] || key(a)[1] - key(b)[1]);
      const rest = ordered.slice(SHOWN_USES), together = rest.reduce((sum, use) => sum + use.contribution, 0);
      sections.push({
        title: rest.length ? "The largest uses" : "Uses", heads: ["contribution", "share", "local derivative × adjoint", "use", "where"], numbers: 2,
        rows: ordered.slice(0, SHOWN_USES).map((use) => [numberText(use.contribution), percent(use.share), `${numberText(use.local)} × ${numberText(use.adjoint)}`,
          this.words.made(use.node) + (this.which(use.node, use.operand) && `, as ${this.which(use.node, use.operand)}`), shorten(this.where(use.node), 2 * CELL)]),
        note: rest.length ? `${rest.length} other${rest.length > 1 ? "s" : ""}: ${numberText(together)}` : "",
      });
    }
    if (this.paths.some((path) => path.operands.length)) {
      const title = this.nPaths === BigInt(this.paths.length) ? "Paths" : `The ${this.paths.length} largest paths`;
      const rest = this.nPaths - BigInt(this.paths.length), others = this.paths.reduce((sum, path) => sum - path.product, this.gradient);
      const note = rest ? `${howMany(rest)} other${rest > 1n ? "s" : ""}: ${numberText(others)}` : "";
      sections.push({ title, heads: ["product", "case", "path"], numbers: 1, rows: this.pathTree(), note });
    }
    const rules = rulesOf(this);
    if (rules.length) sections.push({ title: "Rules", heads: null, rows: rules.map((rule) => [rule]), numbers: 0, note: "" });
    return sections;
  }

  digits() {
    if (this.condition === Infinity) return "Condition ∞: paths of opposite signs cancel completely.";
    const lost = this.condition > 1 + 1e-9 ? Math.log10(this.condition) : 0;
    if (!lost) return "";
    const head = `Condition ${numberText(this.condition)}: paths of opposite signs cancel`;
    if (lost >= ALL_DIGITS) return `${head}, rounding may have cost all of its 16 digits, counting what its factors had lost before.`;
    return lost >= SAID ? `${head}, which loses up to ${lost.toFixed(1)} of 16 digits.` : `${head}.`;
  }

  text() {
    const blocks = [wrapped(this.headline(), COLUMNS).join("\n")];
    for (const section of this.sections()) blocks.push([section.title, ...inColumns(section), ...(section.note ? [`  ${section.note}`] : [])].join("\n"));
    const foot = this.digits();
    return [...blocks, ...(foot ? [wrapped(foot, COLUMNS).join("\n")] : [])].join("\n\n");
  }
}

function inColumns(section) {
  const all = section.heads ? [section.heads, ...section.rows] : section.rows, width = section.rows[0].length;
  const filled = [...Array(width).keys()].filter((k) => section.rows.some((row) => row[k]));
  const table = all.map((row) => filled.map((k, at) => (at < filled.length - 1 ? shorten(row[k], CELL) : row[k])));
  const widths = filled.slice(0, -1).map((_, k) => Math.max(...table.map((row) => cells(row[k]))));
  const indent = 2 + widths.reduce((sum, w) => sum + w + 2, 0);
  return table.flatMap((row) => {
    const [first, ...others] = wrapped(row[row.length - 1], COLUMNS - indent);
    const padded = widths.map((w, k) => { const room = " ".repeat(w - cells(row[k])); return k < section.numbers ? room + row[k] : row[k] + room; });
    return [`  ${[...padded, first].join("  ")}`.trimEnd(), ...others.map((line) => " ".repeat(indent) + line)];
  });
}

function wrapped(line, room) {
  const lines = [""];
  for (const word of line.split(" ")) {
    const last = lines.length - 1, longer = lines[last] ? `${lines[last]} ${word}` : word;
    if (cells(longer) <= room) { lines[last] = longer; continue; }
    lines.push("");
    for (const c of word) {
      if (cells(lines[lines.length - 1] + c) > room) lines.push("");
      lines[lines.length - 1] += c;
    }
  }
  return lines[0] || lines.length === 1 ? lines : lines.slice(1);
}
