"""min over x of max over y of |x|² - |y|², each by gradient descent: derivatives through a search."""

from __future__ import annotations

from typing import Any

import autograd_core as ag

from .descent import argmin


def height(x: Any, y: Any) -> Any:
    """The function whose saddle is sought."""
    return (x[0] * x[0] + x[1] * x[1]) - (y[0] * y[0] + y[1] * y[1])


def slopes(f: Any, p: Any, mode: str) -> list[Any]:
    """The gradient by reverse or forward mode."""
    if mode == "r":
        return list(ag.grad(f)(list(p)))
    return [ag.jvp(f, (list(p),), ([float(i == k) for i in range(len(p))],))[1] for k in range(len(p))]


def highest(x: Any, start: Any, mode: str) -> Any:
    """The y at which the height is greatest for this x."""
    return argmin(lambda y: -height(x, y), lambda y: slopes(lambda y: -height(x, y), y, mode), start)


def saddle(start: Any, outer: str, inner: str) -> list[float]:
    """Both points."""

    def crest(x: Any) -> Any:
        return height(x, highest(x, start, inner))

    x = argmin(crest, lambda x: slopes(crest, x, outer), start)
    return [*x, *highest(x, start, outer)]


FUNCTIONS = {
    outer + inner: (lambda given, o=outer, i=inner: (lambda: saddle(given["start"], o, i), list))
    for outer in "rf"
    for inner in "rf"
}
