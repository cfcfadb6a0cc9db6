// The state of a page: the recorded graph, its numbers, and the forward and backward sweep.
// Values, local derivatives and adjoints equal the library's: the same rules, the same order, strict zero.

const asNumber = (x) => (typeof x === "string" ? { inf: Infinity, "-inf": -Infinity, nan: NaN }[x] : x);

// Saturating activations, such as tanh, and whether one is saturated.
const saturates = (model, i) => model.operands[i].length > 0 && model.state.ops[model.state.op[i]].saturates !== null;
const isFlat = (model, i, data = model.data, local = model.local) => Math.abs(local[i][0]) < FLAT && data[model.operands[i][0]] <= model.state.ops[model.state.op[i]].saturates;

class Model {
  constructor(state, rules) {
    this.state = state;
    this.rules = rules;
    for (const op of state.ops) op.saturates = asNumber(op.saturates);
    this.count = state.op.length;
    this.operands = state.operands;
    this.isConstant = state.op.map((op) => op === -2);
    this.isLeaf = state.op.map((op) => op === -1);
    this.data = Float64Array.from(state.data, asNumber);
    this.recorded = this.data.slice();  // the initial numbers
    this.former = this.data.slice();  // the numbers before the last change, which cards show as ghosts
    this.local = this.operands.map((list) => new Array(list.length).fill(0));
    this.adjoint = new Float64Array(this.count);
    this.cuts = new Set();  // "node operand" for an edge; "node" for a unit, which cuts the edges to all of its users
    this.unknown = new Set();  // nodes whose rule is missing on this page
    this.users = this.operands.map(() => []);
    this.operands.forEach((list, i) => list.forEach((p, k) => this.users[p].push([i, k])));
    this.roots = state.roots;
    this.index = new Map(state.names.map((name, i) => [name, i]));
    state.shown.forEach((name, i) => { if (!this.index.has(name)) this.index.set(name, i); });
    this.leaves = [...this.isLeaf.keys()].filter((i) => this.isLeaf[i]);
    this.computed = [...this.isLeaf.keys()].filter((i) => this.operands[i].length);
    this.ruleOf = this.state.op.map((op) => (op < 0 ? undefined : rules[state.ops[op].rule]));
    this.version = 0;  // incremented at each change of numbers or cuts
    this.others = 0;  // incremented when other leaves change than the one that was last set alone
    this.isAsRecorded = true;  // all numbers are still the recorded ones
    this.buffers = this.operands.map((list) => new Array(list.length));
    this.recompute(true);
    this.formerAdjoint = this.adjoint.slice();
  }

  rule(i) { return this.ruleOf[i]; }

  // The index of a node by its name; throws an error that lists the known names.
  find(name) {
    const i = typeof name === "number" ? name : this.index.get(String(name));
    if (i === undefined || this.isConstant[i]) {
      const some = this.state.names.filter((_, k) => !this.isConstant[k]).slice(0, 8).join(", ");
      throw new RangeError(`expected the name of a value (${some}, …), got ${JSON.stringify(name)}`);
    }
    return i;
  }

  values() {
    const all = {};
    for (let i = 0; i < this.count; i++) if (!this.isConstant[i]) all[this.state.names[i]] = { value: this.data[i], grad: this.adjoint[i] };
    return all;
  }

  // --- the sweeps ---

  // The nodes that depend on some leaves, in order; cached for a single leaf, as it may be dragged.
  above(leaves) {
    const key = String(leaves);
    if (this.reachedFrom === key) return this.reached;
    const seen = new Uint8Array(this.count);
    for (const i of leaves) seen[i] = 1;
    this.reached = this.computed.filter((i) => (seen[i] = this.operands[i].some((p) => seen[p]) ? 1 : 0));
    this.reachedFrom = key;
    return this.reached;
  }

  forward(data = this.data, nodes = this.computed, recorded = false) {
    for (const i of nodes) {
      const list = this.operands[i], rule = this.rule(i), v = this.buffers[i];
      for (let k = 0; k < list.length; k++) v[k] = data[list[k]];
      if (!rule) this.unknown.add(i);
      else if (!recorded) data[i] = rule.value(v);
      // Recorded numbers are shown digit for digit; from the first change on, the page computes everything itself.
    }
    return data;
  }

