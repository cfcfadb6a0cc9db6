// Undo and redo: leaves, cuts and the point as they were before each change.

const MOST_UNDONE = 200;

class Changes {
  constructor(host) {
    this.host = host;
    [this.done, this.undone] = [[], []];
    this.element = h("span", { class: "agl-group", role: "group", "aria-label": "Changes" },
      this.back = button("Undo", "Undo (Ctrl+Z)", () => this.undo()), this.again = button("Redo", "Redo (Ctrl+Shift+Z)", () => this.redo()));
    this.follow();
  }

  forget() {
    [this.done, this.undone] = [[], []];
    this.follow();
  }

  now() { const { model, at } = this.host; return { numbers: Float64Array.from(model.leaves, (i) => model.data[i]), cuts: [...model.cuts], at }; }

  // Called before a change. Consecutive changes of one kind, such as of a slider, are one entry and undone together.
  begin(kind = null) {
    const last = this.done[this.done.length - 1];
    if (!kind || !last || last.kind !== kind || this.undone.length) this.done.push({ ...this.now(), kind });
    if (this.done.length > MOST_UNDONE) this.done.shift();
    this.undone = [];
  }

  undo() { this.go(this.done, this.undone, "Undone", "undo"); }
  redo() { this.go(this.undone, this.done, "Redone", "redo"); }

  // Go to the last state that differs from the present one; changes without effect are skipped.
  go(from, into, said, word) {
    const now = this.now();
    let told = "";
    while (from.length && !told) {
      const one = from.pop();
      told = this.difference(now, one);
      if (told) { into.push({ ...now, kind: null }); this.apply(one); }
    }
    this.follow();
    this.host.say(told ? `${said}: ${told}` : `Nothing to ${word}`);
  }

  apply({ numbers, cuts, at }) {
    const { host } = this, { model } = host;
    host.change = null;
    host.at = at;
    host.graph.showsGhosts = true;
    model.remember();
    model.cuts.clear();
    for (const key of cuts) model.cuts.add(key);
    model.put(numbers);
    host.changed({ restored: true });
  }

  // The difference of two states in words, "" if there is none: one leaf with its number, or how many; cuts; the point.
  difference(now, then) {
    const { model } = this.host, { shown, points } = model.state, leaves = model.leaves.filter((_, j) => !Object.is(now.numbers[j], then.numbers[j]));
    const number = (i) => numberText(then.numbers[model.leaves.indexOf(i)]), isCut = new Set(now.cuts), willBe = new Set(then.cuts);
    const told = now.at !== then.at && points ? [points.labels[then.at]] : leaves.length === 1 ? [`${shown[leaves[0]]} = ${number(leaves[0])}`] : leaves.length ? [`${leaves.length} leaves have other numbers`] : [];
    const cuts = (keys, word) => (keys.length === 1 ? [`${this.edge(keys[0])} is ${word}`] : keys.length ? [`${keys.length} edges are ${word}`] : []);
    return [...told, ...cuts(then.cuts.filter((key) => !isCut.has(key)), "cut"), ...cuts(now.cuts.filter((key) => !willBe.has(key)), "back")].join(", ");
  }

  edge(key) {
    const { model, written } = this.host, { shown } = model.state, [node, k] = key.split(" ").map(Number);
    return k === undefined ? shown[node] : `the edge from ${shown[written.operandsOf(node)[k]]} to ${shown[node]}`;
  }

  // Once there is something to undo, both buttons stay visible: hiding one would lose the keyboard focus.
  follow() {
    put(this.element, "hidden", this.done.length || this.undone.length ? null : "");
    put(this.back, "aria-disabled", String(!this.done.length));
    put(this.again, "aria-disabled", String(!this.undone.length));
  }
}
