// What is shown: a card for each value and each folded scope, and the edges between them, without positions.

const { card: CARD, fold: FOLD, row: ROW, rowText: [ROW_NAME, ROW_VALUE, ROW_CELLS], chip: CHIP, plate: PLATE } = SIZE, MOST_PORTS = 8, BUNDLED = 3, TIED = 3, DENSE = 16, CROWD = 160;
const EM = 0.61, extent = (text, size) => cells(text) * EM * size;

class Scopes {
  constructor(model) {
    const { state } = model;
    this.model = model;
    this.parent = state.scopes.map(([parent]) => parent);
    this.names = state.scopes.map(([, name]) => name);
    this.paths = state.scopes.map(([, , path]) => path);
    this.home = state.home;
    this.opened = new Set(state.opened);
    this.plates = new Plates(model);
    this.plates.begin(model);
    for (const { scope } of this.plates.list) this.opened.add(scope);
    this.sizes = this.paths.map(() => 0);
    this.home.forEach((scope, i) => { if (!model.isConstant[i]) for (let at = scope; at > 0; at = this.parent[at]) this.sizes[at] += 1; });
    this.compositeOf = new Map(state.composites.filter((composite) => composite.scope > 0).map((composite) => [composite.scope, composite]));
    for (const scope of this.compositeOf.keys()) if (operationsOf(model, this.compositeOf.get(scope))) this.opened.delete(scope);
  }
  isFoldable(scope) { return scope > 0 && this.sizes[scope] > 1; }
  find(path) {
    const scope = typeof path === "number" ? path : this.paths.indexOf(String(path));
    if (!this.isFoldable(scope)) {
      const all = this.paths.filter((_, at) => this.isFoldable(at)).slice(0, 8).join(", ");
      throw new RangeError(`expected a scope that folds (${all || "there is none"}), got ${JSON.stringify(path)}`);
    }
    return scope;
  }
  chain(scope) {
    const found = [];
    for (let at = scope; at > 0; at = this.parent[at]) if (!this.plates.of(at)?.isOpen) found.unshift(at);
    return found;
  }
  // The outermost folded scope that contains a scope, or the scope itself; 0 if all are open.
  folded(scope) { return this.chain(scope).find((at) => this.isFoldable(at) && !this.opened.has(at)) || 0; }
  // A plate opens to all of its copies if the box around the shown copy is open already.
  open(scope, wanted = true) {
    const plate = this.plates.of(scope), wasOpen = this.opened.has(scope);
    if (plate?.isOpen) { plate.isOpen = wanted; return; }
    if (wanted) this.chain(scope).forEach((at) => this.opened.add(at));
    else this.opened.delete(scope);
    if (wanted && plate && wasOpen) plate.isOpen = true;
    const hidden = wanted && !plate ? this.home.findIndex((home, i) => this.chain(home).includes(scope) && !this.plates.isShown(i)) : -1;
    if (hidden >= 0) this.plates.follow(hidden);
  }

  // The scope shown in the position of a laid-out scope: within a plate, that of the shown copy.
  shownAt(scope) {
    const bare = (home) => this.chain(home).filter((at) => !this.plates.of(at)), depth = bare(scope).indexOf(scope);
    if (depth < 0 || !this.plates.active.some((plate) => plate.current !== plate.shown && this.chain(scope).includes(plate.scope))) return scope;
    const place = this.home.findIndex((home, i) => this.plates.has(i) && this.plates.place(i) === i && this.chain(home).includes(scope));
    return place < 0 ? scope : bare(this.home[this.plates.now(place)])[depth] ?? scope;
  }
}

class Scene {
  constructor(model, scopes, written) {
    this.model = model;
    this.scopes = scopes;
    this.written = written;
    this.cards = new Map();
    this.cardOf = new Array(model.count).fill(null);
    this.plates = scopes.plates;
    this.groups = new Map();
    this.composites = new Set();  // outputs that are drawn with the operands of their composite
    const tall = new Set(model.state.rows);
    for (let i = 0; i < model.count; i++) {
      if (model.isConstant[i] || this.plates.place(i) !== i) continue;
      const node = this.plates.now(i), home = scopes.home[i], at = scopes.folded(home), composite = scopes.compositeOf.get(at);
      if (composite && written.operations.has(composite.outputs[0])) {
        this.cardOf[i] = composite.outputs.includes(i) ? i : composite.outputs[0];
        if (this.cardOf[i] !== i) continue;
        this.composites.add(node);
        this.add({ id: i, kind: "node", node, around: scopes.chain(scopes.parent[at]), unfolds: at });
      } else if (at) {
        const id = `s${at}`;
        this.cardOf[i] = id;
        if (!this.groups.has(id)) this.groups.set(id, []);
        this.groups.get(id).push(node);
        this.cards.delete(id);  // reinserted, so that it comes after the card of its last value
        this.add({ id, kind: "fold", scope: at, around: scopes.chain(scopes.parent[at]), nodes: this.groups.get(id) });
      } else {
        this.cardOf[i] = i;
        this.add({ id: i, kind: "node", node, around: scopes.chain(home), isRow: tall.has(i) });
      }
    }
    for (let i = 0; i < model.count; i++) if (this.cardOf[i] === null) this.cardOf[i] = this.cardOf[this.plates.place(i)];
    for (const card of this.cards.values()) if (card.kind === "fold") this.exitsOf(card);
    for (const card of this.cards.values()) card.ports ||= card.kind === "fold" ? this.foldPorts(card) : this.nodePorts(card);
    for (const plate of this.plates.active) this.tellOf(plate);
    this.tie();
  }

