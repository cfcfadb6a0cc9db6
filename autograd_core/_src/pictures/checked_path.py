"""Checks a path before a picture is saved to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import RangeError
from ..atomic_write import name_of_file

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from pathlib import Path

_PAGES = (".svg", ".png")  # Word and PowerPoint insert both
INSTEAD = {  # endings of what others write, and which of ours do there
    **dict.fromkeys((".pptx", ".ppt", ".docx", ".doc", ".odp", ".odt", ".key", ".emf", ".wmf"), _PAGES),
    **dict.fromkeys((".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif"), (".png",)),
    **dict.fromkeys((".eps", ".ps"), (".pdf",)),
    **dict.fromkeys((".mp4", ".mov", ".avi", ".webm"), (".gif", ".webp")),
}


def path_for(path: str | os.PathLike[str], suffixes: Iterable[str]) -> Path:
    """The path, if its suffix is allowed and its folder exists.

    Raises:
        OperandError: It is no path.
        RangeError: Another suffix, or a folder that does not exist.
    """
    from pathlib import Path

    path = Path(name_of_file(path, "save"))
    if path.suffix.lower() not in suffixes:
        taken = [known for known in INSTEAD.get(path.suffix.lower(), ()) if known in suffixes]
        hint = f"; use {' or '.join(taken)}" * bool(taken)
        msg = f"save: expected a file name that ends in {', '.join(suffixes)}, got {path.name!r}{hint}"
        raise RangeError(msg)
    if not path.parent.is_dir():
        msg = f"save: there is no folder {str(path.parent)!r}; make it first"
        raise RangeError(msg)
    return path
