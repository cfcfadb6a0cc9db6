// Edges: their width, direction, highlighting and cuts.

class EdgeView {
  constructor(graph, { card, port, from, points }) {
    Object.assign(this, { graph, card, port, from });
    const xs = points.map(([x]) => x), ys = points.map(([, y]) => y);
    this.box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    this.d = curve(points, graph.plan.flow);
    this.line = s("path", { class: "edge", d: this.d });
    this.element = s("g", { class: "agl-edge", "data-from": from.id, "data-to": card.id }, this.line);
  }

  // The invisible wide line that the pointer hits, and its tooltip; made when first needed.
  fill() {
    if (this.isFilled) return;
    this.isFilled = true;
    const title = s("title", {}), hit = s("path", { class: "agl-hit", d: this.d }, title);
    hit.addEventListener("pointerenter", () => setText(title, this.said()));
    hit.addEventListener("click", () => { if (!this.graph.dragged) this.graph.host.edgeClicked(this); });
    this.element.append(hit);
  }

  said() {
    const { card, port, graph, flow } = this;
    if (graph.isCut(card, port)) return "Nothing flows here: it is cut. A click takes it back.";
    return flow === null || port.operands.length !== 1 ? "" : `${numberText(flow)} flows back here; a click cuts this edge`;
  }

  tell() {}

  // The gradient flow along the edge, |local derivative × adjoint|; for a folded scope the sum over its edges.
  // null while the stepper has not reached it.
  flowing() {
    const { card, port, graph } = this, { model, scene, host } = graph, { steps } = host;
    if (card.kind === "plate") return NaN;
    if (steps.isOn && !(card.nodes || [card.node ?? -1]).every((i) => i < 0 || model.isLeaf[i] || steps.isSent(i))) return null;
    if (card.kind === "node") {
      const g = steps.adjoint(card.node), slopes = scene.slopesOf(card.node);
      return g === 0 ? 0 : port.operands.reduce((sum, k) => sum + (slopes[k] === 0 || scene.isCut(card.node, k) ? 0 : slopes[k] * g), 0);
    }
    if (card.kind !== "fold" || port.from === undefined) return NaN;
    this.uses ||= model.users[port.from].filter(([user]) => card.inside.has(user));
    if (model.cuts.has(`${port.from}`)) return 0;
    return this.uses.reduce((sum, [user, k]) => { const d = model.local[user][k], g = steps.adjoint(user); return d === 0 || g === 0 ? sum : sum + d * g; }, 0);
  }

  // Whether the local derivative is 0, which is known from the step that computes the value on.
  get isDead() {
    if (this.flow !== null) return this.flow === 0;
    const { card, port, graph } = this, { scene, host } = graph;
    if (card.kind !== "node" && card.kind !== "fold") return false;
    return host.isValueShown(card.kind === "node" ? card.node : card.exits[0]) && scene.portSaid(card, port, port.through === undefined ? null : scene.through(card))[1] === 0;
  }

  follow() {
    const { card, port, graph, flow: x } = this, { chosen, trail, isBack, flow: largest } = graph.lit, { host } = graph;
    const width = x === null || Number.isNaN(x) ? 1.4 : x === 0 || !largest ? 1 : 1.2 + 3.4 * Math.sqrt(Math.min(1, Math.abs(x) / largest));
    const cut = graph.isCut(card, port), on = trail ? trail.has(`${this.from.id} ${card.id}`) : chosen.has(card.id) || (!host.steps.isOn && chosen.has(this.from.id));
    const isTold = x !== null && !(Number.isNaN(x) && card.kind !== "node"), kind = !on ? "plain" : !isTold ? "now" : Number.isNaN(x) ? "neg" : bySign(x) || "plain";
    put(this.line, "class", `edge ${this.isDead ? "dead" : ""} ${cut ? "agl-cut" : ""} ${on ? `agl-on ${kind}` : trail ? "agl-faint" : ""}`);
    put(this.line, "strokeWidth", (Math.round(width * 4) / 4).toFixed(2));  // finer differences are invisible
    const marker = `url(#${host.uid}-${kind})`;
    put(this.line, "marker-start", isBack ? marker : null);
    put(this.line, "marker-end", isBack ? null : marker);
  }
}
