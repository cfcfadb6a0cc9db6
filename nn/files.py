"""The format in which parameters are kept: JSON, which runs no code when it is read.

    {"format": "autograd-core parameters", "version": 1, "model": "...", "parameters": {"w.0": 0.5, ...}}

Python writes a double with as many digits as give the same double back. JSON has no infinities
and no NaN, so these are strings ("inf", "-inf", "nan"), as are exact fractions ("1/3").
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd_core import RangeError, StructureError

if TYPE_CHECKING:
    import os

FORMAT = "autograd-core parameters"
VERSION = 1


def write(path: str | os.PathLike[str], model: str, parameters: dict[str, Any]) -> None:
    """Write a file, replacing an older one only when the new one is complete."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "model": model,
        "parameters": {name: _encoded(x) for name, x in parameters.items()},
    }
    target = Path(path)
    part = target.with_name(target.name + ".part")
    try:
        part.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The parameters in a file.

    Raises:
        OSError: The file cannot be read.
        StructureError: It is no file of this format.
        RangeError: Its version is unknown here.
    """
    try:
        content = json.loads(Path(path).read_bytes(), object_pairs_hook=_once)
        known = isinstance(content, dict) and content.get("format") == FORMAT
    except (ValueError, RecursionError) as error:
        raise StructureError(_no_model(path, str(error))) from None
    if not known:
        raise StructureError(_no_model(path, 'there is no "format" of that name'))
    version = content.get("version")
    if version != VERSION:
        msg = f"{path}: expected version {VERSION} of the format, got {version!r}; use the release that wrote it"
        raise RangeError(msg)
    parameters = content.get("parameters")
    if not isinstance(parameters, dict):
        raise StructureError(_no_model(path, '"parameters" is no object of names and numbers'))
    try:
        return {name: _decoded(x) for name, x in parameters.items()}
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise StructureError(_no_model(path, f"a parameter is no number: {error}")) from None


def _no_model(path: str | os.PathLike[str], reason: str) -> str:
    return (
        f'{path} is no model file: expected JSON with "format": "{FORMAT}", but {reason}; '
        "pass a file that Module.save wrote"
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"the name {twice!r} stands there twice"
        raise ValueError(msg)
    return content


def _encoded(x: Any) -> Any:
    if not isinstance(x, float):
        return f"{x.numerator}/{x.denominator}"
    return x if math.isfinite(x) else str(x)


def _decoded(x: Any) -> Any:
    if isinstance(x, str):
        if "/" in x:
            from fractions import Fraction  # takes 10 ms to import

            return Fraction(x)
        return float(x)
    if isinstance(x, (int, float)) and not isinstance(x, bool):
        return float(x)
    msg = f"got {x!r}"
    raise ValueError(msg)
