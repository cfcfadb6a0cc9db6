"""Products of many numbers whose parts may leave the range of doubles though the whole stays in it.

A part that grows or shrinks too far is divided by a power of two, which costs no digit, and the powers are counted;
so the rounding is that from left to right. That is rare: a plain product comes first, and tells whether it was right.
"""

from __future__ import annotations

import operator
from functools import reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

STEPS = 5  # so many powers more lead from any product to 0 or infinity


def whole(m: Any, xs: Sequence[Any]) -> Any:
    """x1 x2 ... xn, rounded from left to right, wherever its parts are."""
    if len(xs) < 3:
        return xs[0] * xs[1] if len(xs) == 2 else m.number(xs[0] if xs else 1)
    left = _parts(xs)
    return m.rarely(_leaves_the_range(m, xs, left) > 0, lambda: joined(m, *_scaled_parts(m, xs)[-1]), left[-1])


def of_others(m: Any, xs: Sequence[Any]) -> tuple[Any, ...]:
    """For every x the product of all the others, from the left and from the right: right beside zeros, too."""
    n = len(xs)
    if n < 3:
        return (xs[1], xs[0]) if n == 2 else (m.number(1),) * n
    ahead, behind = xs[:-1], xs[:0:-1]
    left, right = _parts(ahead), _parts(behind)
    bad = _leaves_the_range(m, ahead, left) + _leaves_the_range(m, behind, right)
    scaled: list[list[tuple[Any, Any]]] = []

    def rare(i: int) -> Any:
        if not scaled:
            scaled.extend((_scaled_parts(m, ahead), _scaled_parts(m, behind)))
        parts = ([scaled[0][i - 1]] if i else []) + ([scaled[1][n - 2 - i]] if i < n - 1 else [])
        (p, count), *others = parts
        for q, more in others:
            p, count = nearer_to_1(m, p * q, count + more)
        return joined(m, p, count)

    found = []
    for i in range(n):
        usual = right[-1] if i == 0 else left[-1] if i == n - 1 else left[i - 1] * right[n - 2 - i]
        found.append(m.rarely(bad > 0, lambda i=i: rare(i), usual))
    return tuple(found)


def plainly(m: Any, xs: Sequence[Any]) -> Any:
    """The product of numbers that have no range to leave."""
    return reduce(operator.mul, xs) if xs else m.number(1)


def plainly_of_others(m: Any, xs: Sequence[Any]) -> tuple[Any, ...]:
    """The products of all the others, likewise."""
    left, right = [m.number(1)], [m.number(1)]
    for x, y in zip(xs[:-1], xs[:0:-1], strict=True):
        left.append(left[-1] * x)
        right.append(right[-1] * y)
    return tuple(a * b for a, b in zip(left, reversed(right), strict=True))


def _parts(xs: Sequence[Any]) -> list[Any]:
    """x1, x1 x2, x1 x2 x3, ..."""
    found = [xs[0]]
    for x in xs[1:]:
        found.append(found[-1] * x)
    return found


def _leaves_the_range(m: Any, xs: Sequence[Any], parts: Sequence[Any]) -> Any:
    """1 if a part has lost digits or is infinite, which no part is where the one before or the factor is 0; else 0."""
    bad = m.number(0)
    for x, before, p in zip(xs[1:], parts, parts[1:]):
        bad = leaving(m, before, x, p, bad)
    return bad


def leaving(m: Any, before: Any, x: Any, p: Any, bad: Any) -> Any:
    """1 if the part p = before * x has lost digits or is infinite, else `bad`."""
    tiny, size = m.tiny(p), m.abs(p)
    small = m.where(size < tiny, m.where(m.equal(before, 0), 0, m.where(m.equal(x, 0), 0, 1)), 0)
    return m.where(size > 1 / tiny, 1, m.where(small > 0, 1, bad))


def nearer_to_1(m: Any, p: Any, count: Any) -> tuple[Any, Any]:
    """p by a power of two, and how often it was divided by that: one step."""
    root = m.tiny(p) ** 0.5
    power = m.number(1 / root)
    size = m.abs(p)
    large, small = size > 1 / root, size < root
    return (
        m.where(large, p / power, m.where(small, p * power, p)),
        m.where(large, count + 1, m.where(small, count - 1, count)),
    )


def _scaled_parts(m: Any, xs: Sequence[Any]) -> list[tuple[Any, Any]]:
    """The parts, each as a number in the middle of the range and the power of two that it lacks."""
    found = [_near_1(m, xs[0])]
    for x in xs[1:]:
        found.append(with_factor(m, *found[-1], x))
    return found


def _near_1(m: Any, x: Any) -> tuple[Any, Any]:
    return nearer_to_1(m, *nearer_to_1(m, x, m.number(0)))


def with_factor(m: Any, p: Any, count: Any, x: Any) -> tuple[Any, Any]:
    """Such a part with one factor more."""
    t, more = _near_1(m, x)
    return nearer_to_1(m, p * t, count + more)


def joined(m: Any, p: Any, count: Any) -> Any:
    """p with the powers of two that it lacks."""
    power = m.number(m.tiny(p) ** -0.5)
    for _ in range(STEPS):
        p = m.where(count > 0, p * power, m.where(count < 0, p / power, p))
        count = m.where(count > 0, count - 1, m.where(count < 0, count + 1, count))
    return p
