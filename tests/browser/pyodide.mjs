// Run a Python program in Pyodide, with archives unpacked beside its standard library, and print its last value.
import { readFile } from "node:fs/promises";
import { loadPyodide } from "pyodide";

const [program, ...archives] = process.argv.slice(2);
try {
  const pyodide = await loadPyodide();
  const packages = pyodide.runPython("import site; site.getsitepackages()[0]");
  for (const archive of archives) {
    pyodide.unpackArchive(new Uint8Array(await readFile(archive)), "wheel", { extractDir: packages });
  }
  console.log(pyodide.runPython(await readFile(program, "utf8")));
} catch (error) {
  console.error(String(error.message));  // Python's traceback, without the engine's own source around it
  process.exitCode = 1;
}
