"""Saving and loading of training state: an optimizer's, or a schedule's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from numbers import Rational
from typing import TYPE_CHECKING, Any, Self

from autograd_core import OperandError, StructureError
from autograd_core._src.any_object import shown
from autograd_core._src.wrong_calls import says_how

from . import files
from .validation import plain

if TYPE_CHECKING:
    import os


class Resumable(ABC):
    """Base class of objects with a `state_dict` that can be saved to a file and loaded."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """The state, as plain numbers, names and lists of them."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned, after checking all of it."""

    @says_how
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `state_dict()` to a file: JSON with a checksum, beside the model's.

        Args:
            path: Where to write. An older file is replaced only when the new one is complete.

        Raises:
            OSError: The place cannot be written.
            RangeError: There is a number that JSON cannot hold.

        Example:
            >>> import nn, pathlib, tempfile
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "adam.json"
            >>> nn.Adam(nn.Neuron(2), lr=0.25).save(path)
            >>> nn.Adam(nn.Neuron(2)).load(path).lr
            0.25
        """
        files.write(path, files.STATE, {"state": _mapped(files.encoded, self.state_dict())})

    @says_how
    def load(self, path: str | os.PathLike[str]) -> Self:
        """Take what `save` wrote. No code in the file is ever run; if it raises, nothing has changed.

        Args:
            path: The file.

        Returns:
            This object.

        Raises:
            OSError: The file cannot be read.
            StructureError: It is no such file, was changed since it was written, or is that of
                something else.
            RangeError: It was written in a later version of the format, or a number is out of its bounds.
            OperandError: Something in it is of a wrong type.

        Example:
            >>> import nn, pathlib, tempfile
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "adam.json"
            >>> nn.Adam(nn.Neuron(2)).save(path)
            >>> nn.SGD(nn.Neuron(2)).load(path)  # doctest: +ELLIPSIS
            Traceback (most recent call last):
            autograd_core.errors.StructureError: ...adam.json: SGD: expected the state of SGD, got that of 'Adam'
        """
        content = files.read(path, files.STATE)
        with files.named(path):
            self.load_state_dict(content.get("state"))  # type: ignore[arg-type]
        return self


def _mapped(f: Any, x: Any) -> Any:
    """A state with `f` of all its floats and fractions; the rest is as JSON has it."""
    if isinstance(x, dict):
        return {name: _mapped(f, y) for name, y in x.items()}
    if isinstance(x, (list, tuple)):
        return [_mapped(f, y) for y in x]
    return x if x is None or isinstance(x, (str, int)) else f(x)


def fields(state: Any, names: tuple[str, ...], what: str) -> list[Any]:
    """The values under exactly these names.

    Raises:
        OperandError: It is no mapping.
        StructureError: There are other names.
    """
    if not isinstance(state, Mapping):
        msg = f"{what}: expected a dict that state_dict gave, got {shown(state)}"
        raise OperandError(msg)
    if set(state) != set(names):
        msg = f"{what}: expected the names {', '.join(names)}, got {', '.join(f'{x!s:.40}' for x in list(state)[:9])}"
        raise StructureError(msg)
    return [state[name] for name in names]


def numbers(x: Any, what: str) -> list[Any]:
    """A list of numbers, in which strings may stand for those that JSON does not have.

    Raises:
        OperandError: It is something else.
    """
    items = plain(x)
    try:
        if isinstance(items, list):
            return [_number(y) for y in items]
        reason = f"got {shown(x)}"
    except (ValueError, OverflowError) as error:
        reason = str(error)
    msg = f"{what}: expected a list of numbers, {reason}"
    raise OperandError(msg)


def _number(x: Any) -> Any:
    if isinstance(x, float):
        return float(x)
    return files.decoded(files.encoded(x) if isinstance(x, Rational) and not isinstance(x, int) else x)
