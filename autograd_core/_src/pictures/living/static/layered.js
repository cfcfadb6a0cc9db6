// Coordinates of one level of a large picture, where dagre takes minutes: Sugiyama's method, as in the library's pictures.
// All edges from one item share one trunk; each sweep over the layers is linear in the edges, but for sorting.

const SWEEPS = 6, PASSES = 6;  // over the orders of layers, and over the coordinates
const TRUNKS = 4;  // points of trunks per item and edge: those that are longer than this allows go straight

// Ranks along the flow: as early as operands allow, sources next to their users, entries and exits at the box's sides.
function ranksOf(ids, into, out, lengthOf = () => 1) {
  const rank = new Map(), order = [], seen = new Set(), isOurs = (id) => /^[bcex]/.test(id);
  const visit = (id) => {
    const path = [[id, 0]];
    seen.add(id);
    while (path.length) {
      const top = path[path.length - 1], list = into(top[0]);
      if (top[1] === list.length) { order.push(path.pop()[0]); continue; }
      const { v } = list[top[1]++];
      if (!seen.has(v)) { seen.add(v); path.push([v, 0]); }
    }
  };
  for (const id of ids) if (!seen.has(id)) visit(id);
  for (const id of order) rank.set(id, into(id).reduce((most, edge) => (isOurs(edge.v) ? Math.max(most, rank.get(edge.v) + lengthOf(edge)) : most), 0));
  for (const id of order.reverse()) {
    const users = out(id);
    if (isOurs(id) && id[0] !== "e" && users.length && !into(id).some(({ v }) => isOurs(v))) rank.set(id, users.reduce((least, edge) => Math.min(least, rank.get(edge.w) - lengthOf(edge)), Infinity));
  }
  const last = [...rank.values()].reduce((most, r) => Math.max(most, r), 0);
  for (const id of ids) if (id[0] === "x") rank.set(id, last);
  return rank;
}

// The same as `level` gives: corners of items, bends of edges, and the size of it all.
function layered(items, pairs, flow) {
  const isAcross = flow === "LR", ids = [...items.keys()], into = new Map(ids.map((id) => [id, []])), out = new Map(ids.map((id) => [id, []]));
  for (const [v, w] of pairs) { const edge = { v, w }; into.get(w).push(edge); out.get(v).push(edge); }
  const rank = ranksOf(ids, (id) => into.get(id), (id) => out.get(id)), rows = [];
  const add = (id, r, along, across) => { const item = { id, rank: r, along, across, up: [], down: [], at: 0, y: 0 }; (rows[r] ||= []).push(item); return item; };
  const least = ids.reduce((low, id) => Math.min(low, rank.get(id)), 0), made = new Map();
  for (const id of ids) { const [width, height] = items.get(id); made.set(id, add(id, rank.get(id) - least, isAcross ? width : height, isAcross ? height : width)); }
  const trunks = trunksOf(made, out, add, items.size + pairs.length);
  for (const id of ids) {
    into.get(id).forEach(({ v }, k, list) => {
      const end = made.get(id), trunk = trunks.get(v), start = trunk?.get(end.rank - 1) || (end.rank - made.get(v).rank === 1 ? made.get(v) : null);
      if (!start) return;
      const port = list.length > 1 ? (k + 0.5) / list.length - 0.5 : 0;
      start.down.push([end, port]);
      end.up.push([start, port]);
    });
  }
  const layers = [...rows].map((row) => row || []);
  orderLayers(layers);
  placeLayers(layers, isAcross ? 14 : 22);
  const starts = [], widths = layers.map((row) => row.reduce((most, item) => Math.max(most, item.along), 0));
  widths.reduce((x, width, r) => { starts[r] = x; return x + width + 38; }, 0);
  let [low, high] = [Infinity, -Infinity];
  for (const item of layers.flat()) { low = Math.min(low, item.y - item.across / 2); high = Math.max(high, item.y + item.across / 2); }
  const point = (x, y) => (isAcross ? [x, y - low] : [y - low, x]), corners = new Map(), bends = new Map();
  for (const [id, item] of made) corners.set(id, point(starts[item.rank] + widths[item.rank] - item.along, item.y - item.across / 2));
  for (const [v, w] of pairs) {
    const way = [], trunk = trunks.get(v);
    for (let r = made.get(v).rank + 1; trunk && r < made.get(w).rank; r++) way.push(point(starts[r], trunk.get(r).y), point(starts[r] + widths[r], trunk.get(r).y));
    bends.set(`${v} ${w}`, way);
  }
  const length = layers.length ? starts[layers.length - 1] + widths[layers.length - 1] : 0, across = Math.max(high - low, 0);
  return { corners, bends, size: isAcross ? [length, across] : [across, length] };
}

