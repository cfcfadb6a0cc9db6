// A leaf's number: dragged sideways, typed over, or moved by keys.

// A step that suits a number: a hundredth of its size, of the form 1, 2 or 5 times a power of ten.
function stepOf(x) {
  const size = finite(x) && x !== 0 ? Math.abs(x) / 50 : 0.02, power = 10 ** Math.floor(Math.log10(size)), lead = size / power;
  return (lead < 2 ? 1 : lead < 5 ? 2 : 5) * power;
}

// To the digits of the step, so that a reader sees 2.04 and not 2.0400000000000005.
const snapped = (x, step) => Number((Math.round(x / step) * step).toPrecision(12));

function listenForEdits(graph) {
  const { host, stage } = graph;
  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    const card = event.target.closest(".card"), view = card && graph.cards.get(idOf(card.dataset.card));
    if (!view?.isLeaf || event.button !== 0) return;
    const { node } = view.card;
    drag = { node, x: event.clientX, from: host.model.data[node], step: stepOf(host.model.data[node]), moved: false, pointer: event.pointerId };
  });
  stage.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const pixels = event.clientX - drag.x;
    if (!drag.moved && Math.abs(pixels) < 4) return;
    if (!drag.moved) { drag.moved = true; stage.setPointerCapture(drag.pointer); host.beginChange(drag.node); }
    host.drag(drag.node, snapped(drag.from + Math.round(pixels / 3) * drag.step, drag.step));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, () => {
      if (drag?.moved) { graph.dragged = true; host.endChange(); setTimeout(() => { graph.dragged = false; }, 0); }
      drag = null;
    });
  }
}

const noNumber = (text, x) => `${text.trim() ? `${shorten(text.trim(), 20)} is no number` : "Expected a number such as 0.5"}; the value stays ${numberText(x)}`;

// An input over a leaf's value, until Enter, Escape or a click elsewhere.
function typeOver(graph, view) {
  const { host } = graph, { node } = view.card, outer = graph.body.getBoundingClientRect(), at = view.element.querySelector(".face").getBoundingClientRect();
  let done = false;
  const close = (keep, stays = false) => {
    if (done) return;
    const x = typed(input.value), isWrong = keep && x === null;
    if (isWrong) host.say(noNumber(input.value, host.model.data[node]));
    put(input, "aria-invalid", isWrong ? "true" : null);
    if (isWrong && stays) return;
    done = true;
    input.remove();
    if (keep && x !== null) host.set(host.model.state.names[node], x);
    graph.cards.get(view.card.id)?.element.focus({ preventScroll: true });
  };
  const input = h("input", { class: "agl-type", type: "text", inputmode: "decimal", value: String(host.model.data[node]), "aria-label": `Value of ${host.model.state.names[node]}`, onblur: () => close(true), onkeydown: (event) => {
    event.stopPropagation();
    if (event.key === "Enter") close(true, true);
    else if (event.key === "Escape") close(false);
  } });
  graph.body.append(input);
  Object.assign(input.style, { left: `${at.left - outer.left}px`, top: `${at.top - outer.top + at.height * 0.28}px`, width: `${Math.max(at.width, 90)}px` });
  input.focus();
  input.select();
}
