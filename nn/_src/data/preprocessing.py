"""Preprocessing of inputs and targets: scaled columns, and one node per nominal value.

What is learned from the training cases (`fit`) is applied to all others (`transform`), can be undone
(`inverse_transform`), and is saved beside the model. Rows are lists; NumPy is not needed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from autograd_core import OperandError, RangeError, StructureError
from autograd_core._src.wrong_calls import says_how

from ..support import files
from ..support.validation import plain, real, shown, whole

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


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


def _finite(x: Any) -> float:
    """A number of a file.

    Raises:
        ValueError: It is none, or not finite.
    """
    number = files.decoded(x)
    if isinstance(number, float) and math.isfinite(number):
        return number
    msg = f"expected a finite number, got {x!r:.60}"
    raise ValueError(msg)


def _ends(content: dict[str, Any]) -> dict[str, float]:
    """The range that a file names.

    Raises:
        ValueError: It is none.
    """
    low, high = _finite(content["low"]), _finite(content["high"])
    if not low < high:
        msg = f"expected low below high, got {low!r} and {high!r}"
        raise ValueError(msg)
    return {"low": low, "high": high}


class _Learnt(ABC):
    """Base class: `fit` learns from training cases; subclasses define what, and how a row is transformed."""

    _state: dict[str, Any] | None = None

    @says_how
    def fit(self, X: Any) -> Self:
        """Learn from training cases; nothing learnt before remains.

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


class _Linear(_Learnt):
    """Each column x becomes (x - offset) / scale; a column that never changes gets scale 1."""

    def _numbers(self, rows: list[list[Any]]) -> list[list[float]]:
        """The columns."""
        caller = f"{type(self).__name__}.fit"
        columns = [[real(x, f"{caller}: column {j}", nan=True) for x in column] for j, column in enumerate(zip(*rows))]
        for j, column in enumerate(columns):
            if not all(map(math.isfinite, column)):
                odd = next(x for x in column if not math.isfinite(x))
                msg = f"{caller}: column {j}: expected finite numbers, got {odd}"
                raise RangeError(msg)
        return columns

    def _there(self, row: list[Any]) -> list[float]:
        assert self._state is not None
        offsets, scales = self._state["offset"], self._state["scale"]
        return [(x - offset) / scale for x, offset, scale in zip(row, offsets, scales)]

    def _back(self, row: list[Any]) -> list[Any]:
        assert self._state is not None
        offsets, scales = self._state["offset"], self._state["scale"]
        return [x * scale + offset for x, offset, scale in zip(row, offsets, scales)]

    def _restored(self, content: dict[str, Any]) -> dict[str, Any]:
        state = {name: [_finite(x) for x in content[name]] for name in ("offset", "scale")}
        if not state["offset"] or len(state["offset"]) != len(state["scale"]) or 0.0 in state["scale"]:
            msg = "expected one offset and one scale other than 0 per column"
            raise ValueError(msg)
        return {"_state": state}


LEAST_SQUARED = 1e-150  # squares of smaller numbers underflow or lose digits


class MinMaxScaler(_Linear):
    """Scale each column to a range such as [0, 1] or [-1, 1].

    Its smallest value in `fit` goes to the low end, its largest to the high one. Other rows may lie
    outside. A column that never changes goes to the low end.

    Args:
        low: The low end.
        high: The high end, above `low`.

    Raises:
        OperandError: One is no number.
        RangeError: `high` is not above `low`.

    Called with one row it transforms that, so it can stand in a `Sequential`. See `fit`, `transform`,
    `inverse_transform`, `save` and `load`.

    Example:
        >>> import nn
        >>> scaler = nn.MinMaxScaler(-1.0, 1.0)
        >>> scaler.fit_transform([[1.0, 50.0], [3.0, 70.0]]), scaler.transform([[2.0, 75.0]])
        ([[-1.0, -1.0], [1.0, 1.0]], [[0.0, 1.5]])
    """

    @says_how
    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        self.low: float = real(low, "MinMaxScaler: low")
        self.high: float = real(high, "MinMaxScaler: high", self.low, open_low=True)

    def _learn(self, rows: list[list[Any]]) -> dict[str, Any]:
        columns = self._numbers(rows)
        scales = [(max(c) - min(c) or 1.0) / (self.high - self.low) for c in columns]
        return {"offset": [min(c) - self.low * s for c, s in zip(columns, scales)], "scale": scales}

    def _options(self) -> dict[str, float]:
        return {"low": self.low, "high": self.high}

    def _restored(self, content: dict[str, Any]) -> dict[str, Any]:
        return super()._restored(content) | _ends(content)

    def __repr__(self) -> str:
        return f"MinMaxScaler({self.low:g}, {self.high:g})"


class StandardScaler(_Linear):
    """Standardise each column: mean 0 and standard deviation 1 over the rows of `fit` (divisor n).

    A column that never changes becomes 0.

    Called with one row it transforms that, so it can stand in a `Sequential`. See `fit`, `transform`,
    `inverse_transform`, `save` and `load`.

    Example:
        >>> import nn
        >>> nn.StandardScaler().fit_transform([[1.0, 50.0], [3.0, 70.0]])
        [[-1.0, -1.0], [1.0, 1.0]]
    """

    def _learn(self, rows: list[list[Any]]) -> dict[str, Any]:
        columns = self._numbers(rows)
        means = [math.fsum(c) / len(c) for c in columns]
        spreads = [_spread([x - m for x in c]) for c, m in zip(columns, means)]
        return {"offset": means, "scale": [s or 1.0 for s in spreads]}

    def _options(self) -> dict[str, float]:
        return {}

    def __repr__(self) -> str:
        return "StandardScaler()"


