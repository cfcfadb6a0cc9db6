"""One node per nominal value, of inputs and of targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, RangeError
from autograd_core._src.any_object import brief, shown
from autograd_core._src.wrong_calls import says_how

from ..support.validation import plain, real, whole
from .learnt import Learnt, ends, finite

if TYPE_CHECKING:
    from collections.abc import Sequence


class OneHotEncoder(Learnt):
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
                msg = f"expected a list of values per column, got {brief(values)}"
                raise ValueError(msg)
            for value in values:
                if not isinstance(value, (str, bool)):
                    finite(value)
            if len(set(values)) < len(values):
                msg = f"expected different values in a column, got {brief(values)}"
                raise ValueError(msg)
        return {"_state": {"categories": categories}} | ends(content)

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
