// Positions: each open scope is laid out by dagre on its own, innermost first, and is one box in the scope around it.

const PAD = 10, HEAD = 20, JUNCTION = 5, READABLE = 0.8, NARROWEST = 0.5;
const FINE = 150;  // up to so many cards dagre lays out; with more it takes seconds, then minutes
const FEW = 120;  // levels with at most so many nodes and bends have their leaves swapped

function measure(scene, flow) {
  for (const card of scene.cards.values()) {
    const across = flow === "LR", count = card.ports.length, dense = across && count > DENSE;
    const through = card.kind === "fold" ? scene.through(card) : null, shown = (port) => scene.portSaid(card, port, through)[0];
    const crowded = count > CROWD || (!across && count > 16);
    let end = 0;
    card.chip = 0;
    for (const port of card.ports) {
      port.width = card.kind === "junction" ? 0 : crowded ? 6 : port.constant !== undefined ? Math.max(22, extent(shown(port), SIZE.chipFont) + 8) : Math.max(CHIP[0], extent(shown(port), SIZE.chipFont) + 8);
      port.height = card.kind === "junction" ? 0 : crowded ? 4 : dense ? 14 : CHIP[1];
      port.silent = crowded;
      const size = card.kind === "junction" ? 9 : across ? port.height : port.width, gap = dense || crowded ? 1 : 2.5;
      port.at = end + size / 2;
      end += size + gap;
      card.chip = Math.max(card.chip, across ? port.width : port.height);
    }
    for (const port of card.ports) port.at -= end / 2;
    const [w, t] = card.kind === "plate" ? PLATE : card.kind === "stub" ? [extent(stubText(scene.model, card), 10.5) + 14, 20] : card.kind === "fold" ? FOLD : card.kind === "junction" ? [JUNCTION, JUNCTION] : card.isRow ? ROW : CARD;
    card.width = across ? w : Math.max(w, end + 8);
    card.height = across ? Math.max(t, card.kind === "junction" ? end : end + 8) : t;
    card.size = across ? [card.width + card.chip, card.height] : [card.width, card.height + card.chip];
  }
}

function ranked(graph) {
  const rank = ranksOf(graph.nodes(), (id) => graph.inEdges(id) || [], (id) => graph.outEdges(id) || [], (edge) => graph.edge(edge).minlen);
  for (const [id, r] of rank) graph.node(id).rank = r;
}

// Among orders with equally few crossings dagre's is arbitrary. Choose the order or its mirror image in which more operands
// are in the order of their card's chips; then swap pairs of leaves that are not, if that adds no crossing.
function turnedToChips(layers, pairs) {
  const ids = layers.nodes(), at = (id) => layers.node(id), chip = new Map(pairs.map(([a, b], k) => [`${a} ${b}`, k]));
  const operands = (id) => layers.predecessors(id).map((p) => [p, chip.get(`${at(p).edgeObj?.v ?? p} ${id}`)])
    .filter(([, k]) => k !== undefined).sort(([p], [q]) => at(p).order - at(q).order);
  const sorted = (list) => list.slice(1).reduce((sum, [, k], i) => sum + Math.sign(k - list[i][1]), 0);
  if (ids.reduce((sum, id) => sum + sorted(operands(id)), 0) < 0) for (const id of ids) at(id).order *= -1;
  for (const id of ids.length <= FEW ? ids : []) {
    const list = operands(id);
    for (let k = 0; sorted(list) < list.length - 1 && k < list.length ** 2; k++) {
      const i = k % (list.length - 1), a = wayFromLeaf(layers, list[i][0]), b = wayFromLeaf(layers, list[i + 1][0]);
      if (list[i][1] < list[i + 1][1] || a.length !== b.length || !a.length) continue;
      const before = crossings(layers);
      swapped(layers, a, b);
      if (crossings(layers) > before) swapped(layers, a, b);
      else [list[i], list[i + 1]] = [list[i + 1], list[i]];
    }
  }
  const rows = new Map();
  for (const id of ids) rows.set(at(id).rank, [...rows.get(at(id).rank) || [], id]);
  for (const row of rows.values()) row.sort((p, q) => at(p).order - at(q).order).forEach((id, k) => { at(id).order = k; });
}

// The bends of an edge from its last one upwards, and its leaf; empty if its source is no leaf, or has other users.
function wayFromLeaf(layers, last) {
  const way = [last];
  for (let into = layers.predecessors(last); into.length; into = layers.predecessors(into[0])) {
    if (into.length > 1 || layers.successors(into[0]).length > 1) return [];
    way.push(into[0]);
  }
  return way;
}

function swapped(layers, a, b) {
  a.forEach((id, i) => { [layers.node(id).order, layers.node(b[i]).order] = [layers.node(b[i]).order, layers.node(id).order]; });
}

