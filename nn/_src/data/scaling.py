"""Scaled columns: to a range, or to mean 0 and standard deviation 1."""

from __future__ import annotations

import math
from typing import Any

from autograd_core import RangeError, Value
from autograd_core._src.wrong_calls import says_how

from ..support.validation import real
from .learnt import Learnt, ends, finite


class _Linear(Learnt):
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
        return [(_entry(x) - offset) / scale for x, offset, scale in zip(row, offsets, scales)]

    def _back(self, row: list[Any]) -> list[Any]:
        assert self._state is not None
        offsets, scales = self._state["offset"], self._state["scale"]
        return [_entry(x) * scale + offset for x, offset, scale in zip(row, offsets, scales)]

    def _restored(self, content: dict[str, Any]) -> dict[str, Any]:
        state = {name: [finite(x) for x in content[name]] for name in ("offset", "scale")}
        if not state["offset"] or len(state["offset"]) != len(state["scale"]) or 0.0 in state["scale"]:
            msg = "expected one offset and one scale other than 0 per column"
            raise ValueError(msg)
        return {"_state": state}


def _entry(x: Any) -> Any:
    """An entry of a row: a number, or a network's output."""
    return x if isinstance(x, Value) else real(x, "an entry of a row", nan=True)


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
        return super()._restored(content) | ends(content)

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


def _spread(differences: list[float]) -> float:
    """The root mean square, scaled first where squares would underflow."""
    found = math.sqrt(math.fsum(x**2 for x in differences) / len(differences))
    largest = max(map(abs, differences))
    if found and largest > LEAST_SQUARED:
        return found
    return largest and largest * math.sqrt(math.fsum((x / largest) ** 2 for x in differences) / len(differences))
