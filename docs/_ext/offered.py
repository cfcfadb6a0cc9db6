"""Which examples can be run within the pages.

Each is run once, by what pages have. What lacks something gets no button, but a line that says what.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

FILE = "_static/examples.json"  # which `examples.py` writes; that module needs Sphinx, and this one does not
HERE = Path(__file__).resolve().parent


def lacking(site: Path, archives: list[str], most: float = 5.0) -> dict[str, dict[int, str]]:
    """By page and number, what an example needs that a page does not have.

    Args:
        site: A built site with its wheels.
        archives: The names of the wheels that pages unpack.
        most: s of processor time for one example; a page takes several times that.

    Raises:
        RuntimeError: An example fails otherwise than its page says.
    """
    examples = (site / FILE).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as work:
        packages, folder = Path(work) / "packages", Path(work) / "folder"
        folder.mkdir()
        for name in archives:
            with zipfile.ZipFile(site / "wheels" / name) as archive:
                archive.extractall(packages)
        cell = site / "_static" / "try_it.py"
        command = [sys.executable, "-I", "-S", str(HERE / "bare.py"), str(packages), str(cell), str(most)]
        done = subprocess.run(command, cwd=folder, input=examples, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode or done.stderr:
        msg = f"examples that fail within a page:\n{done.stderr}"
        raise RuntimeError(msg)
    found = {page: {n: why for n, why in enumerate(all_of) if why} for page, all_of in json.loads(done.stdout).items()}
    return {page: some for page, some in found.items() if some}
