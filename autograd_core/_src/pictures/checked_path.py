"""Checks a path before a picture is saved to it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ...errors import OperandError, RangeError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def path_for(path: str | os.PathLike[str], suffixes: Iterable[str]) -> Path:
    """The path, if its suffix is allowed and its folder exists.

    Raises:
        OperandError: It is no path.
        RangeError: Another suffix, or a folder that does not exist.
    """
    from pathlib import Path

    if not isinstance(path, (str, os.PathLike)) or isinstance(os.fspath(path), bytes):
        msg = f"save: expected a path (str or pathlib.Path), got {path!r} ({type(path).__name__})"
        raise OperandError(msg)
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        msg = f"save: expected a file name that ends in {', '.join(suffixes)}, got {path.name!r}"
        raise RangeError(msg)
    if not path.parent.is_dir():
        msg = f"save: there is no folder {str(path.parent)!r}; make it first"
        raise RangeError(msg)
    return path