  slopes(data = this.data, local = this.local, nodes = this.computed) {
    for (const i of nodes) {
      const list = this.operands[i], rule = this.rule(i), into = local[i];
      if (!rule) {
        const given = this.state.slopes[i] || [];
        for (let k = 0; k < list.length; k++) into[k] = asNumber(given[k] ?? 0);
        continue;
      }
      const v = this.buffers[i];
      for (let k = 0; k < list.length; k++) v[k] = data[list[k]];
      const found = rule.partials(v, data[i]);
      for (let k = 0; k < list.length; k++) into[k] = this.isConstant[list[k]] ? 0 : found[k];
    }
    return local;
  }

  // d seeds / d node for every node. Strict zero: a factor of 0 contributes nothing, even times infinity or NaN.
  backward(seeds, local = this.local, into = new Float64Array(this.count), uncut = false) {
    into.fill(0);
    for (const i of seeds) into[i] = 1;
    const cuts = uncut || !this.cuts.size ? null : this.cuts, units = cuts && this.operands.map((_, i) => cuts.has(`${i}`));
    for (let i = this.count - 1; i >= 0; i--) {
      const g = into[i], list = this.operands[i];
      if (g === 0 || !list.length) continue;
      const slopes = local[i], operation = cuts && this.written.operations.get(i);
      for (let k = 0; k < list.length; k++) {
        const d = slopes[k];
        if (d !== 0 && !(cuts && (units[list[k]] || (!operation && cuts.has(`${i} ${k}`))))) into[list[k]] += d * g;
      }
      if (operation) this.withhold(operation, g, local, into);
    }
    return into;
  }

  // A cut edge of a composite, such as a softmax, is no recorded edge: its contribution is subtracted from the operand.
  withhold(operation, g, local, into) {
    operation.operands.forEach((p, k) => {
      if (this.cuts.has(`${operation.output} ${k}`) && !this.cuts.has(`${p}`)) into[p] -= slopesOf(this, operation, local)[k] * g;
    });
  }

  get written() { return this.known ||= new Written(this, this.roots[0]); }

  // The same for another root, keeping some nodes visible even if they are parts of a composite.
  writtenWith(root, keep) {
    const isHidden = (i) => this.state.composites.some(({ nodes, outputs }) => nodes.includes(i) && !outputs.includes(i));
    return root === this.roots[0] && !keep.some(isHidden) ? this.written : new Written(this, root, keep);
  }

  scopeOf(i) { return this.state.scopePaths[this.state.scopeOf[i]]; }

  // The training case of a node's scope; "" for none.
  tagOf(i) {
    this.tags ||= new Map(Object.entries(this.state.tags || {}).flatMap(([name, nodes]) => nodes.map((node) => [node, name])));
    return this.tags.get(i) || "";
  }

  // For each node below a root, the case that it belongs to, or the only one that uses it.
  casesBelow(root) {
    if (!this.state.tags) return [];
    if (this.casesRoot === root) return this.casesKnown;
    const found = [], ahead = [];  // null: several
    ahead[root] = "";
    for (let i = root; i >= 0; i--) {
      if (ahead[i] === undefined) continue;
      const here = this.tagOf(i) || ahead[i];
      if (here) found[i] = here;
      for (const p of this.operands[i]) ahead[p] = ahead[p] === undefined || ahead[p] === here ? here : null;
    }
    [this.casesRoot, this.casesKnown] = [root, found];
    return found;
  }

  recompute(recorded = false, nodes = this.computed, alone = null) {
    if (alone === null || alone !== this.alone) this.others += 1;
    this.alone = alone;
    this.forward(this.data, nodes, recorded);
    this.slopes(this.data, this.local, nodes);
    this.isAsRecorded = recorded;
    this.version += 1;
    this.backward(this.roots, this.local, this.adjoint);
  }

