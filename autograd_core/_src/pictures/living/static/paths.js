// Paths from a leaf to a root: how many, and those with the largest |product|, found without walking the others.
// Products are compared as pairs (-exponent, -mantissa), because along a long path a double over- or underflows.

const ONE = [-1, -0.5], NOTHING = [Infinity, 0], INFINITE = [-Infinity, -1], NO_NUMBER = [-Infinity, -2];

function rankOf(d) {
  if (d === 0) return NOTHING;
  if (Number.isNaN(d)) return NO_NUMBER;
  if (!Number.isFinite(d)) return INFINITE;
  const [m, e] = frexp(Math.abs(d));
  return [-e, -m];
}

function rankProduct(a, b) {
  if (!a[1] || !b[1]) return NOTHING;
  const exponent = a[0] + b[0];
  if (exponent === -Infinity) return lower(a, b) ? a : b;
  const mantissa = -(a[1] * b[1]);
  return mantissa > -0.5 ? [exponent + 1, mantissa * 2] : [exponent, mantissa];
}

const lower = (a, b) => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);

function dependents(written, leaf) {  // the nodes between a leaf and the root, operands first; empty without a path
  const reached = new Set([leaf]), order = [leaf];
  for (const node of written.order) {
    if (node !== leaf && written.operandsOf(node).some((p) => reached.has(p))) {
      reached.add(node);
      order.push(node);
    }
  }
  return reached.has(written.root) ? order : [];
}

function countPaths(written, between, leaf) {  // edges whose derivative is 0 count
  const counts = new Map();
  for (const node of between) {
    let here = node === leaf ? 1n : 0n;
    for (const p of written.operandsOf(node)) here += counts.get(p) || 0n;
    counts.set(node, here);
  }
  return counts.get(written.root) || 0n;
}

// The k best paths to each node from the k best ones to its operands: {nodes, operands, factors, product}.
function topPaths(written, between, leaf, k) {
  if (!between.length) return [];
  const best = new Map([[leaf, [{ rank: ONE, operand: -1, place: -1 }]]]);
  const before = (a, b) => (lower(a.rank, b.rank) ? -1 : lower(b.rank, a.rank) ? 1 : a.operand - b.operand || a.place - b.place);
  for (const node of between) {
    if (node === leaf) continue;
    const found = [], slopes = written.slopes.get(node);
    written.operandsOf(node).forEach((p, operand) => {
      const rank = rankOf(slopes[operand]);
      (best.get(p) || []).forEach((entry, place) => found.push({ rank: rankProduct(entry.rank, rank), operand, place }));
    });
    best.set(node, found.sort(before).slice(0, k));
  }
  return best.get(written.root).map((_, place) => {
    let node = written.root;
    const nodes = [node], operands = [];
    for (let at = place; node !== leaf;) {
      const entry = best.get(node)[at];
      operands.unshift(entry.operand);
      node = written.operandsOf(node)[entry.operand];
      at = entry.place;
      nodes.unshift(node);
    }
    return pathOf(written, nodes, operands);
  });
}

function pathOf(written, nodes, operands) {
  const factors = operands.map((operand, j) => written.slopes.get(nodes[j + 1])[operand]);
  let rank = ONE, negative = false;
  for (const d of factors) {
    rank = rankProduct(rank, rankOf(d));
    negative = negative !== d < 0;
  }
  const size = rank === NO_NUMBER || (rank[0] === -Infinity && rank[1] === -2) ? NaN : rank[0] === -Infinity ? Infinity : rank[1] ? ldexp(-rank[1], -rank[0]) : 0;
  return { nodes, operands, factors, product: negative && size ? -size : size };
}
