// A picture on paper: the orientation of the sheets, and where it is cut so that text is legible and every card is whole
// on one of them.

const UPRIGHT = [700, 1000], ON_ITS_SIDE = [1030, 670];  // pixels of A4 within margins of 12 mm
const SMALLEST = 0.86;  // pixels per unit; at less, print is below 9 pixels
const APART = 2, LEAST_USED = 0.3, SCALES = 6;  // least distance of a cut from what is beside it; least share of a sheet used before a cut; number of scales tried

// Cut a length into parts so that each span (from, to) is whole on one of them: in a gap as far along
// each sheet as possible; if there is no gap, the next sheet begins with the span that would be cut.
function cutAlong(spans, total, most, first = most) {
  const sorted = spans.filter(([from, to]) => to - from < Math.min(most, first)).sort((a, b) => a[0] - b[0]), parts = [];
  let top = 0, room = first, k = 0, reached = 0;
  while (total - top > room + 1e-6) {
    const least = top + room * LEAST_USED, end = top + room;
    let cut = 0;
    for (; reached < end; k++) {
      const next = k < sorted.length ? sorted[k][0] : total;
      if (Math.min(next, end) - reached >= APART) cut = Math.max(cut, Math.min((reached + next) / 2 > least ? (reached + next) / 2 : next, end));
      if (next >= end) break;
      reached = Math.max(reached, sorted[k][1]);
    }
    if (cut <= least) cut = 0;
    let next = cut || end;
    if (!cut) for (const [from, to] of sorted) if (from < end && to > end && from > top) next = Math.min(next, from - APART);
    parts.push([top, cut || end]);
    top = next > top + room * LEAST_USED ? next : cut || end;
    room = most;
    k = sorted.findIndex(([, to]) => to > top);
    if (k < 0) k = sorted.length;
    reached = top;
  }
  return [...parts, [top, total]];
}

// The parts of a picture as (left, top, right, bottom): rows, each cut into columns of its own, or the other
// way round. Boxes on it are (left, top, right, bottom), too; a part without boxes is left out.
function tiles(size, boxes, [width, height], first, isDownFirst) {
  const u = isDownFirst ? 1 : 0, v = 1 - u, most = [width, height], found = [];
  const spans = (list, axis) => list.map((box) => [box[axis], box[axis + 2]]);
  const firstOf = (axis) => (axis === 1 ? first : most[axis]);
  let left = boxes;
  for (const [from, to] of cutAlong(spans(boxes, u), size[u], most[u], firstOf(u))) {
    const here = left.filter((box) => box[u] >= from - 1 && box[u + 2] <= to + 1);
    left = left.filter((box) => !here.includes(box));
    if (!here.length && found.length) continue;
    for (const [start, end] of cutAlong(spans(here, v), size[v], most[v], from === 0 ? firstOf(v) : most[v])) {
      if (!here.some((box) => box[v] >= start - 1 && box[v + 2] <= end + 1) && found.length) continue;
      found.push(u ? [start, from, end, to] : [from, start, to, end]);
    }
  }
  return found;
}

// Sheets for a picture: their orientation, the scale, and the part on each. The fewest sheets; of these the largest
// scale. One upright sheet if that is legible. `head` is the height above the picture on the first sheet, in pixels.
function sheetsFor(size, boxes, head = 0) {
  const whole = [[0, 0, ...size]], upright = Math.min(1, UPRIGHT[0] / size[0], (UPRIGHT[1] - head) / size[1]);
  if (upright >= SMALLEST) return { isWide: false, scale: upright, parts: whole };
  const found = [];
  for (const page of [UPRIGHT, ON_ITS_SIDE]) {
    const largest = Math.max(SMALLEST, Math.min(1, page[0] / size[0]));
    const scales = new Set(Array.from({ length: SCALES }, (_, k) => largest + ((SMALLEST - largest) * k) / (SCALES - 1)));
    for (const scale of scales) {
      for (const isDownFirst of [true, false]) {
        const parts = tiles(size, boxes, page.map((x) => x / scale), (page[1] - head) / scale, isDownFirst);
        found.push({ isWide: page === ON_ITS_SIDE, scale, parts });
      }
    }
  }
  return found.reduce((best, one) => (one.parts.length < best.parts.length || (one.parts.length === best.parts.length && one.scale > best.scale + 1e-9) ? one : best));
}

// One copy of a picture per sheet; null if it is not on the page. What is neither whole on a
// sheet nor a line is left to the next one.
function onSheets(svg, size, head = 0) {
  const screen = svg.getScreenCTM();
  if (!screen || !svg.getClientRects().length) return null;
  const toUnits = screen.inverse(), boxes = new Map();
  const boxOf = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect(), at = (x, y) => new DOMPoint(x, y).matrixTransform(toUnits);
    const [a, b] = [at(left, top), at(right, bottom)];
    return [a.x, a.y, b.x, b.y];
  };
  const isWhole = (element) => element.matches(".card, text");
  for (const element of svg.querySelectorAll(".card, text, path, rect, use")) {
    if (!element.parentNode.closest(".card, defs") && !element.matches(".bg, .agl-hit, .agc-hit")) boxes.set(element, boxOf(element));
  }
  const standing = [...boxes].filter(([element]) => isWhole(element)).map(([, box]) => box);
  const { isWide, scale, parts } = sheetsFor(size, standing, head);
  const sheets = parts.map(([left, top, right, bottom], k) => {
    const copied = (element) => {
      if (element.matches("defs, style")) return element.cloneNode(true);
      const box = boxes.get(element);
      if (box) {
        const [x0, y0, x1, y1] = box, isIn = x0 >= left - 1 && y0 >= top - 1 && x1 <= right + 1 && y1 <= bottom + 1;
        const isThere = isWhole(element) && x1 - x0 < right - left && y1 - y0 < bottom - top ? isIn : x1 > left && x0 < right && y1 > top && y0 < bottom;
        return isThere ? element.cloneNode(true) : null;
      }
      const copy = element.cloneNode(false);
      if (element.matches(".bg")) ["x", "y", "width", "height"].forEach((key, i) => copy.setAttribute(key, [left, top, right - left, bottom - top][i]));
      if (element.matches("title, desc, .agl-hit, .agc-hit")) return null;
      for (const child of element.children) { const inner = copied(child); if (inner) copy.append(inner); }
      return copy;
    };
    const copy = copied(svg);
    copy.setAttribute("viewBox", [left, top, right - left, bottom - top].join(" "));
    for (const key of ["width", "height", "role", "tabindex", "aria-label"]) copy.removeAttribute(key);
    copy.style.width = `${(right - left) * scale}px`;
    copy.style.height = "auto";
    return h("div", { class: "agc-sheet" }, copy, parts.length > 1 ? h("p", {}, `${k + 1} of ${parts.length}`) : "");
  });
  return h("div", { class: isWide ? "agc-sheets agc-wide" : "agc-sheets", "aria-hidden": "true" }, sheets);
}
