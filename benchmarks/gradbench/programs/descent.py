"""Gradient descent as the evals `particle` and `saddle` prescribe it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import autograd_core as ag

if TYPE_CHECKING:
    from collections.abc import Callable

NEAR = 1e-5  # gradients and steps below it end the search
FIRST_RATE, IN_A_ROW = 1e-5, 10  # the rate doubles after so many successes, and halves at a failure


def argmin(
    value: Callable[[list[Any]], Any], gradient: Callable[[list[Any]], list[Any]], x: list[Any]
) -> list[Any]:
    """Where the value is least, from x on; numbers may be Values, so that derivatives go through the search."""
    fx, gx, rate, successes = value(x), gradient(x), FIRST_RATE, 0
    while ag.norm(gx) > NEAR:
        if successes == IN_A_ROW:
            rate, successes = rate * 2, 0
            continue
        tried = [a - rate * g for a, g in zip(x, gx, strict=True)]
        if ag.norm([a - b for a, b in zip(x, tried, strict=True)]) <= NEAR:
            return x
        f_tried = value(tried)
        if f_tried < fx:
            x, fx, gx, successes = tried, f_tried, gradient(tried), successes + 1
        else:
            rate, successes = rate / 2, 0
    return x