function crossings(layers) {
  const byRank = new Map();
  for (const { v, w } of layers.edges()) {
    const { rank, order } = layers.node(v);
    byRank.set(rank, [...byRank.get(rank) || [], [order, layers.node(w).order]]);
  }
  let count = 0;
  for (const edges of byRank.values()) {
    for (let i = 0; i < edges.length; i++) {
      for (let k = 0; k < i; k++) count += (edges[i][0] - edges[k][0]) * (edges[i][1] - edges[k][1]) < 0;
    }
  }
  return count;
}

// Lay out one level: items with sizes, and edges between them; gives the items' corners and the edges' bends.
function level(items, pairs, flow) {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: flow, nodesep: flow === "LR" ? 14 : 22, edgesep: 9, ranksep: 38, ranker: ranked });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [id, [width, height]] of items) graph.setNode(id, { width, height });
  for (const [a, b] of pairs) graph.setEdge(a, b, {});
  dagre.layout(graph, { customOrder: (layers, order) => { order(layers); turnedToChips(layers, pairs); } });
  const corners = new Map(), bends = new Map();
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  const reach = (x, y, w, t) => { [left, top, right, bottom] = [Math.min(left, x - w / 2), Math.min(top, y - t / 2), Math.max(right, x + w / 2), Math.max(bottom, y + t / 2)]; };
  for (const [id, [width, height]] of items) reach(graph.node(id).x, graph.node(id).y, width, height);
  const inner = pairs.map(([a, b]) => { const { points } = graph.edge(a, b); return points.length > 3 ? points.slice(1, -1) : []; });
  for (const { x, y } of inner.flat()) reach(x, y, 0, 0);
  pairs.forEach(([a, b], k) => bends.set(`${a} ${b}`, inner[k].map(({ x, y }) => [x - left, y - top])));
  for (const [id, [width, height]] of items) corners.set(id, [graph.node(id).x - width / 2 - left, graph.node(id).y - height / 2 - top]);
  return { corners, bends, size: items.size ? [right - left, bottom - top] : [0, 0] };
}

// The pieces of an edge, out of its scopes and into others, as (scope, start, end): "c" a card, "b" the box of a scope,
// "x" and "e" the points at which a card's edges exit and enter the surrounding scope.
function piecesOf(from, card) {
  const a = [0, ...from.around], b = [0, ...card.around], pieces = [];
  let depth = 0, start = `c${from.id}`;
  while (depth + 1 < Math.min(a.length, b.length) && a[depth + 1] === b[depth + 1]) depth += 1;
  for (let d = a.length - 1; d > depth; d--) { pieces.push([a[d], start, `x${from.id}`]); start = `b${a[d]}`; }
  for (let d = depth; d < b.length - 1; d++) { pieces.push([b[d], start, `b${b[d + 1]}`]); start = `e${from.id}`; }
  return [...pieces, [b[b.length - 1], start, `c${card.id}`]];
}

// The contents of each scope, its items and the edges between them; and all edges with their pieces.
function levelsOf(scene) {
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
      const from = scene.cards.get(port.source), pieces = piecesOf(from, card);
      for (const [scope, start, end] of pieces) {
        for (const id of [start, end]) if (/^[ex]/.test(id)) place(scope).items.set(id, null);
        place(scope).pairs.set(`${start} ${end}`, [start, end]);
      }
      edges.push({ card, port, from, pieces });
    }
  }
  const depth = new Map([...inside.keys()].map((scope) => [scope, scene.scopes.chain(scope).length]));
  return { inside, edges, scopes: [...inside.keys()].sort((p, q) => depth.get(q) - depth.get(p)) };
}

const cardAt = (scene, id) => scene.cards.get(idOf(id.slice(1)));

// Lay out all scopes, innermost first: a scope is a box of known size in the one around it.
function laidOut(scene, { inside, scopes }, flow, way) {
  const laid = new Map();
  measure(scene, flow);
  for (const scope of scopes) {
    const { items, pairs } = inside.get(scope);
    for (const id of items.keys()) {
      if (id[0] === "b") {
        const [w, t] = laid.get(+id.slice(1)).size, name = extent(scene.scopes.names[+id.slice(1)], 11) * 0.95 + 30;
        items.set(id, [Math.max(w + 2 * PAD, Math.min(name, 200)), t + 2 * PAD + HEAD]);
      } else items.set(id, id[0] === "c" ? cardAt(scene, id).size : [2, 2]);
    }
    laid.set(scope, way(items, [...pairs.values()], flow));
  }
  return laid;
}

