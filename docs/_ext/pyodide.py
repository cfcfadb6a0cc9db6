"""What "Try it" needs beside the pages: Pyodide, the library's wheel, and archives of pure packages."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

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
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)  # noqa: S603  our own interpreter
    first = [wheel.name for wheel in wheels.glob("*.whl")]
    first += [archive(wheels, name) for name in FIRST]
    later = {module: archive(wheels, name) for module, name in LATER.items() if installed(name)}
    config = json.dumps({"first": first, "later": later})
    (site / "_static" / "try_it_config.js").write_text(f"window.AUTOGRAD_TRY_IT = {config};\n", encoding="utf-8")


def installed(distribution: str) -> bool:
    """Whether a distribution is installed here."""
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def archive(folder: Path, distribution: str) -> str:
    """The name of a new archive with the installed files of a pure package, tests left out."""
    path = folder / f"{distribution}.zip"
    found = importlib.metadata.distribution(distribution)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as kept:
        for file in found.files or ():
            parts = set(file.parts)
            if parts.isdisjoint({"..", "__pycache__", "tests"}) and file.suffix not in {".so", ".pyd", ".dylib"}:
                kept.write(str(file.locate()), str(file))
    return path.name
