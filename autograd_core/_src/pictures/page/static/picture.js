// The interactive picture: the chain-rule product at each edge, and their sum at each card.
const leftOut = (path) => `It is not kept unfolded in this output; draw(..., unfold="${path}") shows it.`;
const MOST_USES = 8;  // so many products of a gradient are listed; the others are summed

kinds.picture = (view, { nodes, top, states = [] }) => {
  const uses = nodes.map(() => []);  // by operand: [user, local derivative, product, which operand]
  nodes.forEach((node, user) => node && node[6].forEach((edge, k) => Array.isArray(edge) && uses[edge[0]].push([user, edge[1], edge[2], k])));
  const pictures = new Map(states.map(([path, ...state]) => [path, state]));  // by the one scope whose folding differs from the initial picture: [is it open, SVG]
  let picked = null, leaving = 0;

  // --- texts ---

  const short = (text) => (/^−?[\d.]+(e.*)?$/.test(text) && text.length > 9 ? String(+(+text.replaceAll("−", "-")).toPrecision(5)).replaceAll("-", "−") : text);
  const sign = (text) => (text === "0" || text === "nan" ? "" : text.startsWith("−") || text.startsWith("about −") ? "agc-neg" : "agc-pos");
  const number = (text, signed = false) => {
    const shown = short(text), element = m(/\d/.test(shown) ? "mn" : "mi", shown);
    if (signed) element.setAttribute("class", sign(text));
    return element;
  };
  const factor = (text) => (text.startsWith("−") ? m("mrow", m("mo", "("), number(text), m("mo", ")")) : number(text));
  const gradOf = (i) => partial(top, nodes[i][0]);

  function product([user, local, sent], i) {
    const symbols = [partial(nodes[user][0], nodes[i][0]), "·", gradOf(user)];
    return sent === null ? equation(partial(nodes[user][0], nodes[i][0]), "=", number(local))
      : equation(...symbols, "=", number(local), "×", factor(nodes[user][4]), "=", number(sent, true));
  }

  const row = (name, ...content) => [h("dt", null, name), h("dd", null, ...content)];
  const waiting = "not computed: call backward() first";

  function aboutCard(i) {
    const [name, label, formula, value, grad, rest] = nodes[i], rows = [];
    if (formula) rows.push(row("formula", formula));
    rows.push(row("value", h("b", null, value)));
    rows.push(row("gradient", grad === null ? h("i", null, waiting) : h("b", { class: sign(grad) }, grad)));
    const lines = uses[i].slice(0, uses[i].length > MOST_USES ? MOST_USES - 1 : MOST_USES).map((use) => h("li", null, product(use, i)));
    const more = uses[i].slice(lines.length);
    if (more.length) {
      const total = more.reduce((sum, use) => sum + +String(use[2]).replaceAll("−", "-"), 0);
      lines.push(h("li", null, `and ${more.length} more uses`, grad === null || Number.isNaN(total) ? "" : `: ${short(String(total).replace("-", "−"))} together`));
    }
    if (rest) lines.push(h("li", null, uses[i].length ? `and ${short(rest)} from elsewhere: uses outside of this picture, or an earlier backward()` : `${short(rest)} where backward() began`));
    const said = lines.length > 1 ? ` is the sum over ${uses[i].length + !!rest} uses:` : " is";
    const list = lines.length ? h("div", { class: "agc-sum" }, h("p", null, equation(gradOf(i)), said), h("ul", null, ...lines)) : null;
    return [h("p", { class: "agc-head" }, label || name), h("dl", null, ...rows), list];
  }

  function aboutEdge(list, i) {
    const grad = nodes[i][4];
    return list.slice(0, MOST_USES).flatMap((use) => [
      h("p", { class: "agc-head" }, `${nodes[i][0]} → ${nodes[use[0]][0]}`, h("small", null, ` operand ${use[3] + 1}`)),
      h("p", null, use[2] === null ? null : [equation(gradOf(i)), " gets "], product(use, i)),
      use[1] === "0" ? h("p", { class: "agc-soft" }, "The local derivative is 0: no gradient passes.") : null,
    ]).concat(list.length > 1 || uses[i].length > 1 ? h("p", { class: "agc-soft" }, `${nodes[i][0]} has ${uses[i].length} uses`, grad === null ? "." : `; its gradient is ${short(grad)}.`) : null);
  }

  // A card's accessible name; it begins with the visible text, as speech control requires.
  const read = (card) => [...card.querySelectorAll("text")].map((text) => text.textContent.trim()).filter(Boolean).join(" ");
  function words(card) {
    const [name, label, formula, , grad] = nodes[card.dataset.node], own = label || name, shown = read(card);
    return [...(shown.startsWith(own) ? [shown] : [shown, own]), formula, grad === null ? `gradient ${waiting}` : "", card.dataset.note].filter(Boolean).join(", ");
  }

  // --- pointing ---

  // The uses of the value under the pointer. A folded card has many values and a junction none: they have titles instead.
  const isValue = (i) => nodes[i] && !view.card(i)?.dataset.folded;
  const useAt = (from, to, operand) => (isValue(from) && isValue(to) ? uses[from].filter((use) => use[0] === +to && use[3] === +operand) : []);
  const plainly = (element) => (element.dataset.said ?? element.getAttribute("aria-label") ?? "").split("\n").map((line, k) => h("p", { class: k ? null : "agc-head" }, line));
  function tell(element, event) {
    clearTimeout(leaving);
    const port = element.closest("[data-source]"), card = element.closest("[data-node]");
    let at = card, content;
    if (element.matches(".agc-hit")) {
      const { from } = element.dataset, here = document.elementsFromPoint(event.clientX, event.clientY).filter((e) => e.matches(".agc-hit") && e.dataset.from === from && view.svg.contains(e));
      const list = here.flatMap((e) => useAt(from, e.dataset.to, e.dataset.operand));
      at = { x: event.clientX, y: event.clientY };
      content = list.length ? aboutEdge(list, from) : plainly(element);
    } else if (port) {
      const list = useAt(port.dataset.source, card.dataset.node, port.dataset.operand);
      at = port;
      content = list.length ? aboutEdge(list, port.dataset.source) : plainly(port);
    } else if (card.dataset.folded) {
      content = [...plainly(card), h("p", { class: "agc-soft" }, pictures.has(card.dataset.folded) ? "Click, or press Enter, to unfold." : leftOut(card.dataset.folded))];
    } else content = nodes[card.dataset.node] ? aboutCard(card.dataset.node) : plainly(card);
    if (at === card && card.dataset.note) content.push(h("p", { class: "agc-note" }, card.dataset.note));
    view.showTip(at, ...content.filter(Boolean));
  }
  const pointed = (event) => event.target.closest?.(".agc-hit, [data-source], [data-node]");
  view.stage.addEventListener("pointerover", (event) => { if (pointed(event) && !event.buttons) tell(pointed(event), event); });
  view.stage.addEventListener("pointerout", (event) => {
    clearTimeout(leaving);  // cancel the timer of the element left before, which would end while on this one
    if (event.pointerType !== "touch") leaving = setTimeout(() => view.hideTip(), 80);
  });

  // --- choosing: the edges in and out of a card stand out ---

  function pick(i) {
    picked = i;
    view.svg.classList.toggle("agc-picked", i !== null);
    view.svg.querySelectorAll(".agc-on").forEach((element) => element.classList.remove("agc-on"));
    if (i === null) return;
    view.card(i).classList.add("agc-on");
    for (const edge of view.edges()) {
      const [from, to] = [+edge.dataset.from, +edge.dataset.to];
      if (from !== i && to !== i) continue;
      edge.classList.add("agc-on");
      view.card(from === i ? to : from)?.classList.add("agc-on");
    }
  }

  view.stage.addEventListener("click", (event) => {
    const card = event.target.closest("[data-node]");
    const name = event.target.closest("text[data-scope]");
    if (name) return close(name.dataset.scope);
    if (card?.dataset.folded) return open(card);
    if (event.pointerType === "touch" && pointed(event)) tell(pointed(event), event);
    return pick(card && picked !== +card.dataset.node ? +card.dataset.node : null);
  });

  // --- keys: Enter from the stage to a card, arrows from card to card in topological order ---

  let current = 0;
  function focus(k) {
    const cards = view.cards();
    cards[current]?.setAttribute("tabindex", -1);
    current = Math.min(Math.max(k, 0), cards.length - 1);
    cards[current].setAttribute("tabindex", 0);
    cards[current].focus({ preventScroll: true });
    view.reveal(cards[current]);
    tell(cards[current]);
  }
  view.root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const card = event.target.closest("[data-node]"), { key } = event;
    if (key === "Escape") {
      view.hideTip();
      if (picked !== null) pick(null);
      else if (card) view.stage.focus();
      else return;
    } else if (event.target === view.stage && key === "Enter") focus(current);
    else if ((key === "Enter" || key === " ") && event.target.dataset.scope) close(event.target.dataset.scope);
    else if (!card) return;
    else if ((key === "Enter" || key === " ") && card.dataset.folded) open(card);
    else if (key === "ArrowRight" || key === "ArrowDown") focus(current + 1);
    else if (key === "ArrowLeft" || key === "ArrowUp") focus(current - 1);
    else if (key === "Home") focus(0);
    else if (key === "End") focus(Infinity);
    else if (key === "Enter" || key === " ") pick(picked === +card.dataset.node ? null : +card.dataset.node);
    else return;
    event.preventDefault();
  });
  view.stage.addEventListener("focusin", (event) => {
    const k = view.cards().indexOf(event.target.closest("[data-node]"));
    if (k >= 0 && event.target.matches(":focus-visible")) { current = k; tell(event.target); }
  });
  view.stage.addEventListener("focusout", () => view.hideTip());

  // --- folding: at most one scope, with those around it, differs from the initial picture ---

  const trail = h("nav", { class: "agc-trail", "aria-label": "Open scope" });
  let place = "";
  if (pictures.size) view.body.before(trail);

  function go(path) {
    place = path;
    view.show(path ? pictures.get(path)[1] : view.home);
    const crumbs = [""];
    path.split("/").reduce((around, part) => {
      const way = around ? `${around}/${part}` : part;
      if (pictures.get(way)?.[0]) crumbs.push(way);
      return way;
    }, "");
    trail.replaceChildren(...crumbs.flatMap((way, k) => {
      const name = way ? way.slice(crumbs[k - 1] && crumbs[k - 1].length + 1) : "all";
      const button = h("button", { type: "button", "aria-current": way === path && "true", onclick: () => { go(way); if (!way) view.stage.focus({ preventScroll: true }); } }, name);
      return k ? [h("span", { class: "agc-soft" }, "▸"), button] : [button];
    }));
    trail.hidden = !path;
    view.say(`${path || "All"}: ${view.cards().length} cards`);
  }

  function turn(selector, path) {
    const element = [...view.svg.querySelectorAll(selector)].find(({ dataset }) => (dataset.folded ?? dataset.scope) === path);
    if (element) view.reveal(element);
    return element;
  }

  function open(card) {
    const path = card.dataset.folded;
    if (!pictures.has(path) && path !== place) return view.say(leftOut(path));
    go(path === place ? "" : path);
    turn("g[data-scope]", path);
    turn("text[data-scope]", path)?.focus({ preventScroll: true });
  }

  function close(path) {
    let way = path;
    if (pictures.get(path)?.[0] !== false) {
      do way = way.slice(0, Math.max(way.lastIndexOf("/"), 0)); while (way && !pictures.get(way)?.[0]);
    }
    go(way);
    turn("[data-folded]", path)?.focus({ preventScroll: true });
  }

  // --- preparing each picture that is shown ---

  function ready() {
    picked = null;
    for (const title of view.svg.querySelectorAll("g > title, path > title")) {
      const owner = title.parentNode, card = owner.parentNode.closest("[data-node]");
      if (card && !owner.dataset.source) card.dataset.note = title.textContent;  // a mark on the card
      else for (const [key, value] of Object.entries({ role: "img", "aria-label": title.textContent })) owner.setAttribute(key, value);
      title.remove();  // otherwise the browser would show it as a second tooltip
    }
    for (const edge of view.edges()) {
      const hit = edge.cloneNode();
      hit.removeAttribute("id");
      hit.setAttribute("class", "agc-hit");
      hit.setAttribute("aria-hidden", "true");  // it duplicates the edge
      edge.before(hit);
    }
    view.cards().forEach((card, k) => {
      card.append(...card.querySelectorAll(":scope > [data-source]"));  // screen readers then read the card's name before its chips
      for (const text of card.querySelectorAll("text")) text.after(" ");
      card.setAttribute("tabindex", k ? -1 : 0);
      card.setAttribute("role", "button");
      if (card.dataset.folded) {
        card.dataset.said = card.getAttribute("aria-label") || "";
        card.setAttribute("aria-expanded", "false");
        card.setAttribute("aria-label", [read(card), card.dataset.said].filter(Boolean).join(", "));
      } else if (nodes[card.dataset.node]) card.setAttribute("aria-label", words(card));
    });
    if (pictures.size) {
      for (const name of view.svg.querySelectorAll("text[data-scope]")) {
        for (const [key, value] of Object.entries({ tabindex: 0, role: "button", "aria-expanded": "true" })) name.setAttribute(key, value);
      }
    }
    current = 0;
  }
  view.changed.push(ready);
  if (pictures.size) go("");
  else ready();
};
