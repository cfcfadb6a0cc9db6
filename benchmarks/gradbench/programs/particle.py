"""A charged particle steered through the origin: gradient descent on a path whose forces are derivatives themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import autograd_core as ag

from .descent import argmin

if TYPE_CHECKING:
    from collections.abc import Callable

STEP, MOST_TRACES = 0.1, 64


def by_reverse(f: Callable[[Any, Any], Any], x: Any, y: Any) -> tuple[Any, Any]:
    """Both partial derivatives by reverse mode."""
    found: tuple[Any, Any] = ag.grad(f, argnums=(0, 1))(x, y)
    return found


def by_forward(f: Callable[[Any, Any], Any], x: Any, y: Any) -> tuple[Any, Any]:
    """Both partial derivatives, one run of forward mode each."""
    return ag.jvp(f, (x, y), (1.0, 0.0))[1], ag.jvp(f, (x, y), (0.0, 1.0))[1]


def missed_by(w: Any, force: Callable[..., tuple[Any, Any]]) -> Any:
    """The square of where the particle crosses y = 0."""
    x, y, vx, vy = 0.0, 8.0, 0.75, 0.0
    while True:
        ax, ay = force(lambda px, py: 1 / ag.hypot(px - 10, py - 10 + w) + 1 / ag.hypot(px - 10, py), x, y)
        x, y = x + STEP * vx, y + STEP * vy
        if y <= 0:
            return (x - y / vy * vx) ** 2
        vx, vy = vx - STEP * ax, vy - STEP * ay


def steered(given: Any, outer: str, force: Callable[..., tuple[Any, Any]]) -> Any:
    """The search, with the outer derivative in one of both modes; each number of steps is a trace of its own."""
    value = ag.compile(lambda w: missed_by(w, force), given["w"], max_traces=MOST_TRACES)
    tangent = ag.compile(
        lambda w: ag.jvp(lambda w: missed_by(w, force), (w,), (1.0,))[1], given["w"], max_traces=MOST_TRACES
    )

    def gradient(w: Any) -> list[float]:
        return [tangent(w[0]) if outer == "f" else value.value_and_grad(w[0])[1][0]]

    return lambda: argmin(lambda w: value(w[0]), gradient, [given["w"]])[0], float


FUNCTIONS = {
    outer + inner: (lambda given, o=outer, i=inner: steered(given, o, by_reverse if i == "r" else by_forward))
    for outer in "rf"
    for inner in "rf"
}
