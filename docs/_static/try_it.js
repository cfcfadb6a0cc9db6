// "Try it": examples become cells that run in the page. Python starts with the first of them.
"use strict";
(() => {
  const config = window.AUTOGRAD_TRY_IT;
  if (!config) return; // this copy of the site was built without Pyodide
  const base = new URL("..", document.currentScript.src).href;
  const fromDisk = location.protocol === "file:";
  let worker = null;
  let started = null;
  let count = 0;
  const waiting = new Map();

  function begin() {
    if (started) return started;
    started = new Promise((resolve, reject) => {
      worker = new Worker(`${base}_static/try_it_worker.mjs`, { type: "module" });
      worker.onmessage = ({ data }) => {
        if (data.ready) resolve();
        else if (data.failed) reject(new Error(data.failed));
        else if (waiting.has(data.id)) { waiting.get(data.id)(data.outputs); waiting.delete(data.id); }
      };
      worker.onerror = (event) => reject(new Error(event.message || "Python could not be started"));
      worker.postMessage({ start: { base, first: config.first, later: config.later } });
    });
    return started;
  }

  function stop() {
    if (worker) worker.terminate();
    worker = started = null;
    for (const answer of waiting.values()) answer([{ kind: "note", data: "Stopped. What earlier cells made is gone." }]);
    waiting.clear();
    document.dispatchEvent(new CustomEvent("try-it-stopped"));
  }

  async function python(code, mode, space) {
    if (fromDisk) {
      return [{ kind: "note", data: "Browsers start no Python from a file. Serve the folder, with python -m http.server, and open that address." }];
    }
    await begin();
    return new Promise((resolve) => {
      const id = ++count;
      waiting.set(id, resolve);
      worker.postMessage({ id, code, mode, space });
    });
  }

  function show(outputs, place) {
    place.replaceChildren();
    for (const { kind, data } of outputs) {
      const block = document.createElement(kind === "html" ? "div" : "pre");
      block.className = `try-it-${kind}`;
      if (kind === "html") {
        block.innerHTML = data;
        for (const old of block.querySelectorAll("script")) { // scripts that are set as text do not run
          const fresh = document.createElement("script");
          for (const { name, value } of old.attributes) fresh.setAttribute(name, value);
          fresh.textContent = old.textContent;
          old.replaceWith(fresh);
        }
      } else {
        block.textContent = data;
        if (kind === "text" || kind === "error") block.tabIndex = 0;
      }
      place.append(block);
    }
    if (!outputs.length) {
      const note = document.createElement("p");
      note.className = "try-it-note";
      note.textContent = "It ran, and shows nothing.";
      place.append(note);
    }
  }

  class Cell {
    constructor(block, index) {
      this.block = block;
      this.text = block.querySelector("pre").textContent.replace(/\n+$/, "");
      this.isConsole = /^\s*>>> /m.test(this.text);
      this.alone = Boolean(block.closest("dl.py")); // an example of the reference stands by itself
      this.space = this.alone ? `example ${index}` : "page";
      this.ran = false;
      this.open = document.createElement("button");
      this.open.type = "button";
      this.open.className = "try-it-open";
      this.open.textContent = "Try it";
      this.open.addEventListener("click", () => { this.edit(); this.run(); });
      block.append(this.open);
      document.addEventListener("try-it-stopped", () => { this.ran = false; });
    }

    source() {
      return this.input ? this.input.value : this.text;
    }

    edit() {
      if (this.input) return;
      this.open.remove();
      const box = document.createElement("div");
      box.className = "try-it";
      this.input = document.createElement("textarea");
      this.input.spellcheck = false;
      this.input.wrap = "off";
      this.input.autocapitalize = "off";
      this.input.setAttribute("aria-label", "Python, which runs in this page");
      this.input.value = this.isConsole ? this.plain() : this.text;
      const fit = () => { this.input.rows = Math.max(2, this.input.value.split("\n").length); };
      fit();
      this.input.addEventListener("input", fit);
      this.input.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey)) { event.preventDefault(); this.run(); }
      });
      const row = document.createElement("div");
      row.className = "try-it-row";
      row.append(this.button("Run", () => this.run(), "Ctrl+Enter"), this.button("Stop", stop), this.button("Reset", () => this.reset()));
      this.said = document.createElement("span");
      this.said.className = "try-it-said";
      this.said.setAttribute("role", "status");
      row.append(this.said);
      this.place = document.createElement("div");
      this.place.className = "try-it-outputs";
      box.append(this.input, row, this.place);
      this.block.after(box);
      this.block.hidden = true;
    }

    plain() { // without prompts, and without the outputs that stand below them
      return this.text.split("\n").filter((line) => /^\s*(>>>|\.\.\.)/.test(line)).map((line) => line.replace(/^\s*(>>>|\.\.\.) ?/, "")).join("\n");
    }

    button(text, action, keys) {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = text;
      if (keys) made.title = keys;
      made.addEventListener("click", action);
      return made;
    }

    reset() {
      this.input.value = this.isConsole ? this.plain() : this.text;
      this.input.dispatchEvent(new Event("input"));
      this.place.replaceChildren();
    }

    async run() {
      this.said.textContent = started ? "running …" : "starting Python (some seconds, once per page) …";
      try {
        if (!this.alone) await this.before();
        const outputs = await python(this.source(), this.isConsole ? "console" : "cell", this.space);
        this.ran = true;
        show(outputs, this.place);
        this.said.textContent = "";
      } catch (error) {
        show([{ kind: "error", data: String(error.message || error) }], this.place);
        this.said.textContent = "";
      }
    }

    async before() { // what stands above on the page, whose names this cell may use
      for (const cell of cells) {
        if (cell === this) return;
        if (!cell.alone && !cell.ran) {
          const outputs = await python(cell.source(), "cell", "page");
          cell.ran = true;
          if (cell.place) show(outputs, cell.place);
        }
      }
    }
  }

  const cells = [];
  window.AUTOGRAD_PYTHON = { python, show, stop, isStarted: () => Boolean(started) };
  const found = "div.highlight-pycon, div.highlight-python, .cell_input div.highlight-ipython3, .cell_input div.highlight-python3";
  document.addEventListener("DOMContentLoaded", () => {
    for (const block of document.querySelectorAll(found)) {
      if (block.closest(".sd-dropdown, details, .playground") || /Traceback \(most recent/.test(block.textContent) && !/>>> /.test(block.textContent)) continue;
      cells.push(new Cell(block, cells.length));
    }
    offerNotebook(document.querySelector("article h1"));
  });

  function offerNotebook(heading) { // the page of a tutorial as a notebook of its own, which a server of files is needed for
    const [, name] = /\/tutorials\/(\w+)\.html$/.exec(location.pathname) || [];
    if (!config.lite || fromDisk || !heading || !document.querySelector(".cell_input")) return;
    const link = document.createElement("a");
    link.href = `${base}lite/notebooks/index.html?path=${name}.ipynb`;
    link.textContent = "Open this notebook in JupyterLite";
    const line = document.createElement("p");
    line.className = "try-it-notebook";
    line.append(link, ", which runs in this browser. The changes you make stay in it.");
    heading.after(line);
  }
})();
