// "Try it": examples become cells that run in the page. Python starts with the first of them.
"use strict";
(() => {
  const config = window.AUTOGRAD_TRY_IT;
  if (!config) return; // this copy of the site was built without Pyodide
  const base = new URL("..", document.currentScript.src).href;
  const fromDisk = location.protocol === "file:";
  const here = location.href.slice(base.length).replace(/[?#].*/, "").replace(/(^|\/)$/, "$1index.html").replace(/\.html$/, "");
  const lacks = (config.lacks || {})[here] || {}; // by an example's number, what it needs and pages do not have
  let worker = null;
  let started = null;
  let fail = () => {};
  let count = 0;
  const waiting = new Map();

  function begin() {
    if (started) return started;
    started = new Promise((resolve, reject) => {
      fail = (reason) => { // what is run next starts Python anew
        worker.terminate();
        worker = started = null;
        reject(new Error(reason));
      };
      worker = new Worker(`${base}_static/try_it_worker.mjs`, { type: "module" });
      worker.onmessage = ({ data }) => {
        if (data.ready) resolve();
        else if (data.failed) fail(data.failed);
        else if (waiting.has(data.id)) { waiting.get(data.id)(data.outputs); waiting.delete(data.id); }
      };
      worker.onerror = (event) => fail(event.message || "Python could not be started");
      worker.postMessage({ start: { base, first: config.first, later: config.later } });
    });
    return started;
  }

  function stop() {
    if (worker) fail("Stopped before Python had started."); // which is said to those alone who wait for the start
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
    for (const { kind, data, trace, lacks: missing } of outputs) {
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
      withLinks(block);
      place.append(block);
      if (trace) { // the lines of the cell that led there, for who wants them
        const fold = document.createElement("details");
        fold.className = "try-it-trace";
        fold.innerHTML = "<summary>Where it happened</summary><pre tabindex='0'></pre>";
        fold.lastChild.textContent = trace;
        place.append(fold);
      }
      if (missing) place.append(note(`It needs ${missing}. It runs where Python is installed.`));
    }
    if (!outputs.length) {
      place.append(note("It ran, and shows nothing."));
    }
  }

  function note(text) {
    const made = document.createElement("p");
    made.className = "try-it-note";
    made.textContent = text;
    return made;
  }

  function withLinks(block) { // addresses of the documentation lead to this copy of it
    const texts = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    const named = [];
    while (texts.nextNode()) if (texts.currentNode.data.includes(config.site)) named.push(texts.currentNode);
    for (const text of named) {
      const parts = text.data.split(/(https?:[^\s<>"]+)/);
      text.replaceWith(...parts.map((part) => {
        if (!part.startsWith(config.site)) return part;
        const link = document.createElement("a");
        link.href = base + part.slice(config.site.length);
        link.textContent = part;
        return link;
      }));
    }
    for (const link of block.querySelectorAll("a[href]")) {
      if (link.href.startsWith(config.site)) link.href = base + link.href.slice(config.site.length);
    }
  }

  class Cell {
    constructor(block, index, missing) {
      this.block = block;
      this.missing = missing;
      this.text = block.querySelector("pre").textContent.replace(/\n+$/, "");
      this.isConsole = /^\s*>>> /m.test(this.text);
      this.mode = !this.isConsole ? "cell" : /Traceback \(most/.test(this.text) ? "session" : "console"; // errors that are meant
      this.alone = Boolean(block.closest("dl.py")); // an example of the reference stands by itself
      this.space = this.alone ? `example ${index}` : "page";
      this.ran = false;
      if (missing) {
        block.after(note(`Runs where Python is installed: needs ${missing}.`));
        return;
      }
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
      let within = false;
      return this.text.split("\n").filter((line) => {
        within = /^\s*>>>/.test(line) || within && /^\s*\.\.\./.test(line);
        return within;
      }).map((line) => line.replace(/^\s*(>>>|\.\.\.) ?/, "")).join("\n");
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
        const outputs = await python(this.source(), this.mode, this.space);
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
        if (!cell.alone && !cell.ran && !/^more time/.test(cell.missing)) { // what a cell imports may be there in part
          const outputs = await python(cell.source(), cell.mode, "page");
          cell.ran = true;
          if (cell.place) show(outputs, cell.place);
        }
      }
    }
  }

  const cells = [];
  window.AUTOGRAD_PYTHON = { python, show, stop, isStarted: () => Boolean(started) };
  document.addEventListener("DOMContentLoaded", () => {
    for (const block of document.querySelectorAll("div[class*='example-']")) {
      const [, number] = /\bexample-(\d+)\b/.exec(block.className) || [];
      if (number !== undefined && !block.closest(".playground")) cells.push(new Cell(block, cells.length, lacks[number]));
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
