// Positions: each open scope is laid out by dagre on its own, innermost first, and is one box in the scope around it.

const PAD = 10, HEAD = 20, CHIP = [44, 14], JUNCTION = 5, READABLE = 0.8, NARROWEST = 0.6;

function measure(scene, flow) {
  for (const card of scene.cards.values()) {
    const across = flow === "LR", count = card.ports.length, dense = across && count > DENSE;
    const shown = (port) => scene.model && (port.constant !== undefined ? numberText(scene.model.data[port.constant]) : port.text || "×−0.0000");
    const crowded = count > CROWD || (!across && count > 16);
    let end = 0;
    card.chip = 0;
    for (const port of card.ports) {
      port.width = card.kind === "junction" ? 0 : crowded ? 6 : port.constant !== undefined ? Math.max(22, extent(shown(port), 9) + 8) : Math.max(CHIP[0], extent(shown(port), 9) + 8);
      port.height = card.kind === "junction" ? 0 : crowded ? 4 : dense ? 12 : CHIP[1];
      port.silent = crowded;
      const size = card.kind === "junction" ? 9 : across ? port.height : port.width, gap = dense || crowded ? 1 : 2.5;
      port.at = end + size / 2;
      end += size + gap;
      card.chip = Math.max(card.chip, across ? port.width : port.height);
    }
    for (const port of card.ports) port.at -= end / 2;
    const [w, t] = card.kind === "fold" ? FOLD : card.kind === "junction" ? [JUNCTION, JUNCTION] : card.isRow ? ROW : CARD;
    card.width = across ? w : Math.max(w, end + 8);
    card.height = across ? Math.max(t, card.kind === "junction" ? end : end + 8) : t;
    card.size = across ? [card.width + card.chip, card.height] : [card.width, card.height + card.chip];
  }
}

// One level: items with sizes, and pairs of them that edges join; their corners and the edges' bends.
function level(items, pairs, flow) {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: flow, nodesep: flow === "LR" ? 14 : 22, edgesep: 8, ranksep: items.size > 80 ? 34 : 40, ranker: items.size > 150 ? "longest-path" : "network-simplex" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [id, [width, height]] of items) graph.setNode(id, { width, height });
  for (const [a, b] of pairs) graph.setEdge(a, b, {});
  dagre.layout(graph);
  const corners = new Map(), bends = new Map();
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [id, [width, height]] of items) {
    const { x, y } = graph.node(id);
    corners.set(id, [x - width / 2, y - height / 2]);
    [left, top, right, bottom] = [Math.min(left, x - width / 2), Math.min(top, y - height / 2), Math.max(right, x + width / 2), Math.max(bottom, y + height / 2)];
  }
  for (const [a, b] of pairs) {
    const { points } = graph.edge(a, b);
    bends.set(`${a} ${b}`, points.length > 3 ? points.slice(1, -1).map(({ x, y }) => [x - left, y - top]) : []);
    for (const { x, y } of points) [left, top, right, bottom] = [left, top, Math.max(right, x), Math.max(bottom, y)];
  }
  for (const [id, [x, y]] of corners) corners.set(id, [x - left, y - top]);
  return { corners, bends, size: items.size ? [right - left, bottom - top] : [0, 0] };
}

