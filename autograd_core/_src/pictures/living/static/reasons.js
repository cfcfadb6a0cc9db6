// Why a gradient is 0, small, large or not finite, in sentences: as `explain` in Python says it.

const LARGE = 1e3, SMALL = 1e-3, FLAT = 1e-3, LOST = 1e3, CANCELS = 10, NAMED = 3;
const CHOICES = { maximum: "largest", max: "largest", minimum: "smallest", min: "smallest" };
const COMPARED = ["lt", "le", "gt", "ge", "eq", "ne"], STEPS = ["sign", "floor", "ceil"], PRODUCTS = ["mul", "path_product", "prod", "dot"];

const listed = (parts, rest, separator = "; ") => parts.join(separator) + (rest > 0 ? `${separator}and ${rest} more` : "");
const finite = Number.isFinite;
const quotient = (a, b) => (b ? a / b : Number.isNaN(a) ? NaN : Infinity);

function reasonsOf(flow) {
  const { words, root, leaf } = flow;
  if (leaf === root) return [{ about: "root", kind: "root", nodes: [root], text: `${words.name(leaf)} is the root itself: its derivative with respect to itself is 1` }];
  if (!finite(flow.gradient)) return [notFinite(flow)];
  if (flow.gradient === 0) return whyZero(flow);
  const found = [], size = Math.abs(flow.gradient), { condition } = flow;
  if ((LOST <= condition && condition < Infinity) || (size <= SMALL && CANCELS <= condition && condition < Infinity)) found.push(cancelledTerms(flow));
  if (size >= LARGE) found.push(whyLarge(flow));
  else if (size <= SMALL && condition < CANCELS) found.push(whySmall(flow));
  return found;
}

function whyZero(flow) {
  const { words } = flow, root = words.name(flow.root), leaf = words.name(flow.leaf);
  if (!flow.between.length) {
    return [{ about: "zero", kind: "no path", nodes: [flow.leaf], text: `no path leads from ${leaf} to ${root}: either ${root} was not computed from ${leaf}, or the graph was cut on the way (detach(), .data, float() or no_grad() leave no trace)` }];
  }
  if (!flow.live.has(flow.root)) return deadEnds(flow);
  const origins = [...flow.cancelling()].filter(([node, r]) => r === Infinity && flow.live.has(node)).map(([node]) => node);
  if (origins.length) {
    const parts = origins.slice(0, NAMED).map((node) => sumOfTerms(flow, node));
    return [{ about: "zero", kind: "cancelled", nodes: origins, text: `terms that are not 0 cancel: ${listed(parts, origins.length - NAMED)}` }];
  }
  const node = [...flow.between].reverse().find((i) => flow.live.has(i) && flow.adjoint(i) === 0);
  return [{ about: "zero", kind: "underflow", nodes: [node], text: `at ${words.name(node)}, local derivative × adjoint is below 5e−324, the smallest double, and becomes 0` }];
}

// The edges at which all paths of non-zero derivatives end, grouped by cause.
function deadEnds(flow) {
  const ends = new Map();
  for (const node of flow.between) {
    if (flow.live.has(node)) continue;
    flow.operands(node).forEach((p, operand) => {
      if (!flow.live.has(p)) return;
      const [kind, text] = deadEnd(flow, node, operand);
      if (!ends.has(kind)) ends.set(kind, new Map());
      if (!ends.get(kind).has(node)) ends.get(kind).set(node, `${flow.words.made(node)}: ${text}`);
    });
  }
  return [...ends].map(([kind, texts]) => ({ about: "zero", kind, nodes: [...texts.keys()], text: listed([...texts.values()].slice(0, NAMED), texts.size - NAMED) }));
}

function deadEnd(flow, node, operand) {
  const { words } = flow, op = flow.op(node), parents = flow.operands(node), parent = words.valued(parents[operand]), x = (k) => flow.data(parents[k]);
  if (flow.isCut(node, operand)) return ["cut", `the edge from ${words.name(parents[operand])} is cut`];
  if (op.name === "relu") return ["dead relu", `its operand ${parent} is not above 0`];
  if (COMPARED.includes(op.name)) return ["comparison", "a comparison is flat, its derivative is 0 on either side"];
  if (STEPS.includes(op.name)) return ["step", "a step function is flat, its derivative is 0"];
  if (CHOICES[op.name]) {
    const best = CHOICES[op.name];
    if (x(operand) === flow.data(node)) return [`not the ${best}`, `${parent} ties with an earlier operand, which gets all`];
    return [`not the ${best}`, `${parent} is not the ${best}, which is ${numberText(flow.data(node))}`];
  }
  if (op.name === "where") {
    if (operand === 0) return ["condition", `${words.name(parents[0])} only chooses between the branches`];
    return ["branch not taken", `the condition is ${numberText(x(0))}, so the ${x(0) ? "first" : "second"} branch is taken`];
  }
  if (op.name === "clip") {
    const [low, high] = [numberText(x(1)), numberText(x(2))];
    if (operand === 0 && !(x(1) < x(2))) return ["clipped", `there is nothing between the bounds ${low} and ${high}`];
    if (operand === 0) return ["clipped", `${parent} lies outside of [${low}, ${high}]`];
    return ["bound not reached", `${words.valued(parents[0])} does not meet the bound ${parent}`];
  }
  const zero = zeroFactor(flow, op, parents, operand);
  if (zero !== null) return ["times zero", `${words.name(parents[operand])} is multiplied by ${words.valued(zero)}`];
  if (op.saturates !== null) return ["saturated to 0", `its slope at ${parent} is 0`];
  const at = parents.slice(0, NAMED).map((p) => words.valued(p)).join(", ") + (parents.length > NAMED ? ", …" : "");
  return ["flat", `its derivative with respect to ${words.name(parents[operand])} is 0 at ${at}`];
}

