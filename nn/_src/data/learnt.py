"""What is learned from the training cases (`fit`) and applied to all others (`transform`): the base class.

It can be undone (`inverse_transform`), and is saved beside the model. Rows are lists; NumPy is not needed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from autograd_core import RangeError, StructureError
from autograd_core._src.any_object import brief, shown
from autograd_core._src.wrong_calls import says_how

from ..support import files
from ..support.validation import plain

if TYPE_CHECKING:
    import os


def _rows(X: Any, caller: str) -> list[list[Any]]:
    """X as a list of lists, all of one length."""
    rows = plain(X)
    rows = [plain(x) for x in rows] if isinstance(rows, list) else []
    if not rows or not all(isinstance(x, list) and x for x in rows):
        msg = f"{caller}: expected a list of rows, each a list, got {shown(X)}; for one column pass [[x] for x in ...]"
        raise StructureError(msg)
    lengths = sorted({len(x) for x in rows})
    if len(lengths) > 1:
        msg = f"{caller}: expected rows of one length, got rows of {lengths[0]} and of {lengths[-1]}"
        raise StructureError(msg)
    return rows


def finite(x: Any) -> float:
    """A number of a file.

    Raises:
        ValueError: It is none, or not finite.
    """
    number = files.decoded(x)
    if isinstance(number, float) and math.isfinite(number):
        return number
    msg = f"expected a finite number, got {brief(x)}"
    raise ValueError(msg)


def ends(content: dict[str, Any]) -> dict[str, float]:
    """The range that a file names.

    Raises:
        ValueError: It is none.
    """
    low, high = finite(content["low"]), finite(content["high"])
    if not low < high:
        msg = f"expected low below high, got {brief(low)} and {high!r}"
        raise ValueError(msg)
    return {"low": low, "high": high}


class Learnt(ABC):
    """Base class: `fit` learns from training cases; subclasses define what, and how a row is transformed."""

    _state: dict[str, Any] | None = None

    @says_how
    def fit(self, X: Any) -> Self:
        """Learn from training cases, discarding what was learnt before.

        Args:
            X: n rows of the same length.

        Returns:
            This object.

        Raises:
            StructureError: `X` has no rows, or rows of several lengths.
            OperandError: Something in it is of a wrong type.
            RangeError: A number to be scaled is not finite, or a column's spread is beyond all floats.

        Example:
            >>> import nn
            >>> nn.MinMaxScaler().fit([[0.0], [4.0]]).transform([[1.0]])
            [[0.25]]
        """
        caller = f"{type(self).__name__}.fit"
        learnt: dict[str, Any] = {}
        try:
            learnt = self._learn(_rows(X, caller))
            far = any(math.isinf(x) for name in ("offset", "scale") for x in learnt.get(name, []))
        except OverflowError:
            far = True
        if far:
            msg = f"{caller}: expected columns whose mean and spread are floats, got numbers beyond; divide them first"
            raise RangeError(msg)
        self._state = learnt
        return self

    @says_how
    def transform(self, X: Any) -> list[list[float]]:
        """Apply what was learnt to rows, these or others.

        Args:
            X: Rows as long as those of `fit`.

        Returns:
            As many rows of floats.

        Raises:
            StructureError: Nothing was learnt yet, or the rows have another length.
            OperandError: Something in it is of a wrong type.
            RangeError: A nominal value that was not there in `fit`.

        Example:
            >>> import nn
            >>> nn.StandardScaler().fit([[0.0], [4.0]]).transform([[6.0]])
            [[2.0]]
        """
        return [self._there(x) for x in self._fitting(X, "transform", self._columns())]

    @says_how
    def fit_transform(self, X: Any) -> list[list[float]]:
        """`fit`, and then `transform` of the same rows.

        Args:
            X: n rows of the same length.

        Returns:
            n rows of floats.

        Raises:
            StructureError: `X` has no rows, or rows of several lengths.
            OperandError: Something in it is of a wrong type.

        Example:
            >>> import nn
            >>> nn.MinMaxScaler(-1.0, 1.0).fit_transform([[0.0], [1.0], [4.0]])
            [[-1.0], [-0.5], [1.0]]
        """
        return self.fit(X).transform(X)

    @says_how
    def inverse_transform(self, X: Any) -> list[list[Any]]:
        """The inverse of `transform`.

        Args:
            X: Rows as `transform` gives them; a network's outputs, say.

        Returns:
            As many rows in the form that `fit` saw.

        Raises:
            StructureError: Nothing was learnt yet, or the rows have another length.
            OperandError: Something in it is of a wrong type.

        Example:
            >>> import nn
            >>> nn.MinMaxScaler().fit([[0.0], [4.0]]).inverse_transform([[0.25]])
            [[1.0]]
        """
        self._columns()
        return [self._back(x) for x in self._fitting(X, "inverse_transform", self._width())]

    @says_how
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was learnt to a file: JSON, beside the model's.

        Args:
            path: Where to write.

        Raises:
            OSError: The place cannot be written.
            StructureError: Nothing was learnt yet.
            RangeError: What was learnt is beyond all floats.

        Example:
            >>> import nn, pathlib, tempfile
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "scaler.json"
            >>> nn.MinMaxScaler().fit([[0.0], [4.0]]).save(path)
            >>> nn.MinMaxScaler().load(path).transform([[1.0]])
            [[0.25]]
        """
        self._columns()
        files.write(path, files.LEARNT, self._content())

    @says_how
    def load(self, path: str | os.PathLike[str]) -> Self:
        """Take what `save` wrote, options included. No code in the file is ever run.

        Args:
            path: The file.

        Returns:
            This object.

        Raises:
            OSError: The file cannot be read.
            StructureError: It is no such file, or that of another kind of object.
            RangeError: It was written in a later version of the format.

        If it raises, this object is what it was.

        Example:
            >>> import nn, pathlib, tempfile
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "scaler.json"
            >>> nn.MinMaxScaler().fit([[0.0], [4.0]]).save(path)
            >>> nn.StandardScaler().load(path)  # doctest: +ELLIPSIS
            Traceback (most recent call last):
            autograd_core.errors.StructureError: ...scaler.json: expected what StandardScaler learnt, got MinMaxScaler
        """
        vars(self).update(self._of(files.read(path, files.LEARNT), path, files.LEARNT))
        return self

    @property
    def _is_fitted(self) -> bool:
        return self._state is not None

    def _content(self) -> dict[str, Any]:
        """What was learnt, as it is written to a file."""
        return {"kind": type(self).__name__, "learnt": {**self._options(), **(self._state or {})}}

    def _of(self, content: Any, path: Any, form: files.Form) -> dict[str, Any]:
        """The attributes read from a file, all of them checked."""
        kind = type(self).__name__
        if not isinstance(content, dict):
            raise files.unfit(path, form, f"there is nothing that a {kind} learns")
        if content.get("kind") != kind:
            msg = f"{path}: expected what {kind} learnt, got {content.get('kind')!s:.60}"
            raise StructureError(msg)
        try:
            return self._restored(content["learnt"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise files.unfit(path, form, f"that is nothing a {kind} learns: {error}") from None

    def _columns(self) -> int:
        """How many columns `fit` saw."""
        if self._state is None:
            msg = f"{type(self).__name__}: expected fit(X) first; nothing was learnt yet"
            raise StructureError(msg)
        return len(next(iter(self._state.values())))

    def _fitting(self, X: Any, name: str, columns: int) -> list[list[Any]]:
        caller = f"{type(self).__name__}.{name}"
        rows = _rows(X, caller)
        if len(rows[0]) != columns:
            msg = f"{caller}: expected rows of {columns} numbers, got {len(rows[0])}: {shown(rows[0])}"
            raise StructureError(msg)
        return rows

    def __call__(self, x: Any) -> list[float]:
        """Transform one row, so that it can be the first part of a `Sequential`."""
        return self._there(self._fitting([x], "transform", self._columns())[0])

    @abstractmethod
    def _learn(self, rows: list[list[Any]]) -> dict[str, Any]: ...
    @abstractmethod
    def _there(self, row: list[Any]) -> list[float]: ...
    @abstractmethod
    def _back(self, row: list[Any]) -> list[Any]: ...
    @abstractmethod
    def _options(self) -> dict[str, float]: ...
    @abstractmethod
    def _restored(self, content: dict[str, Any]) -> dict[str, Any]:
        """The attributes in a file, all of them checked; raises where one is wrong."""

    def _width(self) -> int:
        """How many numbers `transform` gives per row."""
        return self._columns()