// A point on each layer that the edges of an item pass; the longest trunks get none if there would be too many points.
function trunksOf(made, out, add, size) {
  const reach = [...made].map(([id, { rank }]) => [id, rank, out.get(id).reduce((most, { w }) => Math.max(most, made.get(w).rank), rank)]).filter(([, first, last]) => last > first + 1);
  const trunks = new Map();
  let left = TRUNKS * size;
  for (const [id, first, last] of reach.sort((a, b) => a[2] - a[1] - b[2] + b[1])) {
    left -= last - first - 1;
    if (left < 0) break;
    const trunk = new Map();
    let before = made.get(id);
    for (let r = first + 1; r < last; r++) {
      const item = add(null, r, 0, 1);
      before.down.push([item, 0]);
      item.up.push([before, 0]);
      trunk.set(r, item);
      before = item;
    }
    trunks.set(id, trunk);
  }
  return trunks;
}

// Order each layer by the mean position of its neighbours, forward and back; the order with the fewest crossings wins.
function orderLayers(layers) {
  const number = (row) => row.forEach((item, at) => { item.at = at; });
  layers.forEach(number);
  let [best, fewest] = [layers.map((row) => [...row]), crossingsOf(layers)];
  for (let turn = 0; turn < SWEEPS && fewest > 0; turn++) {
    const isForth = turn % 2 === 0;
    for (const row of isForth ? layers : [...layers].reverse()) {
      for (const item of row) {
        const near = isForth ? item.up : item.down;
        item.mean = near.length ? near.reduce((sum, [other, port]) => sum + other.at + (isForth ? 0 : port), 0) / near.length : item.at;
      }
      row.sort((a, b) => a.mean - b.mean || a.at - b.at);
      number(row);
    }
    const count = crossingsOf(layers);
    if (count < fewest) [best, fewest] = [layers.map((row) => [...row]), count];
  }
  best.forEach((row, r) => { layers[r] = row; number(row); });
}

// The number of edge crossings between neighbouring layers: inversions, counted with a Fenwick tree.
function crossingsOf(layers) {
  let count = 0;
  for (const row of layers) {
    const ends = row.flatMap((item) => item.down.map(([end, port]) => [item.at, end.at + port])).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const places = new Map([...new Set(ends.map(([, end]) => end))].sort((a, b) => a - b).map((end, k) => [end, k + 1])), sums = new Float64Array(places.size + 1);
    ends.forEach(([, end], seen) => {
      let below = 0;
      for (let k = places.get(end); k > 0; k -= k & -k) below += sums[k];
      for (let k = places.get(end); k < sums.length; k += k & -k) sums[k] += 1;
      count += seen - below;
    });
  }
  return count;
}

// Coordinates as near to the neighbours as order and sizes allow: in each layer least squares, by pooling adjacent
// violators (Ayer, 1955). The last passes look at both sides.
function placeLayers(layers, gap) {
  const stacks = layers.map((row) => {
    let y = 0;
    return row.map((item, k) => { if (k) y += (row[k - 1].across + item.across) / 2 + (item.id && row[k - 1].id ? gap : 9); return y; });
  });
  layers.forEach((row, r) => row.forEach((item, k) => { item.y = stacks[r][k] - stacks[r][row.length - 1] / 2; }));
  for (let turn = 0; turn < PASSES; turn++) {
    const isLast = turn >= PASSES - 2, isForth = turn % 2 === 0;
    const turns = [...layers.keys()];
    for (const r of isForth ? turns : turns.reverse()) {
      const pools = [];
      layers[r].forEach((item, k) => {
        let [sum, weight] = [0, 0];
        const pull = ([other, port], sign) => { const w = !item.id && !other.id ? 4 : 1; sum += w * (other.y + sign * port * (sign < 0 ? item : other).across); weight += w; };
        if (isForth || isLast) for (const near of item.up) pull(near, -1);
        if (!isForth || isLast) for (const near of item.down) pull(near, 1);
        if (!weight) [sum, weight] = [0.01 * item.y, 0.01];
        let pool = { sum: sum - weight * stacks[r][k], weight, count: 1 };
        while (pools.length && pools[pools.length - 1].sum / pools[pools.length - 1].weight > pool.sum / pool.weight) {
          const last = pools.pop();
          pool = { sum: last.sum + pool.sum, weight: last.weight + pool.weight, count: last.count + pool.count };
        }
        pools.push(pool);
      });
      let k = 0;
      for (const { sum, weight, count } of pools) for (const end = k + count; k < end; k++) layers[r][k].y = sum / weight + stacks[r][k];
    }
  }
}
