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
from autograd_core.atomic_write import write_file

if TYPE_CHECKING:
    import os

FORMAT = "autograd-core parameters"
LEARNT = "autograd-core preprocessing"
VERSION = 1


def write(path: str | os.PathLike[str], model: str, parameters: dict[str, Any]) -> None:
    """Write a file of parameters, replacing an older one only when the new one is complete."""
    numbers = {name: _encoded(x) for name, x in parameters.items()}
    _put(path, {"format": FORMAT, "version": VERSION, "model": model, "parameters": numbers})


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The parameters in a file.

    Raises:
        OSError: The file cannot be read.
        StructureError: It is no file of this format.
        RangeError: Its version is unknown here.
    """
    parameters = _got(path, FORMAT, "model", "Module.save").get("parameters")
    if not isinstance(parameters, dict):
        raise StructureError(
            _unfit(path, FORMAT, "model", '"parameters" is no object of names and numbers', "Module.save")
        )
    try:
        return {name: _decoded(x) for name, x in parameters.items()}
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise StructureError(
            _unfit(path, FORMAT, "model", f"a parameter is no number: {error}", "Module.save")
        ) from None


def write_learnt(path: str | os.PathLike[str], kind: str, learnt: dict[str, Any]) -> None:
    """Write what a scaler or an encoder learnt, likewise."""
    _put(path, {"format": LEARNT, "version": VERSION, "kind": kind, "learnt": learnt})


def read_learnt(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """What one of some kind learnt.

    Raises:
        OSError: The file cannot be read.
        StructureError: It is no file of this format, or from another kind.
        RangeError: Its version is unknown here.
    """
    content = _got(path, LEARNT, "preprocessing", "a scaler's or an encoder's save")
    if content.get("kind") != kind:
        msg = f"{path}: expected what {kind} learnt, got {content.get('kind')}"
        raise StructureError(msg)
    learnt: dict[str, Any] = content["learnt"]
    return learnt


def _put(path: str | os.PathLike[str], content: dict[str, Any]) -> None:
    write_file(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def _got(path: str | os.PathLike[str], form: str, what: str, writer: str) -> dict[str, Any]:
    """What is in a file of some format."""
    try:
        content = json.loads(Path(path).read_bytes(), object_pairs_hook=_once)
        known = isinstance(content, dict) and content.get("format") == form
    except (ValueError, RecursionError) as error:
        raise StructureError(_unfit(path, form, what, str(error), writer)) from None
    if not known:
        raise StructureError(_unfit(path, form, what, 'there is no "format" of that name', writer))
    version = content.get("version")
    if version != VERSION:
        msg = f"{path}: expected version {VERSION} of the format, got {version!r}; use the release that wrote it"
        raise RangeError(msg)
    return content  # type: ignore[no-any-return]


def _unfit(path: str | os.PathLike[str], form: str, what: str, reason: str, writer: str) -> str:
    expected = f'expected JSON with "format": "{form}", but {reason}'
    return f"{path} is no {what} file: {expected}; pass a file that {writer} wrote"


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
