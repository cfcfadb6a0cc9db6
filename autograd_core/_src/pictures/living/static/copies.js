// A table of what differs between the copies of repeated structure: outputs, gradients, local derivatives.

const MOST_COLUMNS = 12, MOST_LINES = 8, COPY_STRIP = { width: 240, height: 22 };  // more copies than columns are bars

class Copies {
  constructor(host) {
    this.host = host;
    this.plates = host.scopes.plates.list;
    if (!this.plates.length) return;
    this.element = h("section", { class: "agl-copies", "aria-label": host.called("Copies") });
  }

  // Updated after a pause, not at every pixel of a drag.
  follow() {
    if (!this.plates.length) return;
    clearTimeout(this.later);
    if (!this.element.childElementCount) { this.show(); return; }
    this.isBehind = true;
    this.later = setTimeout(() => { if (this.host.copies === this) this.show(); }, PAUSE);
  }

  show() {
    if (!this.plates.length) return;
    clearTimeout(this.later);
    this.isBehind = false;
    renew(this.element, this.plates.flatMap((plate) => this.told(plate)));
    this.element.hidden = !this.element.childElementCount;
  }

  told(plate) {
    const { host } = this, { model, scopes } = host, rows = this.rows(plate), isWide = plate.names.length > MOST_COLUMNS;
    if (!rows.length) return [];
    const show = (k) => h("button", { type: "button", class: "agl-small", "aria-label": `Show ${plate.names[k]}`, title: `Show ${plate.names[k]}`, "aria-pressed": String(k === plate.current), onclick: () => { host.showCopy(plate, k); this.show(); } }, plate.names[k]);
    const top = isWide ? [h("th", { scope: "col" }, plate.names[plate.current]), h("th", { scope: "col" }, `${plate.names[0]} to ${plate.names[plate.names.length - 1]}`)] : plate.names.map((_, k) => h("th", { scope: "col" }, show(k)));
    return [heading("h4", 1, `${scopes.names[plate.scope]}: what differs from copy to copy`),
      h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "of each copy"), top)), h("tbody", {}, rows.map(({ name, numbers }) => h("tr", {}, h("th", { scope: "row" }, name), isWide ? this.strip(plate, name, numbers) : this.cells(numbers)))))];
  }

  cells(numbers) {
    const largest = Math.max(0, ...numbers.filter((x) => x !== null && finite(x)).map(Math.abs));
    return numbers.map((x) => {
      const td = h("td", { class: `agl-cell ${bySign(x)}` }, x === null ? "" : numberText(x, 4));
      td.style.setProperty("--share", largest && x !== null && finite(x) ? String(Math.round((55 * Math.abs(x)) / largest)) : "0");
      return td;
    });
  }

  // A bar chart over the copies with a zero line, and the number of the shown copy.
  strip(plate, name, numbers) {
    const { width, height } = COPY_STRIP, known = numbers.filter((x) => x !== null && finite(x)), low = Math.min(0, ...known), high = Math.max(0, ...known), Y = (x) => (high > low ? 1 + ((high - x) / (high - low)) * (height - 2) : height / 2), step = width / numbers.length;
    const bars = (wanted) => numbers.map((x, k) => (x === null || !finite(x) || (k === plate.current) !== wanted ? "" : `M${(k * step).toFixed(2)} ${Y(0).toFixed(1)}V${Y(x).toFixed(1)}h${Math.max(step * 0.8, 0.5).toFixed(2)}V${Y(0).toFixed(1)}Z`)).join(""), x = numbers[plate.current];
    const said = known.length ? `${name}: from ${numberText(Math.min(...known))} to ${numberText(Math.max(...known))}` : name;
    return [h("td", {}, x === null ? "" : numberText(x)), h("td", {}, s("svg", { class: "agl-copy-strip", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": said }, s("title", {}, said), s("path", { class: "agl-copy", d: bars(false) }), s("path", { class: "agl-copy agl-here", d: bars(true) }),
      s("path", { class: "agl-zero", d: `M0 ${Y(0).toFixed(1)}H${width}` })))];
  }

  // Rows: values of activations and outputs, their gradients, slopes of activations, contributions to shared leaves.
  rows(plate) {
    const { host } = this, { model, written } = host, items = plate.items[plate.shown], visible = new Set(written.order), exits = new Set(plate.exits[plate.shown]);
    const places = [...items.keys()].filter((place) => { const i = items[place]; return i >= 0 && !model.isLeaf[i] && visible.has(i) && (exits.has(i) || written.operandsOf(i).length === 1); });
    const isFunction = (place) => written.operandsOf(items[place]).length === 1 && !model.isConstant[written.operandsOf(items[place])[0]];
    const of = (number) => (place) => plate.items.map((copy) => (copy[place] < 0 ? null : number(copy[place])));
    const value = of((i) => (host.isValueShown(i) ? model.data[i] : null)), slope = of((i) => (host.isValueShown(i) ? written.slopes.get(i)[0] : null)), gradient = of((i) => (host.isGradientComplete(i) ? host.gradientShown(i) : null));
    const found = [], called = this.namesOf(plate, visible);
    const add = (some, told, numbers) => { for (const place of some.slice(-MOST_LINES)) { const all = numbers(place); if (all.some((x) => !Object.is(x, all[0]))) found.push({ name: told(called(place)), numbers: all }); } };
    add(places, (name) => name, value);
    add(places, (name) => `gradient of ${name}`, gradient);
    add(places.filter(isFunction), (name) => `slope of ${name}`, slope);
    if (plate.weights.size && !host.steps.isOn) {
      const sums = plate.names.map(() => 0);
      for (const leaf of plate.weights) host.scopes.plates.parts(plate, leaf, model).forEach((x, k) => { sums[k] = Math.hypot(sums[k], x); });
      if (sums.some((x) => x !== sums[0])) found.push({ name: "size of its part of the weights’ gradient", numbers: sums });
    }
    return found;
  }

  // A name within the copy, as in pictures (`Called` in scene/plates.py): the label, else the unit, else an operation that is unique.
  namesOf(plate, visible) {
    const { model, written } = this.host, { state } = model, items = plate.items[plate.shown], labelled = new Set(state.labelled), ops = {};
    for (const i of items) if (visible.has(i) && !labelled.has(i) && written.op(i)) ops[written.op(i).name] = (ops[written.op(i).name] || 0) + 1;
    return (place) => {
      const i = items[place], op = written.op(i);
      if (labelled.has(i)) return state.bare[i];
      return plate.units[place] || (op && op.sign === op.name && ops[op.name] === 1 ? op.name : state.bare[i]);
    };
  }
}