class OneHotEncoder(_Learnt):
    """One node per nominal value: each column becomes as many numbers as it had values in `fit`.

    Args:
        low: What the nodes of the other values get; 0.1 keeps sigmoid outputs from saturating.
        high: What the value's own node gets, above `low`; 0.9 then.

    Raises:
        OperandError: One is no number.
        RangeError: `high` is not above `low`.

    Values may be strings, numbers or bools; their nodes stand in sorted order. `inverse_transform` takes the largest
    node of each column, so it also reads a network's outputs.

    Example:
        >>> import nn
        >>> encoder = nn.OneHotEncoder()
        >>> encoder.fit_transform([["red", "Oslo"], ["blue", "Bergen"], ["red", "Bergen"]])
        [[0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]]
        >>> encoder.inverse_transform([[0.2, 0.7, 0.4, 0.1]]), encoder.categories
        ([['red', 'Bergen']], [['blue', 'red'], ['Bergen', 'Oslo']])
    """

    @says_how
    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        self.low: float = real(low, "OneHotEncoder: low")
        self.high: float = real(high, "OneHotEncoder: high", self.low, open_low=True)

    @property
    def categories(self) -> list[list[Any]]:
        """The values of each column, in the order of their nodes.

        Raises:
            StructureError: Nothing was learnt yet.

        Example:
            >>> import nn
            >>> nn.OneHotEncoder().fit([[2], [1], [2]]).categories
            [[1, 2]]
        """
        self._columns()
        return [list(values) for values in (self._state or {})["categories"]]

    def _learn(self, rows: list[list[Any]]) -> dict[str, Any]:
        for value in (x for row in rows for x in row):
            if not isinstance(value, (str, int, float, bool)):
                msg = f"OneHotEncoder.fit: expected strings or numbers as nominal values, got {shown(value)}"
                raise OperandError(msg)
        return {"categories": [sorted(set(c), key=lambda x: (isinstance(x, str), x)) for c in zip(*rows)]}

    def _there(self, row: list[Any]) -> list[float]:
        nodes: list[float] = []
        for j, (x, values) in enumerate(zip(row, self.categories)):
            if x not in values:
                msg = f"OneHotEncoder.transform: column {j}: expected one of {shown(values)}, got {shown(x)}"
                raise RangeError(msg)
            nodes += [self.high if x == value else self.low for value in values]
        return nodes

    def _back(self, row: list[Any]) -> list[Any]:
        found, start = [], 0
        for values in self.categories:
            part = [real(x, "OneHotEncoder.inverse_transform", nan=True) for x in row[start : start + len(values)]]
            found.append(values[max(range(len(part)), key=part.__getitem__)])
            start += len(values)
        return found

    def _width(self) -> int:
        return sum(map(len, self.categories))

    def _options(self) -> dict[str, float]:
        return {"low": self.low, "high": self.high}

    def _restored(self, content: dict[str, Any]) -> dict[str, Any]:
        categories = content["categories"]
        for values in categories if isinstance(categories, list) and categories else [None]:
            if not isinstance(values, list) or not values:
                msg = f"expected a list of values per column, got {values!r:.60}"
                raise ValueError(msg)
            for value in values:
                if not isinstance(value, (str, bool)):
                    _finite(value)
            if len(set(values)) < len(values):
                msg = f"expected different values in a column, got {values!r:.60}"
                raise ValueError(msg)
        return {"_state": {"categories": categories}} | _ends(content)

    def __repr__(self) -> str:
        return f"OneHotEncoder({self.low:g}, {self.high:g})"


def _classes(classes: Any) -> list[Any]:
    """All classes there are: the numbers from 0 below an int, or those in a sequence."""
    if isinstance(classes, int) and not isinstance(classes, bool):
        return list(range(whole(classes, "one_hot: classes")))
    given = plain(classes)
    if not isinstance(given, (list, tuple, range)):
        msg = f"one_hot: classes: expected how many there are, or a list of them, got {shown(classes)}"
        raise OperandError(msg)
    return list(given)


@says_how
def one_hot(
    labels: Any, classes: int | Sequence[Any] | None = None, *, low: float = 0.0, high: float = 1.0
) -> list[list[float]]:
    """Targets with one node per class.

    Args:
        labels: The class of each case.
        classes: All of them in the order of the nodes, or how many there are, counted from 0; None for
            those that occur, sorted.
        low: The target of the other nodes; 0.1 where outputs are sigmoids and the loss a squared error.
        high: The target of the class's own node; 0.9 then.

    Returns:
        For each case a list with one float per class.

    Raises:
        StructureError: There are no labels.
        RangeError: A label that is not among the classes, or `high` is not above `low`.
        OperandError: `labels` is no list or array.

    Example:
        >>> import nn
        >>> nn.one_hot([2, 0], 3, low=0.1, high=0.9)
        [[0.1, 0.1, 0.9], [0.9, 0.1, 0.1]]
    """
    items = plain(labels)
    if not isinstance(items, list):
        msg = f"one_hot: labels: expected a list or an array, got {shown(labels)}"
        raise OperandError(msg)
    known = items if classes is None else _classes(classes)
    encoder = OneHotEncoder(low, high).fit([[x] for x in known])
    if classes is not None:
        encoder._state = {"categories": [known]}
    return encoder.transform([[x] for x in items])


def _spread(differences: list[float]) -> float:
    """The root mean square, scaled first where squares would underflow."""
    found = math.sqrt(math.fsum(x**2 for x in differences) / len(differences))
    largest = max(map(abs, differences))
    if found and largest > LEAST_SQUARED:
        return found
    return largest and largest * math.sqrt(math.fsum((x / largest) ** 2 for x in differences) / len(differences))