function arranged(scene, flow) {
  measure(scene, flow);
  const inside = new Map([[0, { items: new Map(), pairs: new Map() }]]);
  const place = (scope) => { if (!inside.has(scope)) inside.set(scope, { items: new Map(), pairs: new Map() }); return inside.get(scope); };
  for (const card of scene.cards.values()) {
    const chain = [0, ...card.around];
    chain.forEach((scope, depth) => place(scope).items.set(depth < card.around.length ? `b${chain[depth + 1]}` : `c${card.id}`, null));
  }
  const edges = [];
  for (const card of scene.cards.values()) {
    for (const port of card.ports) {
      if (port.source === null) continue;
      const from = scene.cards.get(port.source), a = [0, ...from.around], b = [0, ...card.around];
      let depth = 0;
      while (depth + 1 < Math.min(a.length, b.length) && a[depth + 1] === b[depth + 1]) depth += 1;
      const ends = [[a, from], [b, card]].map(([chain, end]) => (chain.length > depth + 1 ? `b${chain[depth + 1]}` : `c${end.id}`));
      if (ends[0] !== ends[1]) place(a[depth]).pairs.set(ends.join(" "), ends);
      edges.push({ card, port, from, scope: a[depth], ends });
    }
  }
  const depthOf = (scope) => scene.scopes.chain(scope).length, laid = new Map();
  for (const scope of [...inside.keys()].sort((p, q) => depthOf(q) - depthOf(p))) {
    const { items, pairs } = inside.get(scope);
    for (const id of items.keys()) {
      if (id[0] === "b") {
        const [w, t] = laid.get(+id.slice(1)).size, name = extent(scene.scopes.names[+id.slice(1)], 11) * 0.95 + 18;
        items.set(id, [Math.max(w + 2 * PAD, Math.min(name, 200)), t + 2 * PAD + HEAD]);
      } else items.set(id, scene.cards.get(/^c\d/.test(id) ? +id.slice(1) : id.slice(1)).size);
    }
    laid.set(scope, level(items, [...pairs.values()], flow));
  }
  const corner = new Map([[0, [0, 0]]]), boxes = [];
  for (const scope of [...inside.keys()].sort((p, q) => depthOf(p) - depthOf(q))) {
    const [x0, y0] = corner.get(scope);
    for (const [id, [x, y]] of laid.get(scope).corners) {
      if (id[0] === "b") {
        const inner = +id.slice(1), [w, t] = inside.get(scope).items.get(id);
        boxes.push({ scope: inner, x: x0 + x, y: y0 + y, width: w, height: t });
        corner.set(inner, [x0 + x + PAD + Math.max(0, (w - 2 * PAD - laid.get(inner).size[0]) / 2), y0 + y + PAD + HEAD]);
      } else {
        const card = scene.cards.get(/^c\d/.test(id) ? +id.slice(1) : id.slice(1));
        [card.x, card.y] = flow === "LR" ? [x0 + x + card.chip, y0 + y] : [x0 + x, y0 + y + card.chip];
      }
    }
  }
  const routes = edges.map((edge) => {
    const [x0, y0] = corner.get(edge.scope), bends = laid.get(edge.scope).bends.get(edge.ends.join(" ")) || [];
    return { ...edge, points: [exit(edge.from, flow), ...bends.map(([x, y]) => [x0 + x, y0 + y]), entry(edge.card, edge.port, flow)] };
  });
  return { flow, boxes, routes, size: laid.get(0).size };
}

const exit = (card, flow) => (flow === "LR" ? [card.x + card.width, card.y + faceOf(card) / 2] : [card.x + card.width / 2, card.y + card.height]);
const faceOf = (card) => card.height - (card.kind === "fold" ? 6 : 0);
const entry = (card, port, flow) => (flow === "LR" ? [card.x - port.width, card.y + card.height / 2 + port.at] : [card.x + card.width / 2 + port.at, card.y - port.height]);

// Left to right where that stays readable in the room there is, else top to bottom if that is easier to read.
function layout(scene, room) {
  const across = arranged(scene, "LR");
  if (across.size[0] + 32 <= room / READABLE || scene.cards.size > 400) return across;
  const down = arranged(scene, "TB");
  const cost = ({ size: [w, t] }) => { const shrunk = Math.max(1, (w + 32) / room); return t * shrunk ** 1.5 * (shrunk * NARROWEST > 1 ? 100 : shrunk * READABLE > 1 ? 2 : 1); };
  return cost(down) < cost(across) ? down : arranged(scene, "LR");
}

// A route as a path: curved along the flow from point to point, and straight where it does not turn.
function curve(points, flow) {
  const at = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`, parts = [`M${at(points[0])}`];
  for (let k = 1; k < points.length; k++) {
    const [[x0, y0], [x, y]] = [points[k - 1], points[k]];
    if (Math.abs(x - x0) < 0.5 || Math.abs(y - y0) < 0.5) parts.push(`L${at([x, y])}`);
    else if (flow === "LR") { const bend = Math.max((x - x0) / 2, 12); parts.push(`C${at([x0 + bend, y0])} ${at([x - bend, y])} ${at([x, y])}`); }
    else { const bend = Math.max((y - y0) / 2, 12); parts.push(`C${at([x0, y0 + bend])} ${at([x, y - bend])} ${at([x, y])}`); }
  }
  return parts.join("");
}