  // The card for all copies, in the box around the shown one; other inputs of hidden copies lead to it.
  tellOf(plate) {
    const box = this.scopes.chain(plate.scope), entering = new Map();
    if (this.scopes.folded(plate.scope) || !box.includes(plate.scope)) return;
    for (const [p, copies] of this.plates.entries(plate, this.model)) {
      const source = this.cardOf[p];
      if (this.cards.has(source)) entering.set(source, new Set([...entering.get(source) || [], ...copies]));
    }
    const ports = [...entering].map(([source, copies]) => ({ operands: [], source, text: copies.size === 1 ? plate.names[[...copies][0]] : `${copies.size} copies` }));
    this.add({ id: `p${plate.scope}`, kind: "plate", plate, around: box, ports });
  }

  // The card that a value is read from: its own, or a small stub if it comes from another copy.
  sourceOf(user, p, around) {
    const other = this.plates.isShown(p) ? null : this.plates.between(user, p);
    if (!other) return this.cardOf[p];
    const id = `h${p}`;
    if (!this.cards.has(id)) this.add({ id, kind: "stub", node: p, plate: other.plate, copy: other.copy, around, ports: [] });
    return id;
  }

  add(card) { this.cards.set(card.id, card); }
  operandsOf(i) { return this.composites.has(i) ? this.written.operandsOf(i) : this.model.operands[i]; }
  slopesOf(i) { return this.composites.has(i) ? this.written.uncut.get(i) : this.model.local[i]; }
  isCut(i, k) { return this.model.isCut(i, k, this.operandsOf(i)[k]); }
  opOf(i) { return this.model.isLeaf[i] ? null : this.composites.has(i) ? this.written.op(i) : this.model.state.ops[this.model.state.op[i]]; }

  exitsOf(card) {
    const inside = card.inside = new Set(card.nodes);
    card.exits = card.nodes.filter((i) => this.model.roots.includes(i) || !this.model.users[i].length || this.model.users[i].some(([user]) => !inside.has(user)));
    const kinds = new Map();
    for (const i of card.nodes) {
      const sign = this.model.isLeaf[i] ? "" : this.model.state.ops[this.model.state.op[i]].sign;
      kinds.set(sign, (kinds.get(sign) || 0) + 1);
    }
    const leaves = kinds.get("") || 0;
    kinds.delete("");
    const some = [...kinds].sort((a, b) => b[1] - a[1]).slice(0, 4).map(([sign, n]) => (n > 1 ? `${n} ${sign}` : sign));
    if (kinds.size > 4) some.push("…");
    if (leaves) some.push(`${leaves} ${leaves === 1 ? "leaf" : "leaves"}`);
    const composite = this.scopes.compositeOf.get(card.scope);
    card.caption = composite ? composite.caption : some.join(", ");
    card.isLeaf = card.nodes.every((i) => this.model.isLeaf[i]);
  }

  nodePorts(card) {
    const i = card.node, list = this.operandsOf(i), op = this.opOf(i), order = [...list.keys()], sources = list.map((p) => (this.model.isConstant[p] ? null : this.sourceOf(i, p, card.around)));
    if (op?.pairs) order.sort((a, b) => (a % (list.length / 2)) - (b % (list.length / 2)) || a - b);
    const bundles = new Map();
    for (const k of order) {
      const source = sources[k];
      if (source !== null && (this.cards.get(source)?.kind === "fold" || !this.plates.isShown(list[k]) || this.isRepeated(list[k], i))) bundles.set(source, [...bundles.get(source) || [], k]);
    }
    const ports = [];
    for (const k of order) {
      const p = list[k];
      if (this.model.isConstant[p]) { ports.push({ operands: [k], constant: p, source: null }); continue; }
      const source = sources[k], bundle = bundles.get(source) || [k], one = this.cards.get(source)?.kind === "fold" ? BUNDLED : 1;
      if (bundle.length <= one) ports.push({ operands: [k], source, from: p });
      else if (bundle[0] === k) ports.push({ operands: bundle, source });
    }
    return ports;
  }