function arranged(scene, flow, levels) {
  const { inside, edges, scopes } = levels, laid = laidOut(scene, levels, flow, scene.cards.size > FINE ? layered : level);
  const corner = new Map([[0, [0, 0]]]), frames = new Map(), points = new Map();
  for (const scope of [...scopes].reverse()) {
    const [x0, y0] = corner.get(scope);
    for (const [id, [x, y]] of laid.get(scope).corners) {
      if (id[0] === "b") {
        const inner = +id.slice(1), [width, height] = inside.get(scope).items.get(id);
        frames.set(inner, { scope: inner, x: x0 + x, y: y0 + y, width, height });
        corner.set(inner, [x0 + x + PAD + Math.max(0, (width - 2 * PAD - laid.get(inner).size[0]) / 2), y0 + y + PAD + HEAD]);
      } else if (id[0] === "c") {
        const card = cardAt(scene, id);
        [card.x, card.y] = flow === "LR" ? [x0 + x + card.chip, y0 + y] : [x0 + x, y0 + y + card.chip];
      } else points.set(`${scope} ${id}`, [x0 + x + 1, y0 + y + 1]);
    }
  }
  const routes = edges.map((edge) => {
    const route = [exit(edge.from, flow)];
    for (const [scope, start, end] of edge.pieces) {
      const [x0, y0] = corner.get(scope), frame = frames.get(scope), door = (id, side) => {
        const [x, y] = points.get(`${scope} ${id}`);
        return flow === "LR" ? [frame.x + side * frame.width, y] : [x, frame.y + side * frame.height];
      };
      if (start[0] === "e") route.push(door(start, 0), points.get(`${scope} ${start}`));
      route.push(...(laid.get(scope).bends.get(`${start} ${end}`) || []).map(([x, y]) => [x0 + x, y0 + y]));
      if (end[0] === "x") route.push(points.get(`${scope} ${end}`), door(end, 1));
    }
    return { ...edge, points: [...route, entry(edge.card, edge.port, flow)] };
  });
  return { flow, boxes: [...frames.values()], routes, size: laid.get(0).size };
}

const exit = (card, flow) => (flow === "LR" ? [card.x + card.width, card.y + faceOf(card) / 2] : [card.x + card.width / 2, card.y + card.height]);
const faceOf = (card) => card.height - (card.kind === "fold" ? SIZE.pile : 0);
const entry = (card, port, flow) => (flow === "LR" ? [card.x - port.width, card.y + card.height / 2 + port.at] : [card.x + card.width / 2 + port.at, card.y - port.height]);

// An estimate of the size of a level without laying it out: exact along the flow, a lower bound across it.
function roughly(items, pairs, flow) {
  const ids = [...items.keys()], into = new Map(ids.map((id) => [id, []])), out = new Map(ids.map((id) => [id, []]));
  for (const [v, w] of pairs) { const edge = { v, w }; into.get(w).push(edge); out.get(v).push(edge); }
  const along = new Map(), across = new Map(), [a, b] = flow === "LR" ? [0, 1] : [1, 0], gap = flow === "LR" ? 14 : 22;
  for (const [id, r] of ranksOf(ids, (id) => into.get(id), (id) => out.get(id))) {
    along.set(r, Math.max(along.get(r) || 0, items.get(id)[a]));
    across.set(r, (across.has(r) ? across.get(r) + gap : 0) + items.get(id)[b]);
  }
  const size = [0, 0];
  size[a] = [...along.values()].reduce((sum, x) => sum + x + 38, along.size ? -38 : 0);
  size[b] = Math.max(0, ...across.values());
  return { size };
}

// Left to right if that stays readable in the available width, else top to bottom if that is easier to read.
function layout(scene, room) {
  const levels = levelsOf(scene), [across, down] = ["LR", "TB"].map((flow) => () => laidOut(scene, levels, flow, roughly).get(0).size);
  const cost = ([w, t]) => { const shrunk = Math.max(1, (w + 32) / room); return t * shrunk ** 1.5 * (shrunk * NARROWEST > 1 ? 100 : shrunk * READABLE > 1 ? 2 : 1); };
  const isAcross = () => { const size = across(); return size[0] + 32 <= room / READABLE || cost(down()) >= cost(size); };
  return arranged(scene, scene.cards.size > 400 || isAcross() ? "LR" : "TB", levels);
}

// A route as a path: curved along the flow from point to point, and straight where it does not turn.
function curve(points, flow) {
  const along = flow === "LR" ? 0 : 1, kept = points.filter((p, k) => k === 0 || k === points.length - 1 || p[along] > points[k - 1][along] + 1);
  points = kept.filter((p, k) => k === 0 || k === kept.length - 1 || Math.abs(kept[k - 1][1 - along] - p[1 - along]) > 0.5 || Math.abs(kept[k + 1][1 - along] - p[1 - along]) > 0.5);
  const at = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`, parts = [`M${at(points[0])}`];
  for (let k = 1; k < points.length; k++) {
    const [[x0, y0], [x, y]] = [points[k - 1], points[k]];
    if (Math.abs(x - x0) < 0.5 || Math.abs(y - y0) < 0.5) parts.push(`L${at([x, y])}`);
    else if (flow === "LR") { const bend = Math.max((x - x0) / 2, 12); parts.push(`C${at([x0 + bend, y0])} ${at([x - bend, y])} ${at([x, y])}`); }
    else { const bend = Math.max((y - y0) / 2, 12); parts.push(`C${at([x0, y0 + bend])} ${at([x, y - bend])} ${at([x, y])}`); }
  }
  return parts.join("");
}