function zeroFactor(flow, op, parents, operand) {
  if (op.pairs) {
    const half = parents.length / 2, partner = parents[(operand - half + parents.length) % parents.length];
    return flow.data(partner) === 0 ? partner : null;
  }
  if (!PRODUCTS.includes(op.name)) return null;
  const k = parents.findIndex((p, at) => at !== operand && flow.data(p) === 0);
  return k < 0 ? null : parents[k];
}

function sumOfTerms(flow, node) {
  const terms = flow.terms(node).filter(({ contribution }) => contribution !== 0).sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  const parts = terms.slice(0, NAMED).map((use) => `${numberText(use.contribution)} through ${flow.words.name(use.node)}`);
  return `at ${flow.words.name(node)}: ${listed(parts, terms.length - NAMED, ", ")}, together ${numberText(flow.adjoint(node))}`;
}

// The first node of the sweep, from the root down, at which the gradient is not finite.
function notFinite(flow) {
  const { words } = flow, of = (i) => flow.operands(i).slice(0, NAMED).map((p) => words.valued(p)).join(", ");
  for (const node of [...flow.between].reverse()) {
    if (!flow.live.has(node)) continue;
    const broken = flow.adjoint(node) === 0 ? -1 : flow.operands(node).findIndex((p, k) => flow.live.has(p) && !finite(flow.slope(node, k)));
    if (finite(flow.adjoint(node)) && broken < 0) continue;
    if (!finite(flow.adjoint(node))) return { about: "not finite", kind: "overflow", nodes: [node], text: `beyond the largest double, 1.8e308, ${sumOfTerms(flow, node)}` };
    const parent = flow.operands(node)[broken], d = numberText(flow.slope(node, broken));
    let origin = node;
    for (let p = node; p !== undefined; p = flow.operands(origin).find((q) => !finite(flow.data(q)))) origin = p;
    if (origin === node) return { about: "not finite", kind: "derivative", nodes: [node], text: `${words.made(node)}: its derivative with respect to ${words.name(parent)} is ${d} at ${of(node)}` };
    const made = flow.op(origin) ? words.made(origin) : words.name(origin), at = of(origin);
    return { about: "not finite", kind: "value", nodes: [origin], text: `${made} is ${numberText(flow.data(origin))}${at ? ` at ${at}` : ""}; so the derivative of ${words.made(node)} with respect to ${words.name(parent)} is ${d}` };
  }
  return { about: "not finite", kind: "overflow", nodes: [], text: "a product on the way is not finite" };
}

function cancelledTerms(flow) {
  let worst = null;
  for (const [node, r] of flow.cancelling()) if (!worst || r > worst[1]) worst = [node, r];
  return { about: "digits", kind: "cancelling terms", nodes: [worst[0]], text: `terms nearly cancel: the sizes of the path products add up to ${numberText(flow.size)}, their sum is ${numberText(flow.gradient)}; most of that ${sumOfTerms(flow, worst[0])}` };
}

function whyLarge(flow) {
  const best = flow.paths[0];
  if (!(quotient(Math.abs(best.product), Math.abs(flow.gradient)) >= 0.5)) {
    return { about: "large", kind: "many paths", nodes: [], text: `${howMany(flow.nPaths)} paths add up; the largest of them gives ${numberText(best.product)}` };
  }
  return ofFactors(flow, "large", "above", best, best.factors.map((d, j) => [Math.abs(d), best.nodes[j + 1], d]).filter(([size]) => size > 1).sort((a, b) => b[0] - a[0]));
}

function whySmall(flow) {
  const best = flow.paths[0], { words } = flow;
  const flat = best.factors.map((d, j) => [best.nodes[j + 1], d, best.operands[j]]).filter(([node, d, k]) => {
    const op = flow.op(node);
    return k === 0 && op.saturates !== null && flow.data(flow.operands(node)[0]) < op.saturates && Math.abs(d) < FLAT;
  });
  if (flat.length) {
    const parts = flat.slice(0, NAMED).map(([node, d]) => `${words.made(node)} has slope ${numberText(d)} at ${numberText(flow.data(flow.operands(node)[0]))}`);
    return { about: "small", kind: "saturated", nodes: flat.map(([node]) => node), text: `saturated on the largest path: ${listed(parts, flat.length - NAMED)}` };
  }
  return ofFactors(flow, "small", "below", best, best.factors.map((d, j) => [Math.abs(d), best.nodes[j + 1], d]).filter(([size]) => size < 1).sort((a, b) => a[0] - b[0]));
}

function ofFactors(flow, about, side, best, factors) {
  const parts = factors.slice(0, NAMED).map(([, node, d]) => `×${numberText(d)} at ${flow.words.made(node)}`);
  const count = factors.length === 1 ? "a factor" : `${factors.length} factors`;
  return { about, kind: `${about} factors`, nodes: factors.slice(0, NAMED).map(([, node]) => node), text: `the largest path, ${numberText(best.product)}, has ${count} ${side} 1: ${listed(parts, factors.length - NAMED, ", ")}` };
}

function howMany(count) {
  if (count < 1000000000n) return String(count);
  const digits = String(count), exponent = digits.length - 1;
  return `about ${general(Number(`${digits[0]}.${digits.slice(1, 17)}`), 2)}e${exponent}`;
}
