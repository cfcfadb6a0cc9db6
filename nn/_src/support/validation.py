"""Checks of arguments that several modules of this package share."""

from __future__ import annotations

import math
import operator
import random
from typing import Any

from autograd_core import OperandError, RangeError, StructureError, Value
from autograd_core._src.any_object import brief, shown
from autograd_core._src.engine.pytrees import as_numpy
from autograd_core._src.wrong_calls import misfit

NAMELESS_TYPES = frozenset({float, int, bool, str})


def plain(x: Any) -> Any:
    """`x` with arrays, tables and scalars as lists and numbers, tuples and other sequences as lists."""
    # The most common types first: looking up an attribute that they lack would take longer.
    if type(x) in NAMELESS_TYPES or isinstance(x, (list, Value)):
        return x
    x = as_numpy(x)  # the items of a DataFrame are the names of its columns
    if hasattr(x, "tolist"):
        return x.tolist()
    return list(x) if hasattr(x, "__iter__") and not isinstance(x, (str, bytes, dict)) else x


def row(x: Any, caller: str) -> list[Any]:
    """`x` as a list.

    Raises:
        StructureError: It is a single number, or nothing that can be iterated.
    """
    items = plain(x)
    if isinstance(items, list):
        return items
    msg = (
        f"{caller}: expected a list of numbers, got {shown(x)}; for one number pass [x], for one row of many [row], "
        "and for a column of numbers a row for each, [[x] for x in X], or X[:, None] of an array"
    )
    raise StructureError(msg)


def whole(x: Any, what: str, least: int = 1) -> int:
    """`x` as an int that is at least `least`.

    Raises:
        OperandError: It is no int.
        RangeError: It is too small.
    """
    try:
        n = operator.index(x)
    except TypeError:
        n = None
    if n is None or isinstance(x, bool):
        msg = f"{what}: expected an int, got {shown(x)}"
        raise OperandError(msg)
    if n < least:
        msg = f"{what}: expected at least {least}, got {n}"
        raise RangeError(msg)
    return n


def real(
    x: Any, what: str, low: float = -math.inf, high: float = math.inf,
    *, open_low: bool = False, open_high: bool = False, nan: bool = False,
) -> float:  # fmt: skip
    """`x` as a float within [low, high], excluding open ends.

    Raises:
        OperandError: It is no real number.
        RangeError: It is outside of the bounds, or NaN where that is not allowed.
    """
    try:
        number = float(Value(x).data)
    except OperandError as error:
        cure = str(error).rpartition("(str)")[2] if isinstance(x, str) else ""
        msg = f"{what}: expected a real number, got {shown(x)}{cure}"
        raise OperandError(msg) from None
    above = low < number or (number == low and not open_low)
    below = number < high or (number == high and not open_high)
    if (nan and math.isnan(number)) or (above and below):
        return number
    span = f"{'(' if open_low else '['}{low:g}, {high:g}{')' if open_high else ']'}"
    msg = f"{what}: expected a number in {span}, got {brief(x)}"
    raise RangeError(msg)


LOSS = "predictions and targets such as nn.mse"
ONE_PREDICTION = "one prediction and its target such as nn.SameClass()"


def callable_of(f: Any, what: str, arguments: str) -> None:
    """Raise unless `f` is a function of two arguments.

    Raises:
        OperandError: It is none.
    """
    reason = shown(f) if not callable(f) else misfit(f, (None, None), {})
    if reason:
        msg = f"{what}: expected a function of {arguments}, got {reason}"
        raise OperandError(msg)


def generator(seed: Any) -> random.Random:
    """The source of random numbers that a `seed=` argument means.

    Args:
        seed: An int; a `random.Random` that is used, and so advanced, as it is; None for one that
            differs from run to run. Python's global generator is left alone.

    Raises:
        OperandError: It is none of these.
    """
    if isinstance(seed, random.Random):
        return seed
    if seed is not None and not isinstance(seed, int):
        msg = f"seed: expected an int, a random.Random or None, got {shown(seed)}"
        raise OperandError(msg)
    return random.Random(seed)  # noqa: S311  weights and shuffles are no secrets
