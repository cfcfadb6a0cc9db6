// Run the examples of a built site that are offered, all in one Pyodide, by the file that pages run them with.
// Prints as JSON what fails otherwise than its page shows.
import { readFileSync } from "node:fs";

const site = process.argv[2];
const read = (name) => readFileSync(`${site}/${name}`);
const text = (name) => read(name).toString("utf8");
const config = JSON.parse(text("_static/try_it_config.js").replace(/^[^{]*|;\s*$/g, ""));
const { loadPyodide } = await import(`${site}/pyodide/pyodide.mjs`);
const pyodide = await loadPyodide({ indexURL: `${site}/pyodide/` });
const packages = pyodide.runPython("import site; site.getsitepackages()[0]");
const unpack = (name) => pyodide.unpackArchive(new Uint8Array(read(`wheels/${name}`)), "wheel", { extractDir: packages });
config.first.forEach(unpack);
pyodide.globals.set("unpack_archive", unpack);
pyodide.globals.set("archives_later", pyodide.toPy(config.later));
pyodide.runPython(text("_static/try_it.py"));
const run = pyodide.globals.get("run_cell");

const faults = [];
let offered = 0;
for (const [page, examples] of Object.entries(JSON.parse(text("_static/examples.json")))) {
  examples.forEach(({ text: code, alone }, n) => {
    const missing = (config.lacks[page] || {})[n];
    if (missing && (alone || /^more time/.test(missing))) return;
    const mode = !/^\s*>>> /m.test(code) ? "cell" : /Traceback \(most/.test(code) ? "session" : "console";
    const outputs = JSON.parse(run(code, mode, alone ? `${page} ${n}` : page));
    if (missing) return; // run for what it imports
    offered += 1;
    for (const { kind, name, data } of outputs) if (kind === "error" && !code.includes(name)) faults.push(`${page} ${n}: ${data}`);
  });
}
console.log(JSON.stringify({ offered, faults }));
