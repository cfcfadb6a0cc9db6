// The stepper: the forward and backward pass on the picture, one step at a time.
const PACE = 1300, FLIGHT = 620;  // milliseconds per step when playing, and for a number to travel along its edge
const LOWEST = 300, HIGHEST = 620, PANEL = 330;  // pixels: limits of the picture's height, and the height of everything around it
const MOST_LEAVES = 16, MOST_OPERANDS = 12;  // listed in the panel until the reader asks for all
const MOST_FOLLOWED = 4;  // so many operands are kept in view

kinds.stepper = (view, data) => {
  const { root, stage } = view, { names, numbers, parents, local, forward, backward, constants } = data;
  const count = forward.length + backward.length, turn = forward.length, roots = new Set(data.roots.map(([i]) => i));
  const isConstant = names.map(() => false);
  constants.forEach((i) => { isConstant[i] = true; });
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let now = 0, playing = 0, listed = MOST_OPERANDS;

  // --- precomputed: the step at which each value is computed, and each gradient begins, grows and is complete ---

  const computed = names.map(() => -1);
  forward.forEach((i, k) => { computed[i] = k; });
  const growth = names.map(() => []);  // for each gradient, its changes as [step, number, bar]
  data.roots.forEach(([i, one, bar]) => growth[i].push([turn, one, bar]));
  const sent = names.map(() => -1);  // the step in which a node propagates its gradient; for a leaf, in which it is complete
  const befores = backward.map(([node, adjoint, grown, , afters, bars], j) => {
    const k = turn + j;
    if (!growth[node].length) growth[node].push([turn, adjoint, grown]);  // a node that received no contribution
    const before = parents[node].map((p, n) => {
      if (isConstant[p]) return -1;
      const sum = growth[p].length ? growth[p].at(-1)[1] : data.zero;
      growth[p].push([k, afters[n], bars[n]]);
      if (data.ops[p] < 0) sent[p] = k;
      return sum;
    });
    sent[node] = k;
    return before;
  });
  const complete = names.map((_, i) => (growth[i].length ? growth[i].at(-1)[0] : -1));
  const leaves = names.map((_, i) => i).filter((i) => data.ops[i] < 0 && !isConstant[i]);
  const short = (n) => numbers[n][0], full = (n) => numbers[n][1] || numbers[n][0];
  const sign = (n) => (/^≈?−/.test(short(n)) ? "agc-neg" : /^(0|nan)$/.test(short(n)) ? "" : "agc-pos");
  const gradient = (i, k) => {  // the gradient at a step: number and bar, or null before its first product
    let found = null;
    for (const entry of growth[i]) if (entry[0] <= k) found = entry; else break;
    return found;
  };

  // --- formulas ---

  const parser = new DOMParser(), parsed = [];
  function number(n) {
    const text = short(n), [, about, minus, rest] = /^(≈?)(−?)(.*)$/.exec(text);
    const [mantissa, exponent] = rest.split("e"), [over, under] = mantissa.split("/");
    let written = rest === "inf" ? m("mi", "∞") : rest === "nan" ? m("mtext", "nan")
      : under ? m("mfrac", m("mn", over), m("mn", under)) : m("mn", mantissa);
    if (exponent) written = m("mrow", written, m("mo", "·"), m("msup", m("mn", "10"), m("mrow", ...exponent.startsWith("−") ? [m("mo", "−"), m("mn", exponent.slice(1))] : [m("mn", exponent)])));
    return minus || about ? m("mrow", about && m("mo", about), minus && m("mo", "−"), written) : written;
  }
  const fenced = (math) => m("mrow", m("mo", "("), math, m("mo", ")"));
  const factor = (n) => (/^≈?−/.test(short(n)) ? fenced(number(n)) : number(n));
  const name = (i) => (isConstant[i] ? number(data.values[i]) : nameOf(names[i]));

  // An operation with its operands filled in; `plain` tells where no brackets are needed.
  function operation(i, at, plain) {
    const kind = data.ops[i], [, written, slots] = data.templates[kind];
    parsed[kind] ||= parser.parseFromString(written, "application/xml").documentElement;
    const math = document.importNode(parsed[kind], true);
    for (const leaf of [...math.querySelectorAll("*")]) {
      const code = leaf.childElementCount ? 0 : leaf.textContent.charCodeAt(0);
      if (code < 0xe000 || code > 0xf8ff) continue;
      const p = parents[i][slots[code & 0xff]], called = /^[a-z]{2,}\d*$/i.test(leaf.previousElementSibling?.textContent ?? "");
      leaf.replaceWith(called || (code >= 0xe400 && !plain(p)) ? fenced(at(p)) : at(p));
    }
    return m("mrow", ...math.childNodes);
  }
  const formula = (i) => {
    const symbols = [nameOf(names[i]), "=", operation(i, name, (p) => (isConstant[p] ? !/^≈?−/.test(short(data.values[p])) : /^[\p{L}\p{N}_.\[\]]+$/u.test(names[p])))];
    const result = ["=", operation(i, (p) => number(data.values[p]), (p) => !/[−\/]/.test(short(data.values[p]))), "=", number(data.values[i])];
    return [equation(...symbols), equation(...result)];
  };
  const slope = (i, p) => partial(names[i], names[p]);
  const grad = (i) => partial(data.top, names[i]);
  const math = equation;

  // --- controls ---

  const icon = (d) => made(SVG, "svg", { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" }, [made(SVG, "path", { d, fill: "currentColor" }, [])]);
  const ICONS = {
    first: "M3 3h2v10H3zM13 3v10L6 8z", previous: "M11 3v10L4 8z", play: "M4 2.5v11L13 8z", pause: "M4 3h3v10H4zM9 3h3v10H9z",
    next: "M5 3v10l7-5z", last: "M11 3h2v10h-2zM3 3v10l7-5z",
  };
  const control = (kind, title, onclick) => h("button", { type: "button", class: `agc-${kind}`, title, "aria-label": title, onclick }, icon(ICONS[kind]));
  const phase = (kind, text, title, k) => h("button", { type: "button", class: `agc-phase agc-to-${kind}`, title, onclick: () => by(k) }, text);
  const play = control("play", "Play (space)", () => toggle());
  const slider = h("input", { type: "range", min: 0, max: Math.max(count - 1, 0), step: 1, value: 0, autocomplete: "off", "aria-label": "Step", oninput: () => by(+slider.value) });
  const counter = h("span", { class: "agc-counter" });
  const phases = [phase("forward", "Forward", "First step of the forward pass", 0), phase("backward", "Backward", "First step of the backward pass", turn)];
  const bar = h("div", { class: "agc-controls", role: "group", "aria-label": "Steps" },
    h("span", { class: "agc-group" },
      control("first", "First step (Home)", () => by(0)), control("previous", "Previous step (left arrow)", () => by(now - 1)), play,
      control("next", "Next step (right arrow)", () => by(now + 1)), control("last", "Last step (End)", () => by(count - 1))),
    slider, counter, h("span", { class: "agc-group agc-phases" }, ...phases));
  if (count) slider.style.setProperty("--turn", `${(100 * turn) / count}%`);
  const panel = h("div", { class: "agc-panel" });
  const title = data.title ? h("div", { class: "agc-title" }, data.title) : null;
  view.body.before(...[title, bar].filter(Boolean));
  view.body.after(panel);
  stage.setAttribute("aria-label", "Picture of the graph. Left and right arrow: previous and next step. Plus and minus zoom, 0 shows all.");

  // --- the picture ---

  view.tallest = Math.max(LOWEST, Math.min(innerHeight - PANEL, HIGHEST));  // buttons, picture and formulas fit on one screen
  view.least = 0.86;
  view.resized(true);
  const scene = view.svg;
  scene.querySelectorAll("title").forEach((element) => element.remove());  // titles reveal the final numbers
  const members = new Map();  // the nodes that each card shows
  data.cards.forEach((card, i) => { if (card >= 0 && !isConstant[i]) members.set(card, [...members.get(card) || [], i]); });
  const span = (values) => values.reduce(([least, most], x) => [Math.min(least, x), Math.max(most, x)], [Infinity, -Infinity]);
  const users = names.map(() => []);
  parents.forEach((list, i) => list.forEach((p) => users[p].push(i)));
  const barOf = (element) => {  // the filled line of a gradient's bar, and the length of a segment with its gap
    const [track, filled] = element.querySelectorAll(".bar");
    if (!track) return null;
    const fill = filled || track.parentNode.insertBefore(track.cloneNode(), track.nextSibling);
    const [, place, length] = track.getAttribute("d").match(/(.*)h(.*)/);
    return { fill, place, step: (+length + 2) / 6 };
  };
  const cards = view.cards().filter((element) => members.has(+element.dataset.node)).map((element) => {
    const node = +element.dataset.node, nodes = members.get(node);
    // A folded card with one output shows that; with several, their range once all are computed.
    const exits = nodes.filter((i) => roots.has(i) || users[i].some((user) => data.cards[user] !== node));
    const value = element.querySelector(".value"), grad = element.querySelector(".grad");
    const begun = span(nodes.filter((i) => growth[i].length).map((i) => growth[i][0][0]))[0];
    return {
      element, node, exit: nodes.length === 1 ? node : exits.length === 1 ? exits[0] : -1, shown: "",
      value, grad, bar: barOf(element), ends: [value?.textContent, grad?.textContent],
      inside: element.dataset.folded ? [computed, sent].map((at) => nodes.filter((i) => data.ops[i] >= 0 && at[i] >= 0).map((i) => at[i]).sort((a, b) => a - b)) : null,
      contents: element.querySelector(".caption"), forward: span(nodes.map((i) => computed[i])), backward: [begun, span(nodes.map((i) => sent[i]))[1]],
    };
  });
  const byNode = new Map(cards.map((card) => [card.node, card]));
  const edges = new Map(), junctions = new Map();  // edges by their end points; the junctions that a card's edges lead to
  for (const edge of view.edges()) {
    const { from, to } = edge.dataset, key = `${from} ${to}`;
    edges.set(key, [...edges.get(key) || [], edge]);
    if (+to >= names.length) junctions.set(from, [...junctions.get(from) || [], to]);
  }
  const edgesOf = (i, k) => {
    const from = data.cards[parents[i][k]], to = data.cards[i], list = edges.get(`${from} ${to}`);
    if (list) return [list.find((edge) => +edge.dataset.operand === k) || list[0]];
    const by = (junctions.get(String(from)) || []).find((junction) => edges.has(`${junction} ${to}`));
    return by ? [edges.get(`${from} ${by}`)[0], edges.get(`${by} ${to}`)[0]] : [];
  };

  function paint(card, k, here) {
    const back = k >= turn, [from, to] = back ? card.backward : card.forward;
    const state = here ? "now" : k >= to ? "done" : k >= from ? "part" : "todo";
    const { exit } = card, known = back || (exit < 0 ? k >= to : computed[exit] <= k);
    const entry = back && exit >= 0 ? gradient(exit, k) : null, grown = entry && complete[exit] > k;
    const steps = card.inside?.[+back] || [];
    let done = 0;  // steps within a folded card that are done
    for (let high = steps.length; done < high;) { const mid = (done + high) >> 1; if (steps[mid] <= k) done = mid + 1; else high = mid; }
    const shown = `${state} ${back} ${known} ${entry && entry[1]} ${grown} ${done}`;
    if (shown === card.shown) return;
    card.shown = shown;
    card.element.setAttribute("data-step", state);
    card.element.classList.toggle("agc-back", back);
    if (steps.length && card.contents) card.contents.textContent = `${done} of ${steps.length} steps within`;
    if (card.value) card.value.textContent = !known ? "" : exit < 0 ? card.ends[0] : short(data.values[exit]);
    if (card.grad) {
      card.grad.textContent = entry ? short(entry[1]) : exit < 0 && back && k >= to ? card.ends[1] : "";
      card.grad.classList.toggle("pos", !!entry && entry[2] > 0);
      card.grad.classList.toggle("neg", !!entry && entry[2] < 0);
      card.grad.classList.toggle("agc-grows", !!grown);
    }
    if (card.bar) {
      const { fill, place, step } = card.bar, n = entry ? Math.abs(entry[2]) : 0;
      if (n) fill.setAttribute("d", `${place}h${n * step - 2}`);
      fill.style.display = n ? "" : "none";
      fill.classList.toggle("pos", n > 0 && entry[2] > 0);
      fill.classList.toggle("neg", n > 0 && entry[2] < 0);
      fill.classList.toggle("agc-grows", !!grown);
    }
  }

  // --- the width of an edge shows the gradient flowing back along it, on a log scale down to a thousandth of the most ---

  const size = (n) => full(n).replace("≈", "").replaceAll("−", "-").split("/").map(Number).reduce((a, b) => a / b);
  const most = backward.flatMap((step) => step[3]).reduce((top, n) => (n >= 0 && Math.abs(size(n)) < Infinity ? Math.max(top, Math.abs(size(n))) : top), 0);
  const wide = (n) => {
    const x = Math.abs(size(n));
    return x ? 1.8 + 5.2 * Math.min(1, Math.max(0, x < Infinity ? 1 + Math.log10(x / most) / 3 : 1)) : 1.4;
  };

  // --- numbers that travel along the edges ---

  let flying = [];
  function land() {
    flying.forEach(({ token, animation }) => { animation.cancel(); token.remove(); });
    flying = [];
  }
  function fly(edge, n, back) {
    const text = short(n), width = 7 * text.length + 12;
    const token = made(SVG, "g", { class: `agc-token ${back ? sign(n) : ""}`, "aria-hidden": "true" }, [
      made(SVG, "rect", { x: -width / 2, y: -10, width, height: 20, rx: 10 }, []), made(SVG, "text", { y: 4, "text-anchor": "middle" }, [text])]);
    const length = edge.getTotalLength(), frames = [];
    for (let f = 0; f <= 12; f++) {
      const { x, y } = edge.getPointAtLength(length * (back ? 1 - f / 12 : f / 12));
      frames.push({ transform: `translate(${x}px,${y}px)`, opacity: f < 12 ? 1 : 0 });
    }
    edge.parentNode.append(token);
    const animation = token.animate(frames, { duration: FLIGHT, easing: "ease-in-out" });
    animation.onfinish = () => token.remove();
    flying.push({ token, animation });
  }

  // --- the panel ---

  const two = (symbol, n) => h("td", { title: full(n) }, h("span", { class: "agc-symbol" }, symbol), h("span", { class: "agc-number" }, math(number(n))));
  const between = (text) => h("td", { class: "agc-between", "aria-hidden": "true" }, text);
  const link = (i, ...content) => h("button", { type: "button", class: "agc-link", title: `Go to the step of ${names[i]}`, onclick: () => visit(i) }, ...content);
  const heading = (i, back) => h("p", { class: "agc-head" },
    h("span", { class: `agc-badge ${back ? "agc-is-back" : ""}` }, back ? "Backward" : "Forward"), ...formula(i),
    h("span", { class: "agc-where" }, [data.templates[data.ops[i]][0], data.scopes[i] && `in ${data.scopes[i]}`, folded(i)].filter(Boolean).join(" · ")));
  const folded = (i) => {
    const path = byNode.get(data.cards[i])?.element.dataset.folded;
    return path && path !== data.scopes[i] ? `in the folded card ${path}` : path && "a folded card";
  };

  const told = (words, ...table) => [h("p", null, ...words), h("table", null, ...table)];
  function forwardTable(i) {
    const rows = parents[i].slice(0, listed).map((p, k) => (isConstant[p]
      ? h("tr", { class: "agc-constant" }, h("td", null, math(name(p))), h("td", null, "constant"), h("td", null, ""))
      : h("tr", null, h("th", { scope: "row" }, link(p, math(name(p)))), h("td", { title: full(data.values[p]) }, math(number(data.values[p]))),
        h("td", { title: full(local[i][k]) }, math(slope(i, p), "=", number(local[i][k]))))));
    return told(["The value of ", math(nameOf(names[i])), ", and how fast it changes with each operand:"],
      h("thead", null, h("tr", null, ...["operand", "value", "local derivative"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", null, ...rows));
  }

  function backwardTable(i, j) {
    const [, adjoint, , products, afters] = backward[j];
    const rules = data.rules[i] || [];
    const rows = parents[i].slice(0, listed).flatMap((p, k) => (isConstant[p]
      ? [h("tr", { class: "agc-constant" }, h("td", null, math(name(p))), h("td", { colspan: 6 }, "constant: it gets no gradient"))]
      : [h("tr", null, h("th", { scope: "row" }, link(p, math(name(p)))), two(math(slope(i, p)), local[i][k]), between("×"), two(math(grad(i)), adjoint), between("="),
        h("td", { title: full(products[k]), class: `agc-product ${sign(products[k])}` }, math(number(products[k]))),
        h("td", { class: "agc-sum", title: `${full(befores[j][k])} → ${full(afters[k])}` }, h("span", { class: "agc-symbol" }, math(grad(p)), turn + j < complete[p] ? " so far" : " complete"),
          h("span", { class: "agc-number" }, math(number(befores[j][k])), " → ", h("b", { class: sign(afters[k]) }, math(number(afters[k])))))), ...(rules[k] ? [h("tr", { class: "agc-rule" }, h("td", { colspan: 7 }, rules[k]))] : [])]));
    return told(["The gradient ", math(grad(i), "=", number(adjoint)), " is complete. Each operand gets it times its local derivative:"],
      h("thead", null, h("tr", null, ...["operand", "local derivative", "", "gradient", "", "product", "running sum"].map((text) => (text ? h("th", { scope: "col" }, text) : h("td", { "aria-hidden": "true" }))))),
      h("tbody", null, ...rows));
  }

  const more = (i) => (parents[i].length <= listed ? "" : h("p", null, h("button", { type: "button", onclick: () => { listed = Infinity; show(now); root.focus(); } }, `Show all ${parents[i].length} operands`)));

  const chips = leaves.slice(0, MOST_LEAVES).map((i) => ({ i, shown: "", number: h("span", { class: "agc-number" }), element: null }));
  for (const chip of chips) chip.element = link(chip.i, math(nameOf(names[chip.i])), " ", chip.number);
  const rest = leaves.length > chips.length ? `and ${leaves.length - chips.length} more` : "";
  const strip = h("div", { class: "agc-leaves" }, h("span", { class: "agc-soft" }, "Gradients of the leaves: "), ...chips.map((chip) => chip.element), rest);
  function paintChips(k) {
    for (const chip of chips) {
      const entry = k < turn ? null : gradient(chip.i, k), grows = entry && complete[chip.i] > k;
      const shown = `${entry && entry[1]} ${grows}`;
      if (shown === chip.shown) continue;
      chip.shown = shown;
      chip.number.textContent = entry ? short(entry[1]) + (grows ? " …" : "") : "–";
      chip.number.className = `agc-number ${entry ? sign(entry[1]) : ""}`;
    }
  }

  function words(k) {
    const start = `Step ${k + 1} of ${count}, ${k < turn ? "forward" : "backward"}. `;
    if (k < turn) {
      const i = forward[k];
      return `${start}${names[i]} is ${data.templates[data.ops[i]][0]} of ${list(parents[i].map((p) => names[p]))}: ${short(data.values[i])}.`;
    }
    const [i, adjoint, , products, afters] = backward[k - turn];
    const lines = parents[i].map((p, n) => (isConstant[p] ? "" : ` To ${names[p]}: ${short(local[i][n])} times ${short(adjoint)} is ${short(products[n])}; its gradient goes from ${short(befores[k - turn][n])} to ${short(afters[n])}.`));
    return `${start}${names[i]} has gradient ${short(adjoint)}.${lines.slice(0, MOST_OPERANDS).join("")}`;
  }
  const list = (items) => (items.length > MOST_OPERANDS ? `${items.slice(0, 3).join(", ")} and ${items.length - 3} more` : items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`);

  // --- moving ---

  let used = [], grown = [];  // the edges of this step, and the cards whose gradient grows
  function show(k, { moving = false } = {}) {
    now = k;
    const back = k >= turn, i = back ? backward[k - turn][0] : forward[k];
    const here = byNode.get(data.cards[i]);
    for (const card of cards) paint(card, k, card === here);
    for (const card of grown) card.element.classList.remove("agc-sum");
    grown = back ? parents[i].filter((p) => !isConstant[p]).map((p) => byNode.get(data.cards[p])).filter((card) => card && card !== here) : [];
    for (const card of grown) card.element.classList.add("agc-sum");
    land();
    used.forEach((edge) => {
      edge.classList.remove("agc-used", "agc-back", "agc-pos", "agc-neg");
      edge.style.removeProperty("stroke-width");
    });
    used = [];
    parents[i].forEach((p, n) => {
      const number = isConstant[p] ? -1 : back ? backward[k - turn][3][n] : data.values[p];
      for (const edge of number < 0 ? [] : edgesOf(i, n)) {
        edge.classList.add("agc-used");
        if (back) {
          edge.classList.add("agc-back", ...[sign(number)].filter(Boolean));
          edge.style.setProperty("stroke-width", `${wide(number)}px`, "important");
        }
        used.push(edge);
        if (moving && !calm.matches && used.length <= MOST_OPERANDS) fly(edge, number, back);
      }
    });
    const around = parents[i].slice(0, MOST_FOLLOWED).filter((p) => !isConstant[p]).map((p) => byNode.get(data.cards[p]));
    if (here) view.follow(...[here, ...around].filter(Boolean).map((card) => card.element));
    panel.replaceChildren(heading(i, back), ...(back ? backwardTable(i, k - turn) : forwardTable(i)), more(i), strip);
    paintChips(k);
    slider.value = k;
    slider.setAttribute("aria-valuetext", `step ${k + 1} of ${count}, ${back ? "backward" : "forward"}, ${names[i]}`);
    counter.replaceChildren(h("b", null, String(k + 1)), ` / ${count}`);
    phases.forEach((button, n) => button.setAttribute("aria-pressed", String(back === (n === 1))));
    root.dataset.phase = back ? "backward" : "forward";
    view.say(words(k));
    root.dispatchEvent(new CustomEvent("agc-step", { detail: k }));
  }
  function goto(k) {
    k = Math.max(0, Math.min(k, count - 1));
    if (count && k !== now) show(k, { moving: Math.abs(k - now) === 1 && k > now });
  }
  function by(k) {  // a move by the reader ends playback
    pause();
    goto(k);
  }
  function pause() {
    clearInterval(playing);
    playing = 0;
    face();
  }
  function toggle() {
    if (playing || !count) return pause();
    if (now === count - 1) goto(0);
    playing = setInterval(() => (now < count - 1 && root.isConnected ? goto(now + 1) : pause()), PACE);
    return face();
  }
  function face() {
    play.replaceChildren(icon(playing ? ICONS.pause : ICONS.play));
    play.title = playing ? "Pause (space)" : "Play (space)";
    play.setAttribute("aria-label", play.title);
  }
  // Go to a node's step: the backward one, which shows where its gradient goes; for a leaf, its last addition.
  function visit(i) {
    if (sent[i] >= 0) by(sent[i]);
    else if (computed[i] >= 0) by(computed[i]);
  }

  root.tabIndex = -1;
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const moves = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: count - 1 };
    if (event.key in moves) by(moves[event.key]);
    else if (event.key === " " && !/^(BUTTON|SUMMARY)$/.test(event.target.tagName)) toggle();
    else return;
    event.preventDefault();
  }, true);
  stage.addEventListener("click", (event) => {
    const element = event.target.closest?.("[data-node]"), card = element && byNode.get(+element.dataset.node);
    if (card) visit(card.node);
  });
  root.stepper = { goto: by, get index() { return now; } };
  if (count) show(0);
  else panel.replaceChildren(h("p", null, "A leaf: there are no steps. Its gradient with respect to itself is 1."));
  for (const element of count ? [] : bar.querySelectorAll("button, input")) element.disabled = true;
};
