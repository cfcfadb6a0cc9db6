// The graph in written form: a softmax, which is recorded in parts, is one operation per output, and a loss is one.

const MOST_WRITTEN = 400;  // edges of one composite; beyond, it stays as recorded

// A loss lists its operands; each of its derivatives has a form of its own.
function lossOf(model, composite) {
  const { operands, outputs: [output] } = composite, of = new Map();
  if (operands.length > MOST_WRITTEN) return null;
  for (const node of composite.nodes) model.operands[node].forEach((p, k) => { const at = operands.indexOf(p); if (at >= 0) of.set(`${node} ${k}`, at); });
  return [{ output, of, turned: [...operands.keys()], mine: 0, operands, composite }];
}

// For each output of a composite, its operands with its own one first, and which of them each recorded edge leads to.
function operationsOf(model, composite) {
  if (composite.operands) return lossOf(model, composite);
  const inside = new Set(composite.nodes), ends = new Set(composite.outputs);
  const places = new Map(), owners = new Map(), own = new Map(), of = new Map(), operands = [];
  for (const node of composite.nodes) {
    const seen = new Map();
    model.operands[node].forEach((p, k) => {
      if (inside.has(p)) return;
      if (!places.has(p)) places.set(p, []);
      const known = places.get(p), before = seen.get(p) || 0;
      let which = ends.has(node) && known.length ? owners.get(p) || 0 : before;
      seen.set(p, before + 1);
      if (which >= known.length) {
        which = known.length;
        known.push(operands.length);
        operands.push(p);
      }
      of.set(`${node} ${k}`, known[which]);
      if (ends.has(node)) {
        owners.set(p, (owners.get(p) || 0) + 1);
        if (composite.nodes.length > 1 && !own.has(node)) own.set(node, known[which]);  // else it has no parts, and the last is its own
      }
    });
  }
  if (operands.length * composite.outputs.length > MOST_WRITTEN) return null;
  return composite.outputs.map((output) => {
    const mine = own.get(output) ?? operands.length - 1;
    const turned = [mine, ...operands.keys()].filter((k, at) => at === 0 || k !== mine);
    return { output, of, turned, mine, operands: turned.map((k) => operands[k]), composite };
  });
}

// The derivatives of one output with respect to its operands: a reverse sweep of the composite alone.
function slopesOf(model, operation, local = model.local) {
  const { composite, output, of, turned } = operation, adjoints = new Map([[output, 1]]);
  const slopes = new Array(turned.length).fill(0);
  for (const node of [...composite.nodes].reverse()) {
    const g = adjoints.get(node) || 0;
    if (g === 0) continue;
    model.operands[node].forEach((p, k) => {
      const d = local[node][k];
      if (d === 0) return;
      const slot = of.get(`${node} ${k}`);
      if (slot !== undefined) slopes[slot] += d * g;
      else adjoints.set(p, (adjoints.get(p) || 0) + d * g);
    });
  }
  return turned.map((k, at) => (model.isConstant[operation.operands[at]] ? 0 : slopes[k]));
}

// The written graph: operands and local derivatives by node, in topological order, without constants.
class Written {
  constructor(model, root, keep = []) {
    this.model = model;
    this.operations = new Map();
    const kept = new Set(keep);
    for (const composite of model.state.composites) {
      const parts = composite.nodes.filter((v) => !composite.outputs.includes(v));
      if (parts.some((v) => kept.has(v))) continue;
      for (const operation of operationsOf(model, composite) || []) this.operations.set(operation.output, operation);
    }
    this.root = root;
    this.order = [];
    const seen = new Set([root]), path = [[root, 0]];
    while (path.length) {
      const top = path[path.length - 1], list = this.operandsOf(top[0]);
      if (top[1] === list.length) {
        this.order.push(path.pop()[0]);
        continue;
      }
      const p = list[top[1]++];
      if (seen.has(p) || model.isConstant[p]) continue;
      seen.add(p);
      path.push([p, 0]);
    }
    this.uncut = this.once((i) => (this.operations.has(i) ? slopesOf(model, this.operations.get(i)) : model.local[i].slice()));
    this.slopes = this.once((i) => this.slopesOf(i));
  }

  // Local derivatives are computed on demand, and again after a change.
  once(make) {
    const { model } = this, known = new Map();
    let version;
    return { get: (i) => {
      if (version !== model.version) { known.clear(); version = model.version; }
      let found = known.get(i);
      if (found === undefined) known.set(i, found = make(i));
      return found;
    } };
  }

  operandsOf(i) { return this.operations.get(i)?.operands || this.model.operands[i]; }

  slopesOf(i) {
    const slopes = this.uncut.get(i), { model } = this, list = this.operandsOf(i);
    return model.cuts.size ? slopes.map((d, k) => (model.isCut(i, k, list[k]) ? 0 : d)) : slopes;
  }
}
