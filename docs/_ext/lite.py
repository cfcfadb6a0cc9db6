"""JupyterLite within the site: the tutorials as notebooks that run in the browser, from static files alone."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from archives import downloaded, fitting, installed, run_module

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "lite"
NEEDED = ("jupyterlite-core", "jupyterlite-pyodide-kernel", "jupyter-server")
KERNEL_IMPORTS = ("ipython", "comm")
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
MODULES = ("graphviz", "latex2mathml", "mpmath", "sympy", "hypothesis")  # what notebooks import
OURS = "autograd-core"


def put(site: Path, wheel: Path) -> None:
    """Add JupyterLite to a site that has Pyodide; the kernel's packages are those that are installed here.

    Args:
        site: The built site.
        wheel: The library's.
    """
    target = site / FOLDER
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        beside = "../../pyodide/pyodide.mjs"  # as seen from lite/notebooks
        settings = {"pyodideUrl": beside, "disablePyPIFallback": True}
        config = {"jupyter-lite-schema-version": 0, "jupyter-config-data": {"litePluginSettings": {KERNEL: settings}}}
        (Path(work) / "jupyter-lite.json").write_text(json.dumps(config), encoding="utf-8")
        contents = Path(work) / "notebooks"
        contents.mkdir()
        for notebook in notebooks():
            shutil.copy(notebook, contents)
        build = ["jupyterlite_core", "build", "--contents", str(contents), "--output-dir", str(target.resolve())]
        run_module(build, Path(work))
    for file in target.rglob("*.map"):
        file.unlink()  # two thirds of its size, for those who debug JupyterLab
    lock = site / "pyodide" / "pyodide-lock.json"
    written = json.loads(lock.read_text(encoding="utf-8"))
    installer = downloaded(site / "pyodide", f"micropip=={written['packages']['micropip']['version']}")
    written["packages"] = packages(site / "pyodide", wheel, installer)
    lock.write_text(json.dumps(written), encoding="utf-8")


def notebooks() -> list[Path]:
    """The tutorials, without what Jupyter and Hypothesis leave beside them: JupyterLite refuses hidden folders."""
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def packages(folder: Path, wheel: Path, installer: Path) -> dict[str, dict[str, Any]]:
    """Put wheels of what the kernel and notebooks import into a folder; their entries in Pyodide's lock file."""
    found: dict[str, dict[str, Any]] = {}
    waiting = [*KERNEL_IMPORTS, *MODULES]
    while waiting:
        name = canonical(waiting.pop())
        if name in found or not installed(name):
            continue
        requires = importlib.metadata.requires(name) or ()
        needed = [canonical(r) for r in requires if "extra ==" not in r and "sys_platform" not in r]
        path = folder / fitting(folder, name)
        found[name] = entry(name, path, [name.replace("-", "_")], needed)
        waiting += needed
    found["micropip"] = entry("micropip", installer, ["micropip"], [])
    shutil.copy(wheel, folder / wheel.name)
    found[OURS] = entry(OURS, folder / wheel.name, ["autograd_core", "nn"], ["graphviz", "latex2mathml"])
    return {name: one | {"depends": [d for d in one["depends"] if d in found]} for name, one in found.items()}


def entry(name: str, path: Path, modules: list[str], needed: list[str]) -> dict[str, Any]:
    """One entry of the lock file."""
    return {
        "name": name, "version": path.name.split("-")[1], "file_name": path.name, "install_dir": "site",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "package_type": "package",
        "imports": modules, "depends": needed, "unvendored_tests": False,
    }  # fmt: skip


def canonical(requirement: str) -> str:
    """The name that a requirement begins with, as lock files spell it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[ \[<>=!~;(]", requirement)[0]).lower()