  // Edges into a folded scope, grouped by the card that they come from.
  foldPorts(card) {
    const entering = new Map(), { inside } = card;
    for (const i of card.nodes) {
      for (const p of this.model.operands[i]) {
        if (inside.has(p) || this.model.isConstant[p]) continue;
        const source = this.sourceOf(i, p, card.around);
        if (source === card.id) continue;
        if (!entering.has(source)) entering.set(source, new Map());
        entering.get(source).set(p, (entering.get(source).get(p) || 0) + 1);
      }
    }
    const count = [...entering.values()].reduce((sum, nodes) => sum + nodes.size, 0), ports = [];
    for (const [source, nodes] of entering) {
      const edges = [...nodes.values()].reduce((sum, n) => sum + n, 0);
      if (card.exits.length === 1 && (count <= MOST_PORTS || nodes.size === 1)) for (const p of nodes.keys()) ports.push({ operands: [], source, from: p, through: p });
      else ports.push({ operands: [], source, text: `${edges} edge${edges > 1 ? "s" : ""}`, nodes: [...nodes.keys()] });
    }
    return ports;
  }

  // Whether a value of a copy is read outside of all copies, as are its counterparts in the others.
  isRepeated(p, user) { return this.plates.active.some((plate) => plate.at.has(p) && !plate.at.has(user)); }

  // If several cards all lead to the same several folded ones, their edges meet in a junction.
  tie() {
    const users = new Map();
    for (const card of this.cards.values()) {
      if (card.kind === "fold") for (const port of card.ports) users.set(port.source, [...users.get(port.source) || [], card.id]);
    }
    const classes = new Map();
    for (const [source, ids] of users) {
      const key = [...new Set(ids)].join(" ");
      if (!classes.has(key)) classes.set(key, { ids: [...new Set(ids)], sources: [] });
      classes.get(key).sources.push(source);
    }
    for (const { ids, sources } of classes.values()) {
      if (ids.length < TIED || sources.length < TIED) continue;
      const chains = [...ids, ...sources].map((id) => this.cards.get(id).around);
      let depth = 0;
      while (chains.every((chain) => chain.length > depth && chain[depth] === chains[0][depth])) depth += 1;
      const id = `j${this.cards.size}`, gone = new Set(sources);
      this.add({ id, kind: "junction", around: chains[0].slice(0, depth), ports: sources.map((source) => ({ operands: [], source, nodes: [] })) });
      for (const one of ids) {
        const card = this.cards.get(one), kept = card.ports.filter((port) => !gone.has(port.source)), tied = card.ports.filter((port) => gone.has(port.source));
        card.ports = [...kept, { operands: [], source: id, text: `${tied.length} inputs`, nodes: tied.flatMap((port) => port.nodes || [port.from]) }];
      }
    }
  }

  // The text at a port: the number of a constant, a local derivative, or how many edges meet.
  portSaid(card, port, through) {
    if (port.constant !== undefined) return [numberText(this.model.data[port.constant]), null];
    if (port.through !== undefined) { const d = through?.get(port.through) || 0; return [`×${numberText(d, 3)}`, d]; }
    if (!port.operands.length) return [port.text || "", null];
    const slopes = this.slopesOf(card.node), all = port.operands.map((k) => slopes[k]);
    if (all.length === 1) return [`×${numberText(all[0])}`, all[0]];
    const same = all.every((x) => Object.is(x, all[0]));
    return [same ? `${all.length} ×${numberText(all[0])}` : `${all.length} edges`, all.every((x) => x === 0) ? 0 : null];
  }

  // The derivatives of a folded scope's only output with respect to its inputs: a reverse sweep of the scope alone.
  through(card) {
    if (card.exits.length !== 1) return new Map();
    const into = new Map([[card.exits[0], 1]]);
    for (const i of [...card.nodes].reverse()) {
      const g = into.get(i) || 0;
      if (g === 0) continue;
      this.model.operands[i].forEach((p, k) => {
        const d = this.model.local[i][k];
        if (d !== 0 && !this.model.isConstant[p]) into.set(p, (into.get(p) || 0) + d * g);
      });
    }
    for (const i of card.nodes) if (i !== card.exits[0]) into.delete(i);
    return into;
  }
}
