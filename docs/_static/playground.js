// The playground: an expression or Python, shown as graph, steps, explanation.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const place = document.querySelector("div.playground");
  const tools = window.AUTOGRAD_PYTHON;
  if (!place || !tools) return;
  place.innerHTML = `
    <form class="playground-form">
      <label for="pg-expression">Expression</label>
      <input id="pg-expression" value="tanh(x*w) + x**2" spellcheck="false" autocapitalize="off" autocomplete="off">
      <fieldset class="playground-values"><legend>Numbers</legend></fieldset>
      <label for="pg-python">or Python; its last line is shown</label>
      <textarea id="pg-python" rows="5" wrap="off" spellcheck="false" autocapitalize="off"></textarea>
      <div class="try-it-row">
        <button type="submit" name="graph">Graph</button>
        <button type="submit" name="steps">Steps</button>
        <button type="submit" name="explain">Explanation</button>
        <button type="submit" name="live">Live page</button>
        <button type="submit" name="python">Run the Python</button>
        <button type="button" name="stop">Stop</button>
        <span class="try-it-said" role="status"></span>
      </div>
    </form>
    <div class="try-it-outputs" aria-live="polite"></div>`;
  const form = place.querySelector("form");
  const expression = place.querySelector("#pg-expression");
  const values = place.querySelector(".playground-values");
  const code = place.querySelector("#pg-python");
  const said = place.querySelector(".try-it-said");
  const outputs = place.querySelector(".try-it-outputs");
  const numbers = new Map([["x", "0.5"], ["w", "-3"]]);
  code.value = [
    "import autograd_core as ag",
    "from autograd_core.testing import check_gradient",
    "",
    "print(check_gradient(lambda x, w: ag.tanh(x * w) + x**2, (0.5, -3.0)))",
    "ag.hessian(lambda v: v[0] ** 2 * v[1])([3.0, 5.0])",
  ].join("\n");

  const names = () => [...new Set(expression.value.match(/[\p{L}_][\p{L}\p{N}_]*(?!\s*\(|[\p{L}\p{N}_])/gu) || [])].filter((name) => !/^e\d*$/.test(name) || name === "e");
  function ask() {
    values.querySelectorAll("label").forEach((label) => label.remove());
    for (const name of names()) {
      const label = document.createElement("label");
      const input = document.createElement("input");
      input.type = "number";
      input.step = "any";
      input.value = numbers.get(name) ?? "1";
      input.addEventListener("input", () => {
        numbers.set(name, input.value);
        input.removeAttribute("aria-invalid");
      });
      input.dataset.name = name;
      label.append(`${name} = `, input);
      values.append(label);
    }
  }
  ask();
  expression.addEventListener("input", ask);

  function lacking() { // the first name without a number, and what to do
    const empty = [...values.querySelectorAll("input")].find((input) => input.value.trim() === ""); // also where no number is written
    if (!empty) return null;
    empty.setAttribute("aria-invalid", "true");
    empty.focus();
    return `${empty.dataset.name} has no number. Enter one beside its name, such as 0.5 or -3.`;
  }

  const quoted = (text) => JSON.stringify(text);
  function program(what) {
    const given = [...values.querySelectorAll("input")].map((input) => `${quoted(input.dataset.name)}: ${Number(input.value)}`);
    const head = [
      "import autograd_core as ag",
      "from autograd_core._src.notation.expressions import parse",
      `root, inputs = parse(${quoted(expression.value)}, {${given.join(", ")}})`,
      "root.backward()",
    ];
    const last = {
      graph: ["print(*(f'd/d{name} = {node.grad!r}' for name, node in inputs.items()), sep='\\n')", "ag.draw(root)"],
      steps: ["ag.Stepper(root)"],
      explain: ["for node in inputs.values():", "    print(ag.explain(root, node))", "    print()"],
      live: ["ag.live(root) if hasattr(ag, 'live') else print('This version has no live page.')"],
    };
    return [...head, ...last[what]].join("\n");
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const what = event.submitter ? event.submitter.name : "graph";
    const advice = what === "python" ? null : lacking();
    if (advice) {
      tools.show([{ kind: "note", data: advice }], outputs);
      return;
    }
    said.textContent = tools.isStarted() ? "running …" : "starting Python (some seconds, once per page) …";
    try {
      tools.show(await tools.python(what === "python" ? code.value : program(what), "cell", "playground"), outputs);
    } catch (error) {
      tools.show([{ kind: "error", data: String(error.message || error) }], outputs);
    }
    said.textContent = "";
  });
  form.querySelector("[name=stop]").addEventListener("click", tools.stop);
});
