"""What "Try it" needs beside the pages: Pyodide, the library's wheel, archives of pure packages; and JupyterLite."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import lite
from archives import archive, fitting, installed, run_module
from offered import lacking

from autograd_core.errors import SITE

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
FIRST = ("graphviz", "latex2mathml")  # what `pip install` brings in a browser
LATER = {  # distributions that come with the first import of a module, where they are installed
    "mpmath": "mpmath",
    "sympy": "sympy",
    "hypothesis": "hypothesis",
    "sortedcontainers": "sortedcontainers",
}


def put(site: Path, pyodide: Path) -> None:
    """Copy and build all of it into a built site.

    Args:
        site: The site's folder.
        pyodide: npm's package of that name.

    Raises:
        FileNotFoundError: It is no such package.
    """
    target, wheels = site / "pyodide", site / "wheels"
    for folder in (target, wheels):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for name in NEEDED:
        shutil.copy(pyodide / name, target / name)
    run_module(["hatchling", "build", "-t", "wheel", "-d", str(wheels.resolve())], ROOT)
    [wheel] = wheels.glob("*.whl")
    first = [wheel.name, *(archive(wheels, name, f"{name}.zip") for name in FIRST)]
    later = {module: fitting(wheels, name) for module, name in LATER.items() if installed(name)}
    with_lite = all(map(installed, lite.NEEDED))
    if with_lite:
        lite.put(site, wheel)
    lacks = lacking(site, [*first, *later.values()])
    config = json.dumps({"first": first, "later": later, "lite": with_lite, "lacks": lacks, "site": f"{SITE}/"})
    (site / "_static" / "try_it_config.js").write_text(f"window.AUTOGRAD_TRY_IT = {config};\n", encoding="utf-8")
