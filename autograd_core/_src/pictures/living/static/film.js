// Curves over the points, such as the epochs of training: the root, the chosen value, its gradient, saturated units.
// Each point is evaluated apart from the page's own numbers, a few per frame, and the results are kept.

const SWEEPING = 12, STRIP = { width: 600, height: 40 };  // milliseconds per frame; size in SVG units

class Film {
  constructor(host) {
    this.host = host;
    this.count = host.model.state.points.data.length;
    this.swept = [];
    this.saturating = [...host.model.operands.keys()].filter((i) => saturates(host.model, i));
    this.strips = ["root", "value", "gradient", ...(this.saturating.length ? ["saturated"] : [])].map((kind) => this.strip(kind));
    this.element = h("div", { class: "agl-film", role: "group", "aria-label": "Curves over the points" }, this.strips.map((strip) => strip.row));
  }

  strip(kind) {
    const curve = s("path", { class: "agl-curve" }), zero = s("path", { class: "agl-zero" }), mark = s("path", { class: "agl-at" });
    const svg = s("svg", { viewBox: `0 0 ${STRIP.width} ${STRIP.height}`, preserveAspectRatio: "none", role: "img" }, zero, curve, mark), name = h("span", { class: "agl-called" }), now = h("output", {});
    const go = (event) => {
      const box = svg.getBoundingClientRect(), at = Math.round(((event.clientX - box.left) / box.width) * (this.count - 1));
      this.host.point(Math.max(0, Math.min(this.count - 1, at)));
    };
    svg.addEventListener("pointerdown", (event) => { svg.setPointerCapture(event.pointerId); go(event); });
    svg.addEventListener("pointermove", (event) => { if (event.buttons & 1) go(event); });
    return { kind, curve, zero, mark, svg, name, now, row: h("div", { class: "agl-strip" }, name, svg, now) };
  }

  // Evaluate the remaining points within the time of a frame, then continue in the next one.
  sweep() {
    const { model } = this.host, { points } = model.state, until = performance.now() + SWEEPING;
    while (this.swept.length < this.count && performance.now() < until) {
      const row = points.data[this.swept.length], { data, local, adjoint } = model.elsewhere(points.leaves.map((leaf, j) => [leaf, asNumber(row[j])]));
      const flat = this.saturating.filter((i) => isFlat(model, i, data, local)).length;
      this.swept.push({ data, adjoint, flat });
    }
    if (this.swept.length < this.count) setTimeout(() => { this.sweep(); this.show(); });
  }

  series({ kind }) {
    const { host } = this, [root] = host.model.roots, i = host.chosen;
    if (kind === "root") return this.swept.map(({ data }) => data[root]);
    if (kind === "saturated") return this.swept.map(({ flat }) => flat);
    return i === null ? null : this.swept.map(({ data, adjoint }) => (kind === "value" ? data : adjoint)[i]);
  }

  nameOf({ kind }) {
    const { host } = this, { shown } = host.model.state, own = host.chosen === null ? "" : shown[host.chosen];
    return { root: shown[host.model.roots[0]], value: own, gradient: `∂${shown[host.model.roots[0]]}/∂${own}`, saturated: `saturated of ${this.saturating.length}` }[kind];
  }

  show() {
    const { host } = this, { points } = host.model.state;
    if (!this.swept.length) this.sweep();
    for (const strip of this.strips) {
      const ys = this.series(strip), doubled = strip.kind === "value" && host.chosen === host.model.roots[0];
      strip.row.hidden = !ys || doubled;
      if (strip.row.hidden) continue;
      const name = this.nameOf(strip), [low, high] = rangeOf(ys), { width, height } = STRIP, X = (k) => (this.count > 1 ? (k / (this.count - 1)) * width : 0), Y = (y) => 3 + ((high - y) / (high - low)) * (height - 6);
      let d = "";
      ys.forEach((y, k) => { if (finite(y)) d += `${k && finite(ys[k - 1]) ? "L" : "M"}${X(k).toFixed(1)} ${Y(y).toFixed(1)}`; });
      strip.curve.setAttribute("d", d);
      strip.zero.setAttribute("d", low < 0 && high > 0 ? `M0 ${Y(0).toFixed(1)}H${width}` : "");
      strip.mark.setAttribute("d", `M${X(host.at).toFixed(1)} 0V${height}`);
      setText(strip.name, shorten(name, 26));
      strip.name.title = name;
      const here = ys[host.at];
      setText(strip.now, here === undefined ? "" : numberText(here));
      strip.svg.setAttribute("aria-label", `${name}: ${numberText(ys[0])} at ${points.labels[0]}, ${numberText(ys[ys.length - 1])} at ${points.labels[ys.length - 1]}`);
    }
  }
}

function rangeOf(ys) {
  let low = Infinity, high = -Infinity;
  for (const y of ys) if (finite(y)) { low = Math.min(low, y); high = Math.max(high, y); }
  if (low > high) return [-1, 1];
  return low === high ? around(low) : [low, high];
}

function filmOf(host) {
  if ((host.model.state.points?.data.length || 0) < 3) return null;
  const film = new Film(host);
  host.filmShown = () => film.show();
  return film.element;
}
