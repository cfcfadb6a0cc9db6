"""Build the site: `python docs/build.py [folder]`. It is read from disk or from any server of files.

What it shows comes from `docs`, from the notebooks with their outputs, and from the docstrings. Warnings are errors.
With `--pyodide node_modules/pyodide` (npm's package) the examples can be run within the pages.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]


def main(arguments: list[str] | None = None) -> int:
    """Write the sources into a temporary folder and run Sphinx on them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "site", help="default build/site")
    pyodide = os.environ.get("PYODIDE")
    parser.add_argument("--pyodide", type=Path, default=pyodide, help="npm's package, such as node_modules/pyodide")
    parser.add_argument("--keep", type=Path, help="a folder for the sources that Sphinx reads, to look at them")
    options = parser.parse_args(arguments)

    from pyodide import put
    from sphinx.cmd.build import main as sphinx
    from staging import Staging

    with tempfile.TemporaryDirectory() as work:
        sources = options.keep or Path(work) / "sources"
        Staging(sources).write()
        trees = Path(work) / "trees"
        strict = ["-W", "--keep-going", "-q", "-j", "auto"]
        command = [*strict, "-c", str(ROOT / "docs"), "-d", str(trees), "-b", "html", str(sources)]
        status = sphinx([*command, str(options.folder)])
    if status == 0 and options.pyodide:
        put(options.folder, Path(options.pyodide))
    if status == 0:
        print(f"the site: {options.folder / 'index.html'}")  # noqa: T201
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
