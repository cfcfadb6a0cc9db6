"""Distributions as archives that Python in a browser unpacks."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COMPILED = {".so", ".pyd", ".dylib"}
NEEDS_ITS_CODE = {"hypothesis"}  # what others compile is a faster copy of what they have in Python as well


def run_module(command: list[str], folder: Path) -> None:
    """Run a module of this Python in a folder; where it fails, what it said is the error."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        msg = f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        raise RuntimeError(msg)


def installed(distribution: str) -> bool:
    """Whether a distribution is installed here."""
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def archive(folder: Path, distribution: str, name: str) -> str:
    """Write the installed files of a pure package, tests left out, into an archive of that name, which is returned."""
    path = folder / name
    found = importlib.metadata.distribution(distribution)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as kept:
        for file in found.files or ():
            parts = set(file.parts)
            if parts.isdisjoint({"..", "__pycache__", "tests"}) and file.suffix not in COMPILED:
                kept.write(str(file.locate()), str(file))
    return path.name


def fitting(folder: Path, distribution: str) -> str:
    """An archive of an installed distribution; of one that is compiled for this machine, the newest pure wheel."""
    found = importlib.metadata.distribution(distribution)
    if distribution in NEEDS_ITS_CODE and any(file.suffix in COMPILED for file in found.files or ()):
        return downloaded(folder, f"{distribution}<={found.version}", "--implementation", "py", "--abi", "none").name
    return archive(folder, distribution, f"{distribution.replace('-', '_')}-{found.version}-py3-none-any.whl")


def downloaded(folder: Path, requirement: str, *options: str) -> Path:
    """A wheel that fits Pyodide's Python, which is another one than the one that runs here."""
    before = set(folder.glob("*.whl"))
    download = ["pip", "download", "-q", "--no-deps", "-d", ".", *options]
    download += ["--python-version", "3.14", "--only-binary", ":all:", requirement]
    run_module(download, folder)
    [path] = set(folder.glob("*.whl")) - before
    return path
