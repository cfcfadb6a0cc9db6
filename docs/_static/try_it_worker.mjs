// Runs Python for the pages: Pyodide, the library's wheel, and further packages when code first imports them.
// Messages in: {id, code, mode, space}; out: {id, outputs} with outputs [{kind: "text" | "html" | "error", data}].

const answer = (message) => self.postMessage(message);
let ready;

function fetchNow(address) { // a module finder of Python cannot wait, so this one does not return before it has the file
  const request = new XMLHttpRequest();
  request.open("GET", address, false);
  request.responseType = "arraybuffer";
  request.send();
  if (request.status !== 200) throw new Error(`${address}: ${request.status}`);
  return new Uint8Array(request.response);
}

async function start({ base, first, later }) {
  const { loadPyodide } = await import(`${base}pyodide/pyodide.mjs`);
  const pyodide = await loadPyodide({ indexURL: `${base}pyodide/` });
  const packages = pyodide.runPython("import site; site.getsitepackages()[0]");
  const unpack = (name) => pyodide.unpackArchive(fetchNow(`${base}wheels/${name}`), "wheel", { extractDir: packages });
  first.forEach(unpack);
  pyodide.globals.set("unpack_archive", unpack);
  pyodide.globals.set("archives_later", pyodide.toPy(later));
  pyodide.runPython(new TextDecoder().decode(fetchNow(`${base}_static/try_it.py`)));
  return pyodide;
}

self.onmessage = async ({ data }) => {
  if (data.start) {
    ready = start(data.start);
    ready.then(() => answer({ ready: true }), (error) => answer({ failed: String(error.message || error) }));
    return;
  }
  const pyodide = await ready;
  const run = pyodide.globals.get("run_cell");
  try {
    answer({ id: data.id, outputs: JSON.parse(run(data.code, data.mode, data.space)) });
  } finally {
    run.destroy();
  }
};
