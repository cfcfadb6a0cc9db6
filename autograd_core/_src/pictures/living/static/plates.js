// Repeated structure, such as cases or time steps: one copy at a time is shown, in the positions of the one laid out.

class Plates {
  constructor(model) {
    this.list = (model.state.plates || []).map((plate) => {
      const at = new Map();  // by node: [copy, place]
      plate.items.forEach((items, copy) => items.forEach((i, place) => { if (i >= 0 && plate.items[plate.shown][place] >= 0) at.set(i, [copy, place]); }));
      const weights = new Set(plate.items[plate.shown].flatMap((i) => (i < 0 ? [] : model.operands[i].filter((p) => model.isLeaf[p] && !at.has(p)))));
      return { ...plate, at, weights, current: plate.shown, isOpen: false };
    });
  }

  get active() { return this.list.filter((plate) => !plate.isOpen); }
  of(scope) { return this.list.find((plate) => plate.scope === scope); }

  // The laid-out node whose position a node of any copy takes.
  place(i) {
    for (const plate of this.active) {
      const hit = plate.at.get(i);
      if (hit) i = plate.items[plate.shown][hit[1]];
    }
    return i;
  }

  // The node that is now shown in the position of a laid-out node.
  now(place) {
    for (const plate of this.active.reverse()) {
      const hit = plate.at.get(place);
      if (hit?.[0] === plate.shown && plate.items[plate.current][hit[1]] >= 0) place = plate.items[plate.current][hit[1]];
    }
    return place;
  }

  has(i) { return this.active.some((plate) => plate.at.has(i)); }
  isShown(i) { return this.now(this.place(i)) === i; }

  // The copies of one plate that two nodes belong to, if they differ: the edge leads from one copy to another.
  between(i, p) {
    for (const plate of this.active) {
      const [a, b] = [plate.at.get(i), plate.at.get(p)];
      if (a && b && a[0] !== b[0]) return { plate, copy: b[0] };
    }
    return null;
  }

  // Show the copies that a node belongs to; returns whether that changed anything.
  follow(i) {
    let changed = false;
    for (const plate of this.active) {
      const hit = plate.at.get(i);
      if (hit && hit[0] !== plate.current) { plate.current = hit[0]; changed = true; }
    }
    return changed;
  }

  // Nodes that enter only copies that are not shown, such as an initial state, with these copies.
  entries(plate, model) {
    const seen = new Set(plate.items[plate.current].flatMap((i) => (i < 0 ? [] : model.operands[i]))), found = new Map();
    plate.items.forEach((items, copy) => {
      if (copy === plate.current) return;
      for (const i of items) {
        for (const p of i < 0 ? [] : model.operands[i]) {
          if (plate.at.has(p) || seen.has(p) || model.isConstant[p]) continue;
          if (!found.has(p)) found.set(p, new Set());
          found.get(p).add(copy);
        }
      }
    });
    return found;
  }

  // For each copy, its contribution to the gradients of shared leaves; if there are none, or the copies form a chain,
  // the gradient of its output. The norm, if that is several numbers.
  signals(plate, model) {
    if (!plate.shared.length) return plate.exits.map((exits) => Math.hypot(...exits.map((i) => model.adjoint[i])));
    return plate.items.map((items) => {
      const sums = new Map(plate.shared.map((leaf) => [leaf, 0]));
      for (const i of items) {
        const g = i < 0 ? 0 : model.adjoint[i];
        if (g !== 0) model.operands[i].forEach((p, k) => { const d = model.local[i][k]; if (d !== 0 && sums.has(p)) sums.set(p, sums.get(p) + d * g); });
      }
      return Math.hypot(...sums.values());
    });
  }

  // The plate whose copies share a leaf, with the contribution of each copy to its gradient.
  sharing(leaf) { return this.active.find((plate) => plate.weights.has(leaf)); }

  parts(plate, leaf, model) {
    const sums = plate.names.map(() => 0);
    if (model.cuts.has(`${leaf}`)) return sums;
    for (const [user, k] of model.users[leaf]) {
      const hit = plate.at.get(user), d = model.local[user][k], g = model.adjoint[user];
      if (hit && d !== 0 && g !== 0 && !model.cuts.has(`${user} ${k}`)) sums[hit[0]] += d * g;
    }
    return sums;
  }

  // Training cases start with the one that contributes most.
  begin(model) {
    for (const plate of this.list) {
      if (!plate.shared.length) continue;
      const sizes = this.signals(plate, model).map((x) => (finite(x) ? x : 0));
      plate.current = sizes.indexOf(Math.max(...sizes));
    }
  }
}
