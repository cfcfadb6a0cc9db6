// Forward and backward, one step at a time: the sweep that computes is the sweep that is shown.

const PACE = 1100;  // milliseconds from step to step when it plays

class Steps {
  constructor(host) {
    this.host = host;
    this.within(host.written);
  }

  // The steps of the whole graph, or of one training case alone.
  within(written) {
    const { host } = this;
    this.written = written;
    this.forward = written.order.filter((i) => !host.model.isLeaf[i]);
    this.backward = [...this.forward].reverse();
    this.count = this.forward.length + this.backward.length;
    this.computed = new Map(this.forward.map((i, k) => [i, k]));
    this.sent = new Map(this.backward.map((i, k) => [i, this.forward.length + k]));
    this.now = -1;  // not stepping: all numbers are shown
    this.timer = 0;
  }

  get isOn() { return this.now >= 0; }
  get isBack() { return this.now >= this.forward.length; }
  get node() { return this.isBack ? this.backward[this.now - this.forward.length] : this.forward[this.now]; }

  go(k) {
    this.now = this.count ? Math.max(-1, Math.min(Math.trunc(k), this.count - 1)) : -1;
    this.sums = this.isBack ? this.sumsAt(this.now - this.forward.length) : null;
  }

  // Gradients after a backward step: partial sums so far, and the products of that step.
  sumsAt(last) {
    const { written } = this, { model } = this.host, sums = new Map(written === this.host.written ? model.roots.map((root) => [root, 1]) : [[written.root, 1]]);
    this.products = [];
    this.backward.slice(0, last + 1).forEach((node, j) => {
      const g = sums.get(node) ?? 0, slopes = written.slopes.get(node);
      if (!sums.has(node)) sums.set(node, 0);
      written.operandsOf(node).forEach((p, k) => {
        if (model.isConstant[p]) return;
        const d = slopes[k], product = g !== 0 && d !== 0 ? d * g : 0, before = sums.get(p) ?? 0;
        sums.set(p, before + product);
        if (j === last) this.products.push({ operand: k, p, d, g, product, before, after: before + product });
      });
    });
    return sums;
  }

  isValueShown(i) { return !this.isOn || this.isBack || !this.computed.has(i) || (this.computed.get(i) ?? -1) <= this.now; }
  // Whether a node has propagated its gradient: when not stepping, and from its backward step on.
  isSent(i) { return !this.isOn || (this.sent.get(i) ?? (this.isBack ? this.count - 1 : Infinity)) <= this.now; }
  adjoint(i) { return this.isOn ? this.sums.get(i) ?? 0 : this.host.model.adjoint[i]; }
  // The step after which a node's gradient is complete: its own; for a leaf, that of its last use.
  lastOf(i) { return this.sent.get(i) ?? Math.max(...this.backward.map((node, k) => (this.written.operandsOf(node).includes(i) ? this.forward.length + k : this.now))); }
  gradient(i) { return !this.isOn ? this.host.model.adjoint[i] : this.isBack ? this.sums.get(i) ?? null : null; }

  toggle() {
    if (this.timer) return this.pause();
    if (this.now >= this.count - 1) this.host.step(0);
    else this.host.step(this.now + 1);
    this.timer = setInterval(() => {
      if (this.now >= this.count - 1) this.pause();
      else this.host.step(this.now + 1, true);
    }, PACE);
    this.host.controls.update();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
  }

  pause() {
    this.stop();
    this.host.controls.update();
  }
}

class Controls {
  constructor(host) {
    this.host = host;
    const { steps } = host, go = (k) => () => { steps.pause(); host.step(k()); };
    this.play = button("play", "Play (space)", () => steps.toggle(), "agl-play");
    this.slider = h("input", { type: "range", min: 0, max: Math.max(steps.count - 1, 0), step: 1, value: 0, autocomplete: "off", "aria-label": "Step", oninput: () => { steps.pause(); host.step(+this.slider.value); } });
    this.counter = h("span", { class: "agl-counter" });
    this.off = button("All numbers", "Leave the steps and show all numbers (Escape)", () => { steps.pause(); host.step(-1); });
    this.all = button("All cases", "Step through all cases again", () => host.cases.choose(host.cases.chosen));
    this.element = h("div", { class: "agl-controls", role: "group", "aria-label": "Steps" },
      h("span", { class: "agl-group" }, button("first", "First step (Home)", go(() => 0)), button("previous", "Previous step (left arrow)", go(() => steps.now - 1)), this.play,
        button("next", "Next step (right arrow)", go(() => steps.now + 1)), button("last", "Last step (End)", go(() => steps.count - 1))),
      this.slider, this.counter, h("span", { class: "agl-group" }, this.phase("Forward", () => 0), this.phase("Backward", () => this.host.steps.forward.length)), this.off, this.all);
    this.spread();
    if (!steps.count) this.element.hidden = true;
    this.update();
  }

  spread() {
    const { steps } = this.host;
    this.slider.max = Math.max(steps.count - 1, 0);
    if (steps.count) this.slider.style.setProperty("--turn", `${(100 * steps.forward.length) / steps.count}%`);
  }

  phase(text, k) { return h("button", { type: "button", class: "agl-phase", onclick: () => { this.host.steps.pause(); this.host.step(k()); } }, text); }

  update() {
    const { steps } = this.host, on = !!steps.timer;
    this.slider.value = Math.max(steps.now, 0);
    const { cases } = this.host, alone = cases?.chosen >= 0 ? cases.cases[cases.chosen][0] : "";
    this.counter.textContent = `${steps.isOn ? `${steps.now + 1} of ${steps.count}` : `${steps.count} steps`}${alone && ` of ${alone}`}`;
    this.all.hidden = !alone;
    this.play.replaceChildren(icon(ICONS[on ? "pause" : "play"]));
    for (const key of ["title", "aria-label"]) this.play.setAttribute(key, on ? "Pause (space)" : "Play (space)");
    const phases = this.element.querySelectorAll(".agl-phase");
    phases[0].setAttribute("aria-pressed", steps.isOn && !steps.isBack);
    phases[1].setAttribute("aria-pressed", steps.isBack);
    this.off.disabled = !steps.isOn;
  }
}
