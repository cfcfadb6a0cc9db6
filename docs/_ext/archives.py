"""Installed distributions as archives that Python in a browser unpacks."""

from __future__ import annotations

import importlib.metadata
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


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
            if parts.isdisjoint({"..", "__pycache__", "tests"}) and file.suffix not in {".so", ".pyd", ".dylib"}:
                kept.write(str(file.locate()), str(file))
    return path.name