  // Evaluate at other leaves without changing the page's numbers: {data, adjoint}.
  elsewhere(changes) {
    const data = this.data.slice();
    for (const [i, x] of changes) data[i] = x;
    this.forward(data);
    const local = this.slopes(data, this.operands.map((list) => new Array(list.length).fill(0)));
    return { data, local, adjoint: this.backward(this.roots, local) };
  }

  // --- changes by the reader ---

  // Remember the numbers before a change, for ghosts and tangent; a drag of many small changes is one.
  remember() {
    this.former.set(this.data);
    this.formerAdjoint.set(this.adjoint);
  }

  set(changes) {
    const changed = changes.filter(([i, x]) => !Object.is(this.data[i], x)).map(([i]) => i);
    for (const [i, x] of changes) this.data[i] = x;
    this.recompute(false, this.isAsRecorded ? this.computed : this.above(changed), changed.length === 1 ? changed[0] : null);
  }

  isChanged() { return this.leaves.some((i) => !Object.is(this.data[i], this.recorded[i])); }

  reset() {
    this.remember();
    this.put(this.leaves.map((i) => this.recorded[i]));
  }

  // Set all leaves; if all are as recorded, restore the recorded numbers digit for digit.
  put(numbers) {
    this.leaves.forEach((i, j) => { this.data[i] = numbers[j]; });
    const isRecorded = !this.isChanged();
    if (isRecorded) this.data.set(this.recorded);
    this.recompute(isRecorded);
  }

  // Leave an edge out of the backward sweep, or all edges from a unit (no k), or undo that; operands are numbered as
  // in the written form of the operation.
  cut(i, k, on = true) {
    const key = k === undefined ? `${i}` : `${i} ${k}`;
    if (on) this.cuts.add(key);
    else this.cuts.delete(key);
    this.remember();
    this.version += 1;
    this.backward(this.roots, this.local, this.adjoint);
  }

  // Whether an edge is cut, or the unit that it comes from. Operands are numbered as in the written form, which those within
  // an opened composite are not.
  isCut(i, k, from) { return this.cuts.size > 0 && (this.cuts.has(`${from}`) || (this.cuts.has(`${i} ${k}`) && this.written.operandsOf(i)[k] === from)); }

  // The numbers if all cut edges carried 0; the page's own numbers do not change.
  valuesWithout() {
    const data = this.data.slice(), zeros = (i) => (p, k) => this.cuts.has(`${i} ${k}`);
    for (let i = 0; i < this.count; i++) {
      const list = this.operands[i], operation = this.written.operations.get(i);
      if (this.cuts.has(`${i}`)) data[i] = 0;
      else if (operation) data[i] = this.compositeWithout(operation, data);
      else if (list.length && this.rule(i)) data[i] = this.valueWithout(i, data, zeros(i));
    }
    return data;
  }

  valueWithout(i, data, isZero) { return this.rule(i).value(this.operands[i].map((p, k) => (isZero(p, k) ? 0 : data[p]))); }

  // The value of one output of a composite, whose parts others may share.
  compositeWithout({ composite, output, of, turned }, data) {
    const zero = new Set(turned.filter((_, k) => this.cuts.has(`${output} ${k}`))), own = zero.size ? data.slice() : data;
    for (const v of composite.nodes) {
      if (zero.size && v !== output && this.operands[v].length) own[v] = this.valueWithout(v, own, (p, k) => zero.has(of.get(`${v} ${k}`)));
    }
    return this.valueWithout(output, own, (p, k) => zero.has(of.get(`${output} ${k}`)));
  }

  // --- guards: comparisons that the program branched on, and that have another outcome now ---

  // Nodes that only guards need are kept beside the graph, as [operation, operands, number], numbered after the graph's.
  brokenGuards() {
    if (!this.state.guards) return [];
    const { nodes, tests } = this.state.guards, own = [], at = (i) => (i < this.count ? this.data[i] : own[i - this.count]);
    for (const [op, operands, recorded] of nodes) {
      const rule = op < 0 ? null : this.rules[this.state.ops[op].rule];
      own.push(rule ? rule.value(operands.map(at)) : asNumber(recorded));
    }
    return tests.filter(([node, outcome]) => (at(node) !== 0) !== !!outcome);  // NaN is true, as in Python
  }
}
